import { describe, expect, it } from 'vitest';
import { change, pairUp } from './difference';
import { formatNumber } from './format';

describe('pairUp', () => {
  it('sets both sides beside each other and says what differs', () => {
    const left = [{ key: 'depth', value: '4' }, { key: 'layer_10', value: 'x' }, { key: 'seed', value: '7' }];
    const right = [{ key: 'seed', value: '7' }, { key: 'depth', value: '6' }, { key: 'layer_2', value: 'y' }];
    expect(pairUp(left, right)).toEqual([
      { key: 'depth', left: '4', right: '6', differs: true },
      { key: 'layer_2', left: undefined, right: 'y', differs: true },
      { key: 'layer_10', left: 'x', right: undefined, differs: true },
      { key: 'seed', left: '7', right: '7', differs: false },
    ]);
  });

  it('tells an empty value from none', () => {
    expect(pairUp([{ key: 'a', value: '' }], [])[0]?.differs).toBe(true);
  });
});

describe('change', () => {
  it.each([
    ['0.9', '0.95', '+0.05'],
    ['3', '1', '−2'],
    ['1', '1', ''],
    ['NaN', '1', ''],
    [undefined, '1', ''],
  ])('%s to %s', (left, right, text) => expect(change(left, right, formatNumber)).toBe(text));
});
