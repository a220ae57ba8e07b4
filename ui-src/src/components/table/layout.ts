// Where the columns of a wide table lie and which of them are worth drawing. Pure.

/** One column. `Row` is whatever the table shows. */
export interface Column<Row> {
  id: string;
  label: string;
  /** Columns of one group stand together under a common heading. */
  group?: string;
  width: number;
  align?: 'end';
  sortable?: boolean;
  /** Numbers sort downwards first, text upwards. */
  firstSort?: 'asc' | 'desc';
  /** Stays at the left edge; only leading columns can. */
  pinned?: boolean;
  /** Takes a share of what is left of the width when all columns together are narrower than the view. */
  grow?: boolean;
  /** Names the row for screen readers. */
  rowHeader?: boolean;
  /** What the cell says; shown as it is unless the column is `custom`. */
  text: (row: Row) => string;
  /** Drawn by the table's snippet: costs more, so figures and plain text do without. */
  custom?: boolean;
  /** Said on hover; without it the text, where it is cut off. */
  title?: (row: Row) => string;
}

export interface Sort {
  id: string;
  desc: boolean;
}

/** Where someone is in a table: pixels from its top and left edge, and the cell they went to, if any. */
export interface Place {
  top: number;
  left: number;
  cell: { row: number; col: number } | undefined;
}

/** A column that is drawn, with all that its cells have in common. */
export interface Shown<Row> {
  column: Column<Row>;
  index: number;
  /** Where a pinned column stands. */
  left: string | undefined;
  /** The first cell behind the skipped columns names its track; the others follow. */
  track: number | undefined;
  classes: string;
}

/** The shape of the table at one scroll position. */
export interface Layout<Row> {
  /** Columns to draw: the pinned ones, then those near the viewport. */
  shown: Shown<Row>[];
  pinned: number;
  pinnedWidth: number;
  /** How wide each of the columns is, drawn or not. */
  widths: readonly number[];
  total: number;
  /** `grid-template-columns`: skipped columns are one wide track on either side. */
  template: string;
  bands: { label: string; start: number; span: number }[];
}

export const MIN_WIDTH = 56;
const OVERSCAN_PX = 240;

/** Columns that are pinned may take this share of the width. */
const PINNED_SHARE_MAX = 0.6;

/** The last pinned column, which holds the names, gives way down to this; then it scrolls like the rest. */
const NAME_MIN_PX = 120;

export function layoutColumns<Row>(
  columns: readonly Column<Row>[],
  widths: Readonly<Record<string, number>>,
  scrollLeft: number,
  viewport: number,
): Layout<Row> {
  const width = columns.map((column) => Math.max(minWidth(column), widths[column.id] ?? column.width));
  let pinned = columns.findIndex((column) => !column.pinned);
  if (pinned < 0) pinned = columns.length;
  const pinnedMax = Math.floor(viewport * PINNED_SHARE_MAX);
  const names = columns[pinned - 1];
  if (names && widths[names.id] === undefined) {
    const room = pinnedMax - sum(width, 0, pinned - 1);
    width[pinned - 1] = Math.min(width[pinned - 1] ?? 0, Math.max(NAME_MIN_PX, room));
  }
  grow(columns, width, viewport);
  const total = sum(width, 0, width.length);
  let pinnedWidth = sum(width, 0, pinned);
  if (pinnedWidth > pinnedMax) [pinned, pinnedWidth] = [0, 0];

  let from = pinned;
  let left = pinnedWidth;
  const leftEdge = scrollLeft + pinnedWidth - OVERSCAN_PX;
  while (from < columns.length && left + (width[from] ?? 0) < leftEdge) {
    left += width[from] ?? 0;
    from += 1;
  }
  let to = from;
  let right = left;
  const rightEdge = scrollLeft + viewport + OVERSCAN_PX;
  while (to < columns.length && right < rightEdge) {
    right += width[to] ?? 0;
    to += 1;
  }

  const shown: Layout<Row>['shown'] = [];
  const tracks: number[] = [];
  let offset = 0;
  for (let index = 0; index < pinned; index += 1) {
    const column = columns[index];
    if (!column) continue;
    const classes = classesOf(column) + (index === pinned - 1 ? ' pinned last-pinned' : ' pinned');
    shown.push({ column, index, left: `${offset}px`, track: undefined, classes });
    offset += width[index] ?? 0;
    tracks.push(width[index] ?? 0);
  }
  tracks.push(left - pinnedWidth);
  for (let index = from; index < to; index += 1) {
    const column = columns[index];
    if (!column) continue;
    const track = index === from ? pinned + 2 : undefined;
    shown.push({ column, index, left: undefined, track, classes: classesOf(column) });
    tracks.push(width[index] ?? 0);
  }
  tracks.push(total - right);
  const template = tracks.map((track) => `${track}px`).join(' ');
  return { shown, pinned, pinnedWidth, widths: width, total, template, bands: bandsOf(shown, pinned) };
}

/** Shares out what is left of the view, in whole pixels. */
function grow<Row>(columns: readonly Column<Row>[], width: number[], viewport: number): void {
  const growing = columns.flatMap((column, index) => (column.grow ? [index] : []));
  let slack = viewport - sum(width, 0, width.length);
  growing.forEach((index, position) => {
    const share = Math.max(0, Math.floor(slack / (growing.length - position)));
    width[index] = (width[index] ?? 0) + share;
    slack -= share;
  });
}

const classesOf = <Row>(column: Column<Row>): string =>
  (column.align === 'end' ? 'cell end num' : 'cell') +
  (column.custom ? ' custom' : '') +
  (column.id === 'select' ? ' choice' : '');

const minWidth = <Row>(column: Column<Row>): number => Math.min(MIN_WIDTH, column.width);

const sum = (values: readonly number[], from: number, to: number): number =>
  values.slice(from, to).reduce((total, value) => total + value, 0);

/** Runs of shown columns with the same group; `start` counts grid lines, one being the gap's track. */
function bandsOf<Row>(shown: Layout<Row>['shown'], pinned: number): Layout<Row>['bands'] {
  const bands: Layout<Row>['bands'] = [];
  shown.forEach(({ column }, position) => {
    if (!column.group || position < pinned) return;
    const last = bands.at(-1);
    const line = position + 2;
    if (last && last.label === column.group && last.start + last.span === line) last.span += 1;
    else bands.push({ label: column.group, start: line, span: 1 });
  });
  return bands;
}

/** The next state of a column's sort: first direction, the other, none. */
export function nextSort<Row>(column: Column<Row>, sort: Sort | undefined): Sort | undefined {
  const first = column.firstSort !== 'asc';
  if (sort?.id !== column.id) return { id: column.id, desc: first };
  return sort.desc === first ? { id: column.id, desc: !first } : undefined;
}

/** A sort as an address writes it: `metric:rmse` downwards, `metric:rmse:asc` upwards. */
export const writeSort = (sort: Sort | undefined): string => (sort ? sort.id + (sort.desc ? '' : ':asc') : '');

/** Reads `writeSort`'s text. */
export function readSort(text: string): Sort | undefined {
  if (text === '') return undefined;
  return text.endsWith(':asc') ? { id: text.slice(0, -4), desc: false } : { id: text, desc: true };
}
