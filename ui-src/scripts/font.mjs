// Cuts Inter down to what the pages use: Latin-1 with typographic marks, weights 400 to 650.
// The latin-ext file stays whole; browsers ask for it only when a text needs it.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import subsetFont from 'subset-font';

const SOURCE = '../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2';
const MARKS = '–—‘’“”„•…‹›€™−×≤≥≈∞·°±µ§©®';

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)).join('');

const font = await readFile(new URL(SOURCE, import.meta.url));
const subset = await subsetFont(font, range(0x20, 0x7e) + range(0xa0, 0xff) + MARKS, {
  targetFormat: 'woff2',
  variationAxes: { wght: { min: 400, max: 650 } },
});
await mkdir(new URL('../.build/', import.meta.url), { recursive: true });
await writeFile(new URL('../.build/inter-latin.woff2', import.meta.url), subset);
console.log(`inter-latin.woff2: ${font.length} -> ${subset.length} bytes`);
