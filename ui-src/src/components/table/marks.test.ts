import { describe, expect, it } from 'vitest';
import { markAt, movedBy } from './marks';

const same = (row: string) => row;

describe('marks', () => {
  const mark = markAt(['a', 'b', 'c'], 1, same);

  it('says how far a row has moved', () => {
    expect(movedBy(['a', 'b', 'c'], mark, same)).toBe(0);
    expect(movedBy(['x', 'y', 'a', 'b'], mark, same)).toBe(2);
    expect(movedBy(['b', 'c'], mark, same)).toBe(-1);
  });

  it('stays where it is without a row', () => {
    expect(movedBy(['a', 'c'], mark, same)).toBe(0);
    expect(markAt([], 0, same)).toBeUndefined();
    expect(movedBy(['a'], undefined, same)).toBe(0);
  });
});
