import { describe, expect, it } from 'vitest';
import { layoutColumns, nextSort, readSort, writeSort, type Column } from './layout';

const column = (id: string, width: number, more: Partial<Column<unknown>> = {}): Column<unknown> => ({
  id,
  label: id,
  width,
  text: () => id,
  ...more,
});
const ids = (layout: ReturnType<typeof layoutColumns>) => layout.shown.map((each) => each.column.id);

describe('layoutColumns', () => {
  const wide = [column('name', 200, { pinned: true }), ...Array.from({ length: 100 }, (_, i) => column(`c${i}`, 100))];

  it('draws the pinned columns and those near the view', () => {
    const layout = layoutColumns(wide, {}, 5_000, 800);
    expect(ids(layout)[0]).toBe('name');
    expect(ids(layout).length).toBeLessThan(20);
    expect(ids(layout)).toContain('c50');
    expect(layout.total).toBe(10_200);
  });

  it('keeps the tracks as wide as all columns together', () => {
    for (const scroll of [0, 333, 5_000, 9_400]) {
      const { template, total } = layoutColumns(wide, { c3: 240 }, scroll, 800);
      const tracks = template.split(' ').map((track) => Number.parseInt(track, 10));
      expect(tracks.reduce((sum, track) => sum + track, 0)).toBe(total);
    }
  });

  it('makes the names narrower on a narrow screen, unless somebody set their width', () => {
    expect(layoutColumns(wide, {}, 0, 300)).toMatchObject({ pinned: 1, pinnedWidth: 180 });
    expect(layoutColumns(wide, { name: 250 }, 0, 300).pinned).toBe(0);
  });

  it('pins nothing on a screen that the pinned columns would fill', () => {
    expect(layoutColumns(wide, {}, 0, 150).pinned).toBe(0);
  });

  it('shares out what is left among the growing columns', () => {
    const columns = [column('a', 100), column('b', 100, { grow: true }), column('c', 50, { grow: true })];
    const layout = layoutColumns(columns, {}, 0, 501);
    expect(layout.total).toBe(501);
    expect(layout.widths).toEqual([100, 225, 176]);
    expect(layoutColumns(columns, {}, 0, 200).widths).toEqual([100, 100, 50]);
  });

  it('puts one band over neighbours of one group', () => {
    const columns = [column('n', 100, { pinned: true }), column('x', 100)];
    const grouped = ['a', 'b'].map((id) => column(id, 100, { group: 'Metrics' }));
    const layout = layoutColumns([...columns, ...grouped, column('p', 100, { group: 'Parameters' })], {}, 0, 900);
    expect(layout.bands).toEqual([
      { label: 'Metrics', start: 4, span: 2 },
      { label: 'Parameters', start: 6, span: 1 },
    ]);
  });
});

describe('nextSort', () => {
  it('goes down, up, off for numbers and up, down, off for text', () => {
    const number = column('n', 100);
    const text = column('t', 100, { firstSort: 'asc' });
    expect(nextSort(number, undefined)).toEqual({ id: 'n', desc: true });
    expect(nextSort(number, { id: 'n', desc: true })).toEqual({ id: 'n', desc: false });
    expect(nextSort(number, { id: 'n', desc: false })).toBeUndefined();
    expect(nextSort(text, { id: 'n', desc: true })).toEqual({ id: 't', desc: false });
    expect(nextSort(text, { id: 't', desc: false })).toEqual({ id: 't', desc: true });
  });
});

it('writes a sort into the address and reads it back', () => {
  for (const sort of [{ id: 'metric:a:b', desc: true }, { id: 'name', desc: false }, undefined]) {
    expect(readSort(writeSort(sort))).toEqual(sort);
  }
});
