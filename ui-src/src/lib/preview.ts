// How an artifact is shown, decided by its name. Pure.

/** The kinds of preview. */
export type PreviewKind = 'image' | 'csv' | 'tsv' | 'json' | 'markdown' | 'text' | 'none';

const IMAGES = new Set(['png', 'jpg', 'jpeg', 'gif', 'webp', 'svg', 'bmp', 'avif', 'ico']);
const TEXTS = new Set(
  ('txt log err out cfg conf cnf ini properties prop hocon toml yaml yml xml py pyi ipynb r sh js ts css html htm ' +
    'sql rst env gitignore dockerfile lock dot c h cpp hpp rs go java kt proto lua jl tex').split(' '),
);
const TEXT_NAMES = new Set(['MLmodel', 'MLproject', 'Dockerfile', 'Makefile', 'LICENSE', 'README']);

/** Text is read up to this size; a longer file shows its beginning. */
export const TEXT_LIMIT_BYTES = 512 * 1024;

/** Tables are read up to this size. */
export const TABLE_LIMIT_BYTES = 4 * 1024 * 1024;

/** Rows shown of a table file. */
export const TABLE_LIMIT_ROWS = 10_000;

/** The kind of preview for a file of this name. */
export function previewKind(path: string): PreviewKind {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  const extension = dot >= 0 ? name.slice(dot + 1).toLowerCase() : '';
  if (IMAGES.has(extension)) return 'image';
  if (extension === 'csv' || extension === 'tsv') return extension;
  if (['json', 'jsonl', 'ndjson'].includes(extension)) return extension === 'json' ? 'json' : 'text';
  if (extension === 'md' || extension === 'markdown') return 'markdown';
  return TEXTS.has(extension) || TEXT_NAMES.has(name) ? 'text' : 'none';
}

/** True when the bytes are very likely not text: a NUL or many control characters at the start. */
export function looksBinary(text: string): boolean {
  const head = text.slice(0, 2048);
  const odd = head.match(/[\u0000-\u0008\u000E-\u001F\uFFFD]/g)?.length ?? 0;
  return head.includes('\u0000') || odd > head.length * 0.1;
}
