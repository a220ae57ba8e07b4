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

function shortDate(then: number, now: number): string {
  const date = new Date(then);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  const day: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' };
  return date.toLocaleDateString('en-GB', sameYear ? day : { ...day, year: 'numeric' });
}

/** The full local time with seconds and zone, for tooltips and detail rows. */
export function absoluteTime(then: number): string {
  return new Date(then).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  });
}
