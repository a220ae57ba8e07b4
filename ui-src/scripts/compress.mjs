// Puts a .br and a .gz beside every built file that compresses, so that the server never compresses at run time.
// The manifest moves out of dist: it is for check-size.mjs, not for browsers.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url).pathname;
const BUILD = new URL('../.build/', import.meta.url).pathname;
const COMPRESSIBLE = new Set(['.html', '.js', '.css', '.svg', '.json', '.txt']);

async function compress(file) {
  const bytes = await readFile(file);
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
    promisify(gzip)(bytes, { level: 9 }),
  ]);
  await Promise.all([writeFile(`${file}.br`, br), writeFile(`${file}.gz`, gz)]);
}

/** The licences of everything that ends up in the bundle. */
async function licenses() {
  const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  const texts = Object.keys(dependencies).map(async (name) => {
    const folder = new URL(`../node_modules/${name}/`, import.meta.url);
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    return `${name}\n\n${await readFile(new URL(file, folder), 'utf8')}`;
  });
  return (await Promise.all(texts)).join(`\n\n${'-'.repeat(72)}\n\n`);
}

await mkdir(BUILD, { recursive: true });
await rename(join(DIST, '.vite/manifest.json'), join(BUILD, 'manifest.json'));
await rm(join(DIST, '.vite'), { recursive: true });

await writeFile(join(DIST, 'third-party-licenses.txt'), await licenses());

const entries = await readdir(DIST, { recursive: true, withFileTypes: true });
const files = entries.filter((entry) => entry.isFile() && COMPRESSIBLE.has(extname(entry.name)));
await Promise.all(files.map((entry) => compress(join(entry.parentPath, entry.name))));
