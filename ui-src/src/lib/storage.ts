// Small settings that live in this browser. Storage may be forbidden or full; then they are forgotten.

const PREFIX = 'modelyard.';

/** The stored value, or the fallback where there is none or it does not pass the check. */
export function load<T>(name: string, fallback: T, valid: (value: unknown) => value is T): T {
  try {
    const text = localStorage.getItem(PREFIX + name);
    const value: unknown = text === null ? undefined : JSON.parse(text);
    return valid(value) ? value : fallback;
  } catch {
    return fallback;
  }
}

/** Stores a value; `undefined` removes it. */
export function save(name: string, value: unknown): void {
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // The setting holds until the page is closed.
  }
}

/** A type check for `load`. */
export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';

/** A type check for `load`. */
export const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

/** A type check for `load`. */
export const isNumbers = (value: unknown): value is Record<string, number> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((item) => typeof item === 'number' && Number.isFinite(item));
