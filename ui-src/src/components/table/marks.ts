// Rows kept in sight while others come and go. Pure.

/** A row, and where it stood. */
export interface Mark {
  key: string;
  index: number;
}

export function markAt<Row>(rows: readonly Row[], index: number, key: (row: Row) => string): Mark | undefined {
  const row = rows[index];
  return row === undefined ? undefined : { key: key(row), index };
}

/** By how many rows a marked row has moved; 0 when it is gone. */
export function movedBy<Row>(rows: readonly Row[], mark: Mark | undefined, key: (row: Row) => string): number {
  if (!mark || markAt(rows, mark.index, key)?.key === mark.key) return 0;
  const now = rows.findIndex((row) => key(row) === mark.key);
  return now < 0 ? 0 : now - mark.index;
}
