// Two lists of named values side by side. Pure.
import { compareNames } from './order';

/** One name with its value on either side; nothing where it is not there. */
export interface Pair {
  key: string;
  left: string | undefined;
  right: string | undefined;
  differs: boolean;
}

export interface Named {
  key: string;
  value: string;
}

/** All names of both lists in order; of equal names in one list the last counts. */
export function pairUp(left: readonly Named[], right: readonly Named[]): Pair[] {
  const [a, b] = [valuesOf(left), valuesOf(right)];
  return [...new Set([...a.keys(), ...b.keys()])].sort(compareNames).map((key) => {
    const pair = { key, left: a.get(key), right: b.get(key) };
    return { ...pair, differs: pair.left !== pair.right };
  });
}

const valuesOf = (entries: readonly Named[]) => new Map(entries.map(({ key, value }) => [key, value]));

/** How far a figure moved, such as `+0.0123`; nothing where one side is no number or they are equal. */
export function change(left: string | undefined, right: string | undefined, format: (value: number) => string): string {
  if (left === undefined || right === undefined) return '';
  const difference = Number(right) - Number(left);
  if (!Number.isFinite(difference) || difference === 0) return '';
  return (difference > 0 ? '+' : '') + format(difference);
}
