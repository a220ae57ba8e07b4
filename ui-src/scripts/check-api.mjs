// The client's types must be those of the server: compares openapi.json with what the built binary prints,
// and schema.d.ts with what openapi-typescript makes of it.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import openapiTS, { astToString } from 'openapi-typescript';

const run = promisify(execFile);
const binary = process.env.MODELYARD_BIN ?? new URL('../../target/debug/modelyard', import.meta.url).pathname;
const OPENAPI = new URL('../openapi.json', import.meta.url);
const SCHEMA = new URL('../src/api/schema.d.ts', import.meta.url);

function fail(message) {
  console.error(message);
  process.exit(1);
}

const committed = JSON.parse(await readFile(OPENAPI, 'utf8'));
const { stdout } = await run(binary, ['openapi'], { maxBuffer: 16 * 1024 * 1024 });
if (!isDeepStrictEqual(committed, JSON.parse(stdout))) {
  fail('openapi.json is not what `modelyard openapi` prints: write it again, then `npm run api`.');
}
const types = astToString(await openapiTS(OPENAPI));
if (!(await readFile(SCHEMA, 'utf8')).endsWith(types)) {
  fail('src/api/schema.d.ts does not belong to openapi.json: run `npm run api`.');
}
console.log('openapi.json and schema.d.ts are up to date.');
