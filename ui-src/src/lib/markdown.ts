// A small, safe Markdown: text in, a tree out. Nothing here makes HTML, so nothing can be injected. Pure.

/** A piece of running text. */
export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong'; children: Inline[] }
  | { kind: 'em'; children: Inline[] }
  | { kind: 'link'; href: string; children: Inline[] };

/** A block of a document. */
export type Block =
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'quote'; children: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] }
  | { kind: 'code'; text: string }
  | { kind: 'rule' };

const FENCE = /^\s{0,3}(?:```|~~~)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const BULLET = /^\s{0,3}[-*+]\s+(.*)$/;
const NUMBER = /^\s{0,3}\d{1,9}[.)]\s+(.*)$/;
const RULE = /^ {0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const QUOTE = /^ {0,3}>\s?(.*)$/;

/** Splits a document into blocks. */
export function parseMarkdown(source: string): Block[] {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const heading = HEADING.exec(line);
    if (line.trim() === '') at += 1;
    else if (FENCE.test(line)) {
      const end = lines.findIndex((other, i) => i > at && FENCE.test(other));
      const stop = end < 0 ? lines.length : end;
      blocks.push({ kind: 'code', text: lines.slice(at + 1, stop).join('\n') });
      at = stop + 1;
    } else if (heading) {
      blocks.push({ kind: 'heading', level: heading[1]?.length ?? 1, children: parseInline(heading[2] ?? '') });
      at += 1;
    } else if (RULE.test(line)) {
      blocks.push({ kind: 'rule' });
      at += 1;
    } else {
      const block = runOf(lines, at, BULLET) ?? runOf(lines, at, NUMBER) ?? runOf(lines, at, QUOTE) ?? paragraph(lines, at);
      blocks.push(block.block);
      at = block.next;
    }
  }
  return blocks;
}

function runOf(lines: string[], from: number, pattern: RegExp): { block: Block; next: number } | undefined {
  const items: string[] = [];
  let at = from;
  for (; at < lines.length; at += 1) {
    const match = pattern.exec(lines[at] ?? '');
    if (!match) break;
    items.push(match[1] ?? '');
  }
  if (items.length === 0) return undefined;
  const block: Block =
    pattern === QUOTE
      ? { kind: 'quote', children: parseInline(items.join('\n')) }
      : { kind: 'list', ordered: pattern === NUMBER, items: items.map((item) => parseInline(item)) };
  return { block, next: at };
}

function paragraph(lines: string[], from: number): { block: Block; next: number } {
  let at = from + 1;
  const starts = [FENCE, HEADING, BULLET, NUMBER, RULE, QUOTE, /^\s*$/];
  while (at < lines.length && !starts.some((start) => start.test(lines[at] ?? ''))) at += 1;
  return { block: { kind: 'paragraph', children: parseInline(lines.slice(from, at).join('\n')) }, next: at };
}

const INLINE =
  /`([^`\n]+)`|\*\*([^*\n]+)\*\*|__([^_\n]+)__|\*([^*\n]+)\*|\b_([^_\n]+)_\b|\[([^\]\n]+)\]\(([^()\s]+)\)|(https?:\/\/[^\s<>()"'`]+[^\s<>()"'`.,;:!?])/;

/** Splits running text into its pieces. A link that is not http(s) or mailto stays text. */
export function parseInline(text: string): Inline[] {
  const pieces: Inline[] = [];
  let rest = text;
  while (rest !== '') {
    const match = INLINE.exec(rest);
    if (!match) {
      pieces.push({ kind: 'text', text: rest });
      break;
    }
    if (match.index > 0) pieces.push({ kind: 'text', text: rest.slice(0, match.index) });
    pieces.push(piece(match));
    rest = rest.slice(match.index + match[0].length);
  }
  return pieces;
}

function piece(match: RegExpExecArray): Inline {
  const [whole, code, strong, strong2, em, em2, label, target, url] = match;
  if (code !== undefined) return { kind: 'code', text: code };
  const bold = strong ?? strong2;
  if (bold !== undefined) return { kind: 'strong', children: parseInline(bold) };
  const italic = em ?? em2;
  if (italic !== undefined) return { kind: 'em', children: parseInline(italic) };
  const href = safeHref(target ?? url ?? '');
  if (href === undefined) return { kind: 'text', text: whole };
  return { kind: 'link', href, children: [{ kind: 'text', text: label ?? href }] };
}

/** The address when a click on it is harmless, nothing otherwise. */
export function safeHref(address: string): string | undefined {
  return /^(?:https?:\/\/|mailto:)[^\s]+$/i.test(address) ? address : undefined;
}
