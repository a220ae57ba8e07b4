// Holds the bundle to its budgets. Sizes are brotli, as browsers get them.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const KIB = 1024;
/** All that the first screen of `/` needs: page, scripts, styles, font, icon. */
const FIRST_SCREEN_MAX = 90 * KIB;
/** The same for any other page opened by its address. */
const ANY_PAGE_MAX = 130 * KIB;
const CHUNK_MAX = 60 * KIB;
const RUNTIME_DEPENDENCIES_MAX = 8;

const DIST = new URL('../dist/', import.meta.url).pathname;
const manifest = JSON.parse(await readFile(new URL('../.build/manifest.json', import.meta.url), 'utf8'));
const dependencies = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')).dependencies;

async function size(file) {
  return (await stat(join(DIST, `${file}.br`)).catch(() => stat(join(DIST, file)))).size;
}

/** The files a chunk pulls in: itself, its static imports, their styles. */
function filesOf(key, seen = new Set()) {
  if (seen.has(key)) return [];
  seen.add(key);
  const chunk = manifest[key];
  return [chunk.file, ...(chunk.css ?? []), ...(chunk.imports ?? []).flatMap((name) => filesOf(name, seen))];
}

async function sum(files) {
  const sizes = await Promise.all([...new Set(files)].map(size));
  return sizes.reduce((total, bytes) => total + bytes, 0);
}

const failures = [];

function report(name, bytes, max) {
  const line = `${name.padEnd(42)} ${(bytes / KIB).toFixed(1).padStart(7)} KiB of ${(max / KIB).toFixed(0)}`;
  console.log(line);
  if (bytes > max) failures.push(line);
}

const font = Object.values(manifest).find(({ file }) => /inter-latin-(?!ext).*\.woff2$/.test(file)).file;
const shell = ['index.html', 'theme.js', 'favicon.svg', font, ...filesOf('index.html')];
report('first screen', await sum(shell), FIRST_SCREEN_MAX);
for (const key of manifest['index.html'].dynamicImports ?? []) {
  report(`first screen of ${key.split('/').at(-1)}`, await sum([...shell, ...filesOf(key)]), ANY_PAGE_MAX);
}
for (const { file } of Object.values(manifest)) {
  if (file.endsWith('.js')) report(`chunk ${file.split('/').at(-1)}`, await size(file), CHUNK_MAX);
}
const count = Object.keys(dependencies).length;
console.log(`${'runtime dependencies'.padEnd(42)} ${String(count).padStart(7)} of ${RUNTIME_DEPENDENCIES_MAX}`);
if (count > RUNTIME_DEPENDENCIES_MAX) failures.push(`${count} runtime dependencies`);

if (failures.length > 0) {
  console.error(`\nOver budget:\n${failures.join('\n')}`);
  process.exit(1);
}
