import { describe, expect, it } from 'vitest';
import { columnFormat, formatBytes, formatDuration, formatNumber, plural, toNumber } from './format';

describe('formatNumber', () => {
  it.each([
    [0, '0'],
    [1204, '1,204'],
    [-3, '−3'],
    [0.123456789, '0.12346'],
    [2077.5556730605476, '2,077.6'],
    [0.00012, '0.00012'],
    [0.0000123456, '1.2346e−5'],
    [1.5e12, '1.5e12'],
    [1e300, '1e300'],
    [NaN, 'NaN'],
    [Infinity, '∞'],
    [-Infinity, '−∞'],
  ])('%d is %s', (value, text) => expect(formatNumber(value)).toBe(text));
});

describe('columnFormat', () => {
  it('gives every value of a column the same decimals', () => {
    const values = [0.9, 0.8513, 0.97];
    expect(values.map(columnFormat(values))).toEqual(['0.9000', '0.8513', '0.9700']);
  });

  it('keeps whole columns whole', () => {
    const values = [1, 20, 3000];
    expect(values.map(columnFormat(values))).toEqual(['1', '20', '3,000']);
  });

  it('does not round a small value to zero', () => {
    // A row that came after the column was measured.
    expect(columnFormat([0.5, 0.25])(0.00004)).toBe('4e−5');
  });

  it('formats values one by one when they span many magnitudes', () => {
    const values = [1e-7, 12.5];
    expect(values.map(columnFormat(values))).toEqual(['1e−7', '12.5']);
    const rates = [0.0082953, 4.6264e-7];
    expect(rates.map(columnFormat(rates))).toEqual(['0.0082953', '4.6264e−7']);
  });

  it('ignores what is missing or not finite', () => {
    const format = columnFormat([undefined, NaN, Infinity, 0.25]);
    expect([0.25, NaN].map(format)).toEqual(['0.2500', 'NaN']);
  });
});

describe('toNumber', () => {
  it('reads the wire forms', () => {
    expect(toNumber('NaN')).toBeNaN();
    expect(toNumber('-Infinity')).toBe(-Infinity);
    expect(toNumber(0.5)).toBe(0.5);
    expect(toNumber(undefined)).toBeUndefined();
  });
});

it.each([
  [0, '0 ms'],
  [340, '340 ms'],
  [1234, '1.2 s'],
  [59_999, '59 s'],
  [185_000, '3 min 05 s'],
  [8_040_000, '2 h 14 min'],
  [183_600_000, '2 d 03 h'],
  [-1, '—'],
])('%d ms lasts %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [123_456_789, '118 MiB'],
  [5 * 1024 ** 5, '5120 TiB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it('counts in words', () => {
  expect([0, 1, 1204].map((n) => plural(n, 'run'))).toEqual(['0 runs', '1 run', '1,204 runs']);
});
