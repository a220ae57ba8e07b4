// Numbers, sizes and durations as people read them. Pure.

/** A metric value as the API writes it: JSON has no word for the three others. */
export type MetricValue = number | 'NaN' | 'Infinity' | '-Infinity' | string;

/** The number behind a wire value; `undefined` stays undefined, so "missing" and "NaN" differ. */
export function toNumber(value: MetricValue | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/** Formatters by their least and most decimals: making one costs a hundred times more than using it. */
const formatters = new Map<string, Intl.NumberFormat>();

function decimalFormat(least: number, most: number): Intl.NumberFormat {
  const name = `${least}-${most}`;
  let format = formatters.get(name);
  if (!format) {
    format = new Intl.NumberFormat('en-US', { minimumFractionDigits: least, maximumFractionDigits: most });
    formatters.set(name, format);
  }
  return format;
}

const nonFinite = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';

const withMinus = (text: string): string => text.replace(/^-/, '−').replace(/e-/, 'e−').replace('e+', 'e');

/** One number on its own: five significant digits, grouped thousands, exponent only where needed. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return withMinus(decimalFormat(0, 0).format(value));
  if (size < 1e-4 || size >= 1e9) return withMinus(trimExponent(value.toExponential(4)));
  const digits = Math.max(0, Math.min(8, 4 - Math.floor(Math.log10(size))));
  return withMinus(decimalFormat(0, digits).format(value));
}

const trimExponent = (text: string): string => text.replace(/\.?0+e/, 'e');

/**
 * A formatter for one column: all values get the same number of decimals, so that the points stand
 * above each other. Columns that span many magnitudes fall back to one format per value.
 */
export function columnFormat(values: Iterable<number | undefined>): (value: number) => string {
  let largest = 0;
  let smallest = Infinity;
  let integers = true;
  for (const value of values) {
    if (value === undefined || !Number.isFinite(value)) continue;
    const size = Math.abs(value);
    if (!Number.isInteger(value)) integers = false;
    if (size > largest) largest = size;
    if (size > 0 && size < smallest) smallest = size;
  }
  if (integers || largest === 0 || largest >= 1e9 || largest < 1e-4) return formatNumber;
  const whole = Math.floor(Math.log10(largest));
  const decimals = Math.max(1, Math.min(8, (whole >= 0 ? 4 : 3) - whole));
  // Fewer than two digits would be left of the smallest value.
  if (smallest < 10 ** (1 - decimals)) return formatNumber;
  const format = decimalFormat(decimals, decimals);
  const lowest = 0.5 * 10 ** -decimals;
  return (value) => {
    if (!Number.isFinite(value)) return nonFinite(value);
    if (value !== 0 && Math.abs(value) < lowest) return formatNumber(value);
    return withMinus(format.format(value));
  };
}

/** A count with grouped thousands. */
export const formatCount = (count: number): string => decimalFormat(0, 0).format(count);

/** "1 run", "2 runs". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Bytes in powers of 1024, as file managers show them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = -1;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** A duration in milliseconds with at most two units: `340 ms`, `12.4 s`, `3 min 05 s`, `2 h 14 min`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '—';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(Math.floor(seconds % 60))} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** The last part of a path. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
