// RFC 4180 text tables, read up to a limit. Pure.

/** A table as text cells. `truncated` says that rows were left out. */
export interface TextTable {
  columns: string[];
  rows: string[][];
  truncated: boolean;
}

/** Reads comma- or tab-separated text; the first record names the columns. */
export function parseCsv(text: string, separator: ',' | '\t', maxRows: number): TextTable {
  const records: string[][] = [];
  let truncated = false;
  for (const record of csvRecords(text.replace(/^\uFEFF/, ''), separator)) {
    if (records.length > maxRows) {
      truncated = true;
      break;
    }
    records.push(record);
  }
  const [columns = [], ...rows] = records;
  const width = rows.reduce((most, row) => Math.max(most, row.length), columns.length);
  for (let i = columns.length; i < width; i += 1) columns.push(`column ${i + 1}`);
  return { columns, rows, truncated };
}

function* csvRecords(text: string, separator: string): Generator<string[]> {
  let record: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell: string;
    [cell, at] = text[at] === '"' ? quotedCell(text, at) : plainCell(text, at, separator);
    record.push(cell);
    if (text[at] === separator) {
      at += 1;
      if (at === text.length) record.push('');
      continue;
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    if (record.length > 1 || record[0] !== '') yield record;
    record = [];
  }
  if (record.length > 0) yield record;
}

function plainCell(text: string, from: number, separator: string): [string, number] {
  let end = from;
  while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end += 1;
  return [text.slice(from, end), end];
}

function quotedCell(text: string, from: number): [string, number] {
  let cell = '';
  let at = from + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return [cell + text.slice(at), text.length];
    cell += text.slice(at, quote);
    if (text[quote + 1] !== '"') return [cell, quote + 1];
    cell += '"';
    at = quote + 2;
  }
}

/** The table that `mlflow.log_table` writes: `{"columns": [...], "data": [[...], ...]}`. */
export function parseLoggedTable(json: unknown, maxRows: number): TextTable | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { columns, data } = json as { columns?: unknown; data?: unknown };
  if (!Array.isArray(columns) || !Array.isArray(data)) return undefined;
  if (!data.every((row) => Array.isArray(row))) return undefined;
  const rows = data.slice(0, maxRows).map((row: unknown[]) => row.map(cellText));
  return { columns: columns.map(cellText), rows, truncated: data.length > maxRows };
}

const cellText = (value: unknown): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);
