// Points of a metric, prepared for drawing. Pure.
import { toNumber, type MetricValue } from './format';
import { compareNames } from './order';

/** One logged point: step, time in ms, value. */
export type Point = readonly [step: number, timestamp: number, value: MetricValue];

/** What runs along the horizontal axis. */
export type XAxis = 'step' | 'time' | 'relative';

/** Columns for the chart: `x` ascending; `y` is null where the value is not finite. */
export interface Series {
  x: number[];
  y: (number | null)[];
  /** Points that cannot be drawn: NaN and the infinities. */
  nonFinite: number;
}

/** Columns over step, wall-clock seconds, or seconds since the first point. */
export function toSeries(points: readonly Point[], axis: XAxis): Series {
  const start = points.reduce((first, point) => Math.min(first, point[1]), Infinity);
  const rows = points.map(([step, time, value]) => ({
    x: axis === 'step' ? step : axis === 'time' ? time / 1000 : (time - start) / 1000,
    y: toNumber(value) ?? NaN,
  }));
  rows.sort((a, b) => a.x - b.x);
  let nonFinite = 0;
  const y = rows.map((row) => {
    if (Number.isFinite(row.y)) return row.y;
    nonFinite += 1;
    return null;
  });
  return { x: rows.map((row) => row.x), y, nonFinite };
}

/**
 * Exponential moving average with the start's bias taken out, as TensorBoard smooths.
 * `weight` 0 leaves the values as they are; gaps stay gaps.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let last = 0;
  let seen = 0;
  return values.map((value) => {
    if (value === null) return null;
    last = last * weight + (1 - weight) * value;
    seen += 1;
    return last / (1 - weight ** seen);
  });
}

/** Values that a logarithmic axis can show; the others become gaps. */
export const positiveOnly = (values: readonly (number | null)[]): (number | null)[] =>
  values.map((value) => (value !== null && value > 0 ? value : null));

/** Up to this many curves stand in one grid; more are grouped by the first part of their names. */
const UNGROUPED_MAX = 12;

/**
 * Curves by group: `train/loss` belongs to `train`. What has no group, or one for itself, comes first under
 * the empty name; the machine's own figures (`system/…`) come last and always apart.
 */
export function groupCurves<Metric extends { key: string }>(metrics: readonly Metric[]): [string, Metric[]][] {
  const byName = new Map<string, Metric[]>();
  for (const metric of metrics) {
    const name = metric.key.slice(0, Math.max(0, metric.key.indexOf('/')));
    byName.set(name, [...(byName.get(name) ?? []), metric]);
  }
  const isGroup = ([name, members]: [string, Metric[]]) =>
    name === 'system' || (name !== '' && metrics.length > UNGROUPED_MAX && members.length > 1);
  const groups = [...byName].filter(isGroup);
  groups.sort(([a], [b]) => Number(a === 'system') - Number(b === 'system') || compareNames(a, b));
  const grouped = new Set(groups.flatMap(([, members]) => members));
  const rest = metrics.filter((metric) => !grouped.has(metric));
  return rest.length > 0 ? [['', rest], ...groups] : groups;
}
