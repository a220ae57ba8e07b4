import { expect, it } from 'vitest';
import { relativeTime } from './time';

const NOW = new Date(2026, 10, 23, 12, 0, 0).getTime();
const HOUR = 3_600_000;

it.each([
  [0, 'just now'],
  [-2_000, 'just now'],
  [12_000, '12 s ago'],
  [59_999, '59 s ago'],
  [3 * 60_000, '3 min ago'],
  [5 * HOUR, '5 h ago'],
  [30 * HOUR, 'yesterday'],
  [6 * 24 * HOUR, '6 days ago'],
  [40 * 24 * HOUR, '14 Oct'],
  [400 * 24 * HOUR, '19 Oct 2025'],
  [-48 * HOUR, '25 Nov'],
])('%d ms before is %s', (age, text) => expect(relativeTime(NOW - age, NOW)).toBe(text));
