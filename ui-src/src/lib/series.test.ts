import { describe, expect, it } from 'vitest';
import { groupCurves, positiveOnly, smooth, toSeries, type Point } from './series';

const POINTS: Point[] = [
  [0, 10_000, 3],
  [2, 30_000, 'NaN'],
  [1, 20_000, 2],
];

describe('toSeries', () => {
  it('orders by the axis and leaves gaps for what is not finite', () => {
    expect(toSeries(POINTS, 'step')).toEqual({ x: [0, 1, 2], y: [3, 2, null], nonFinite: 1 });
    expect(toSeries(POINTS, 'relative').x).toEqual([0, 10, 20]);
    expect(toSeries(POINTS, 'time').x).toEqual([10, 20, 30]);
  });

  it('takes no points', () => {
    expect(toSeries([], 'relative')).toEqual({ x: [], y: [], nonFinite: 0 });
  });
});

describe('smooth', () => {
  it('leaves a constant a constant, from its first value on', () => {
    expect(smooth([2, 2, 2], 0.9).map((y) => y?.toFixed(6))).toEqual(['2.000000', '2.000000', '2.000000']);
  });

  it('keeps gaps and does not count them', () => {
    const [first, gap, third] = smooth([1, null, 3], 0.5);
    expect([first, gap]).toEqual([1, null]);
    expect(third).toBeCloseTo(7 / 3);
  });

  it('does nothing at weight 0', () => {
    expect(smooth([1, 5, null], 0)).toEqual([1, 5, null]);
  });
});

it('keeps from a logarithmic axis what it cannot show', () => {
  expect(positiveOnly([1, 0, -1, null])).toEqual([1, null, null, null]);
});

describe('groupCurves', () => {
  const named = (...keys: string[]) => keys.map((key) => ({ key }));
  const names = (groups: [string, { key: string }[]][]) => groups.map(([name, { length }]) => [name, length]);

  it('keeps a few curves together, but the machine apart', () => {
    expect(names(groupCurves(named('system/cpu', 'train/loss', 'val/loss')))).toEqual([
      ['', 2],
      ['system', 1],
    ]);
  });

  it('groups many by the first part of their names', () => {
    const many = Array.from({ length: 12 }, (_, i) => `layer/${i}`);
    expect(names(groupCurves(named(...many, 'loss', 'val/loss')))).toEqual([
      ['', 2],
      ['layer', 12],
    ]);
  });
});
