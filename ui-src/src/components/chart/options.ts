// What uPlot needs to know about one line chart.
import type uPlot from 'uplot';
import { formatDuration, formatNumber } from '../../lib/format';
import type { XAxis } from '../../lib/series';

/** One line of a chart. `color` is the name of a token, as in `--series-1`. */
export interface Line {
  label: string;
  y: (number | null)[];
  color: string;
  faint?: boolean;
}

/** Up to this many points each one gets a dot. */
const DOTS_MAX = 60;
const AXIS_FONT = '11px "Inter Variable", system-ui, sans-serif';

/** Resolves a token to a plain colour: a canvas knows neither var() nor light-dark(). */
export function colorReader(host: HTMLElement): (token: string) => string {
  const probe = document.createElement('span');
  probe.hidden = true;
  host.append(probe);
  return (token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
}

/** `rgb(1, 2, 3)` as `rgba(1, 2, 3, alpha)`. */
const fade = (color: string, alpha: number): string =>
  color.startsWith('rgb(') ? color.replace('rgb(', 'rgba(').replace(')', `, ${alpha})`) : color;

/** A value of the horizontal axis in words. */
export function formatX(value: number, axis: XAxis): string {
  if (axis === 'step') return formatNumber(value);
  if (axis === 'relative') return formatDuration(value * 1000);
  return new Date(value * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

export interface ChartShape {
  axis: XAxis;
  log: boolean;
  sync: string;
  width: number;
  height: number;
  points: number;
}

export function chartOptions(
  lines: readonly Line[],
  shape: ChartShape,
  color: (token: string) => string,
  hooks: uPlot.Hooks.Arrays,
): uPlot.Options {
  const { axis, log } = shape;
  const axisStyle: uPlot.Axis = {
    font: AXIS_FONT,
    stroke: color('--ink-3'),
    grid: { stroke: color('--chart-grid'), width: 1 },
    ticks: { show: false },
  };
  const xValues: uPlot.Axis = axis === 'time' ? {} : { values: (_, splits) => splits.map((value) => xTick(value, axis)) };
  return {
    width: shape.width,
    height: shape.height,
    padding: [10, 14, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      sync: { key: shape.sync, setSeries: false },
      points: { size: (_, seriesIndex) => (lines[seriesIndex - 1]?.faint ? 0 : 7) },
      drag: { x: true, y: false, dist: 6 },
    },
    scales: { x: { time: axis === 'time' }, y: log ? { distr: 3 } : { range: paddedRange } },
    axes: [
      { ...axisStyle, ...xValues, size: 28, gap: 6, grid: { show: false } },
      { ...axisStyle, size: ySize, gap: 6, values: (_, splits) => splits.map((value) => (value === null ? '' : formatNumber(value))) },
    ],
    series: [
      {},
      ...lines.map((line): uPlot.Series => {
        const stroke = color(line.color);
        return {
          label: line.label,
          stroke: line.faint ? fade(stroke, 0.3) : stroke,
          width: line.faint ? 1 : 1.75,
          spanGaps: false,
          points: { show: !line.faint && shape.points <= DOTS_MAX, size: 5, fill: stroke },
        };
      }),
    ],
    hooks,
  };
}

/** Room for the widest label; the axis grows but never jumps back while one chart lives. */
function ySize(self: uPlot, labels: string[] | null, axisIndex: number, cycle: number): number {
  const axis = self.axes[axisIndex] as uPlot.Axis & { _size?: number };
  if (cycle > 1) return axis._size ?? 48;
  const longest = (labels ?? []).reduce((most, label) => Math.max(most, label?.length ?? 0), 0);
  return Math.max(44, 18 + longest * 6.4);
}

/** A little air above and below; a flat line stands in the middle. */
function paddedRange(_: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  if (min === max) {
    const air = Math.abs(min) * 0.1 || 1;
    return [min - air, max + air];
  }
  const air = (max - min) * 0.06;
  return [min - air, max + air];
}

function xTick(value: number, axis: XAxis): string {
  return axis === 'step' && !Number.isInteger(value) ? '' : formatX(value, axis);
}
