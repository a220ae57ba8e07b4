// JSON laid out for reading, token by token: numbers keep their digits and Python's NaN stays. Pure.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?(?:\d[\d.eE+-]*|Infinity)|NaN|Infinity|true|false|null|[{}[\],:]|\s+/y;

/** The text with one member per line; nothing when it is not JSON (Python's NaN and Infinity are allowed). */
export function formatJson(text: string): string | undefined {
  const tokens = tokenize(text);
  if (!tokens || !balanced(tokens)) return undefined;
  let out = '';
  let depth = 0;
  tokens.forEach((token, i) => {
    const next = tokens[i + 1];
    if (token === '{' || token === '[') {
      depth += 1;
      out += next === '}' || next === ']' ? token : `${token}\n${'  '.repeat(depth)}`;
    } else if (token === '}' || token === ']') {
      depth -= 1;
      const before = tokens[i - 1];
      out += before === '{' || before === '[' ? token : `\n${'  '.repeat(depth)}${token}`;
    } else if (token === ',') out += `,\n${'  '.repeat(depth)}`;
    else out += token === ':' ? ': ' : token;
  });
  return out;
}

function tokenize(text: string): string[] | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) return undefined;
    if (match[0].trim() !== '') tokens.push(match[0]);
  }
  return tokens.length > 0 ? tokens : undefined;
}

function balanced(tokens: string[]): boolean {
  const open: string[] = [];
  for (const token of tokens) {
    if (token === '{' || token === '[') open.push(token);
    else if (token === '}' || token === ']') {
      if (open.pop() !== (token === '}' ? '{' : '[')) return false;
    }
  }
  return open.length === 0;
}

/** A piece of JSON or YAML text and the colour token it is shown in; '' is plain. */
export interface Shade {
  text: string;
  tone: '' | 'key' | 'string' | 'number' | 'keyword';
}

const JSON_SHADES = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\b\d[\d.eE+-]*\b)|\b(true|false|null|NaN|Infinity)\b/g;

/** Splits laid out JSON into coloured pieces. */
export function shadeJson(text: string): Shade[] {
  const out: Shade[] = [];
  let at = 0;
  for (const match of text.matchAll(JSON_SHADES)) {
    const [, string, colon, number] = match;
    if (match.index > at) out.push({ text: text.slice(at, match.index), tone: '' });
    const tone = string !== undefined ? (colon ? 'key' : 'string') : number !== undefined ? 'number' : 'keyword';
    out.push({ text: string ?? match[0], tone });
    if (colon) out.push({ text: colon, tone: '' });
    at = match.index + match[0].length;
  }
  out.push({ text: text.slice(at), tone: '' });
  return out;
}

const YAML_SHADES = /^([ \t]*(?:- )*)([\w./ -]+)(:)(?=\s|$)|(#[^\n]*)|("[^"\n]*"|'[^'\n]*')|(?<=[:\-] )(-?\d[\d.]*|true|false|null)(?=\s*$)/gm;

/** Splits YAML into coloured pieces: keys, quoted strings, plain numbers and truth values. */
export function shadeYaml(text: string): Shade[] {
  const out: Shade[] = [];
  let at = 0;
  for (const match of text.matchAll(YAML_SHADES)) {
    const [whole, indent, key, colon, comment, string, number] = match;
    if (match.index > at) out.push({ text: text.slice(at, match.index), tone: '' });
    if (key !== undefined) out.push({ text: indent ?? '', tone: '' }, { text: key, tone: 'key' }, { text: colon ?? '', tone: '' });
    else if (comment !== undefined) out.push({ text: comment, tone: '' });
    else out.push({ text: whole, tone: string !== undefined ? 'string' : number !== undefined ? 'number' : '' });
    at = match.index + whole.length;
  }
  out.push({ text: text.slice(at), tone: '' });
  return out;
}
