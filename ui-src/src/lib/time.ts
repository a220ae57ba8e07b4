// Moments as words. Pure: the present comes in as a parameter.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "12 s ago", "3 min ago", "5 h ago", "yesterday", "6 days ago", then the date. */
export function relativeTime(then: number, now: number): string {
  const age = now - then;
  if (age < 5_000 && age > -5_000) return 'just now';
  if (age < 0) return shortDate(then, now);
  if (age < MINUTE) return `${Math.floor(age / 1000)} s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
  if (age < 2 * DAY) return 'yesterday';
  if (age < 8 * DAY) return `${Math.floor(age / DAY)} days ago`;
  return shortDate(then, now);
}

// Made once: making a formatter costs a hundred times more than using it.
const DAY_AND_MONTH = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const WITH_YEAR = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const EXACT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

function shortDate(then: number, now: number): string {
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? DAY_AND_MONTH : WITH_YEAR).format(then);
}

/** The full local time with seconds and zone, for tooltips and detail rows. */
export const absoluteTime = (then: number): string => EXACT.format(then);
