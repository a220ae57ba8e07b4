// What people type into a search box, as a filter of the search language. Pure.

const COMPARISON =
  /[=<>]|\bi?like\s*['"]|\bin\s*\(|\bbetween\s+['"\d.-]|\bis\s+(?:not\s+)?null\b/i;

/** True when the text is meant as a filter and not as a plain word or two. */
export function looksLikeFilter(text: string): boolean {
  return COMPARISON.test(text) || /^\s*(?:metrics|params|tags|attributes|datasets?)\s*\./i.test(text);
}

/** A filter that finds names containing the text; a filter stays as it is. */
export function nameOrFilter(text: string, nameField: string): string {
  const trimmed = text.trim();
  if (trimmed === '' || looksLikeFilter(trimmed)) return trimmed;
  return containing(trimmed, nameField);
}

/** A filter that finds names containing the text, whatever the text looks like. */
export const containing = (text: string, nameField: string): string => `${nameField} ILIKE ${quote(`%${text}%`)}`;

/** The language has no escape inside quotes: the other quote is used, and `_` where both occur. */
export function quote(text: string): string {
  if (!text.includes("'")) return `'${text}'`;
  if (!text.includes('"')) return `"${text}"`;
  return `'${text.replaceAll("'", '_')}'`;
}

/** A key as the language writes it: bare when it is a plain word, in backticks otherwise. */
export function fieldName(entity: 'metrics' | 'params' | 'tags' | 'attributes', key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `${entity}.${key}` : `${entity}.\`${key}\``;
}

/**
 * Where the server says the filter is wrong, as an index into the text. The message counts characters
 * from 1 ("at character 12 of the filter"), JavaScript counts UTF-16 units from 0.
 */
export function errorPosition(message: string, filter: string): number | undefined {
  const match = /at character (\d+) of the filter/.exec(message);
  if (!match) return undefined;
  return [...filter].slice(0, Number(match[1]) - 1).join('').length;
}
