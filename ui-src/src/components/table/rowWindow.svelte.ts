import {
  Virtualizer,
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type VirtualItem,
} from '@tanstack/virtual-core';

const OVERSCAN_ROWS = 12;

/** The rows in view, as virtual-core computes them, for Svelte. */
export class RowWindow {
  items = $state.raw<VirtualItem[]>([]);
  height = $state(0);
  #virtualizer: Virtualizer<HTMLElement, Element>;

  /**
   * `top` is where the view begins; `kept` names a row that is drawn even out of view, so that the focus on it is
   * not lost.
   */
  constructor(rowHeight: number, headerHeight: number, top: number, kept: () => number) {
    this.#virtualizer = new Virtualizer<HTMLElement, Element>({
      count: 0,
      getScrollElement: () => null,
      estimateSize: () => rowHeight,
      overscan: OVERSCAN_ROWS,
      initialOffset: top,
      // The sticky head covers the top of the view; counting it at the bottom moves rows clear of it.
      scrollPaddingEnd: headerHeight,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      rangeExtractor: (range) => {
        const rows = defaultRangeExtractor(range);
        const row = kept();
        if (row < 0 || row >= range.count || rows.includes(row)) return rows;
        return [...rows, row].sort((a, b) => a - b);
      },
      onChange: () => this.#read(),
    });
  }

  mount(element: HTMLElement): () => void {
    this.#virtualizer.setOptions({ ...this.#virtualizer.options, getScrollElement: () => element });
    const unmount = this.#virtualizer._didMount();
    this.#virtualizer._willUpdate();
    this.#read();
    return unmount;
  }

  setCount(count: number): void {
    this.#virtualizer.setOptions({ ...this.#virtualizer.options, count });
    this.#virtualizer._willUpdate();
    this.#read();
  }

  reveal(index: number): void {
    this.#virtualizer.scrollToIndex(index, { align: 'auto' });
  }

  #read(): void {
    this.items = this.#virtualizer.getVirtualItems();
    this.height = this.#virtualizer.getTotalSize();
  }
}
