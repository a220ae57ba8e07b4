// The order of names as people expect it: layer_2 before layer_10. Pure.

const collator = new Intl.Collator('en', { numeric: true });

/** For `sort`, of names alone. */
export const compareNames = (a: string, b: string): number => collator.compare(a, b);

/** For `sort`, of what has a key. */
export const compareKeys = (a: { key: string }, b: { key: string }): number => collator.compare(a.key, b.key);
