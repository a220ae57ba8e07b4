import { expect, it } from 'vitest';
import { compareKeys, compareNames } from './order';

it('sorts numbers in names by their value', () => {
  expect(['layer_10', 'layer_2', 'Bias', 'acc'].sort(compareNames)).toEqual(['acc', 'Bias', 'layer_2', 'layer_10']);
  expect([{ key: 'b10' }, { key: 'b9' }].sort(compareKeys)).toEqual([{ key: 'b9' }, { key: 'b10' }]);
});
