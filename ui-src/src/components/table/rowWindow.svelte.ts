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
  #rowHeight: number;
  #headerHeight: number;

  /**
   * `top` is where the view begins; `kept` names a row that is drawn even out of view, so that the focus on it is
   * not lost.
   */
  constructor(rowHeight: number, headerHeight: number, top: number, kept: () => number) {
    this.#rowHeight = rowHeight;
    this.#headerHeight = headerHeight;
    this.#virtualizer = new Virtualizer<HTMLElement, Element>({
      count: 0,
      getScrollElement: () => null,
      estimateSize: () => rowHeight,
      overscan: OVERSCAN_ROWS,
      initialOffset: top,
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

  /**
   * Scrolls as little as needed to show a row clear of the sticky head. Done here and at once: virtual-core goes on
   * correcting its own scrolls for some frames, and would take back what live rows move meanwhile.
   */
  reveal(index: number): void {
    const element = this.#virtualizer.scrollElement;
    if (!element) return;
    const top = index * this.#rowHeight;
    const least = top + this.#rowHeight + this.#headerHeight - element.clientHeight;
    if (element.scrollTop > top) element.scrollTop = top;
    else if (element.scrollTop < least) element.scrollTop = least;
  }

  #read(): void {
    this.items = this.#virtualizer.getVirtualItems();
    this.height = this.#virtualizer.getTotalSize();
  }
}
