import { describe, expect, it } from 'vitest';
import { parseCsv, parseLoggedTable } from './csv';

const MANY = 1_000;

describe('parseCsv', () => {
  it('reads quotes, separators and line breaks inside them', () => {
    const text = 'a,b\r\n1,"x, ""y"""\r\n2,"two\nlines"\r\n';
    expect(parseCsv(text, ',', MANY)).toEqual({
      columns: ['a', 'b'],
      rows: [
        ['1', 'x, "y"'],
        ['2', 'two\nlines'],
      ],
      truncated: false,
    });
  });

  it('keeps empty cells, names extra columns, drops empty lines', () => {
    expect(parseCsv('a,b\n1,\n\n,2,3', ',', MANY)).toEqual({
      columns: ['a', 'b', 'column 3'],
      rows: [
        ['1', ''],
        ['', '2', '3'],
      ],
      truncated: false,
    });
  });

  it('reads tabs, a byte order mark and a quote that is never closed', () => {
    expect(parseCsv('\uFEFFa\tb\n"x', '\t', MANY)).toEqual({ columns: ['a', 'b'], rows: [['x']], truncated: false });
  });

  it('stops at the limit and says so', () => {
    const table = parseCsv('n\n1\n2\n3', ',', 2);
    expect(table.rows).toEqual([['1'], ['2']]);
    expect(table.truncated).toBe(true);
  });

  it('makes nothing of nothing', () => {
    expect(parseCsv('', ',', MANY)).toEqual({ columns: [], rows: [], truncated: false });
  });
});

describe('parseLoggedTable', () => {
  it("reads what log_table writes", () => {
    const json = { columns: ['q', 'n'], data: [['<b>', 1], [null, { a: 1 }]] };
    expect(parseLoggedTable(json, MANY)).toEqual({
      columns: ['q', 'n'],
      rows: [
        ['<b>', '1'],
        ['', '{"a":1}'],
      ],
      truncated: false,
    });
  });

  it.each([null, [], { columns: ['a'] }, { columns: 'a', data: [] }, { columns: ['a'], data: [1] }])(
    'is not fooled by %j',
    (json) => expect(parseLoggedTable(json, MANY)).toBeUndefined(),
  );
});
