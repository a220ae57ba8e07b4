// Completion for the search language: which field names fit what stands before the caret. Pure.
import { fieldName } from './filter';

/** The keys an experiment's runs have. */
export interface SearchFields {
  metrics: readonly string[];
  params: readonly string[];
  tags: readonly string[];
  attributes: readonly string[];
}

/** One completion: `text` replaces the characters from `from` to `to`. */
export interface Suggestion {
  text: string;
  from: number;
  to: number;
}

const LIMIT = 8;

/** Completions for the word at the caret; none inside a quoted value or after an operator. */
export function suggest(text: string, caret: number, fields: SearchFields): Suggestion[] {
  const before = text.slice(0, caret);
  if (insideQuotes(before)) return [];
  const word = /[A-Za-z_][\w.`/ -]*$/.exec(lastClause(before))?.[0] ?? '';
  if (word.trim() === '' || /(?:[=<>]|\b(?:like|in|is|between))\s*$/i.test(before)) return [];
  const needle = word.replaceAll('`', '').toLowerCase();
  const from = caret - word.length;
  const all = [
    ...fields.attributes.map((key) => ({ key, text: fieldName('attributes', key), bare: key })),
    ...fields.metrics.map((key) => ({ key, text: fieldName('metrics', key), bare: `metrics.${key}` })),
    ...fields.params.map((key) => ({ key, text: fieldName('params', key), bare: `params.${key}` })),
    ...fields.tags.map((key) => ({ key, text: fieldName('tags', key), bare: `tags.${key}` })),
  ];
  const ranked = all
    .map((item) => ({ item, rank: rank(item.bare.toLowerCase(), item.key.toLowerCase(), needle) }))
    .filter(({ rank }) => rank < 3)
    .sort((a, b) => a.rank - b.rank);
  const found = ranked.slice(0, LIMIT).map(({ item }) => ({ text: item.text, from, to: caret }));
  return found.length === 1 && found[0]?.text === word ? [] : found;
}

function rank(bare: string, key: string, needle: string): number {
  if (bare.startsWith(needle)) return 0;
  if (key.startsWith(needle)) return 1;
  return key.includes(needle) ? 2 : 3;
}

function insideQuotes(text: string): boolean {
  let open = '';
  for (const char of text) {
    if (open) {
      if (char === open) open = '';
    } else if (char === "'" || char === '"') open = char;
  }
  return open !== '';
}

const lastClause = (text: string): string =>
  text.split(/\b(?:and|or|not)\s+|[(,]\s*|\b(?:and|or|not)$/i).at(-1) ?? '';
