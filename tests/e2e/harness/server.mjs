// The built binary on a folder and a port of its own.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BINARY = process.env.MODELYARD_BIN ?? new URL('../../../target/debug/modelyard', import.meta.url).pathname;
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;

/** Starts a server; `stop` ends it and removes its data, `restart` starts it anew on the same port and data. */
export async function startServer({ args = [], prefix = '' } = {}) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} does not exist: build it, or set MODELYARD_BIN`);
  const data = await mkdtemp(join(tmpdir(), 'modelyard-e2e-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}${prefix}`;
  const all = [
    ...['server', '--host', '127.0.0.1', '--port', String(port)],
    ...['--backend-store-uri', `sqlite:///${join(data, 'tracking.db')}`],
    ...['--artifacts-destination', join(data, 'artifacts')],
    ...(prefix ? ['--static-prefix', prefix] : []),
    ...args,
  ];
  let child = await launch(all, url);
  return {
    url,
    data,
    async restart() {
      await end(child);
      child = await launch(all, url);
    },
    async stop() {
      await end(child);
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function launch(args, url) {
  const child = spawn(BINARY, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: tmpdir() });
  let log = '';
  child.stderr.on('data', (chunk) => (log += chunk));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok) return child;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  child.kill('SIGKILL');
  throw new Error(`the server did not start:\n${log}`);
}

async function end(child) {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
