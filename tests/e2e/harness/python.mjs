// Python with MLflow's client, as a user has it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const FOLDER = new URL('../', import.meta.url).pathname;

/** The interpreter with the MLflow 3 client. */
export const PYTHON =
  process.env.MODELYARD_PYTHON ??
  (process.env.MODELYARD_MLFLOW3 ? join(process.env.MODELYARD_MLFLOW3, 'bin/python') : 'python3');

/** The interpreter with the MLflow 2 client, where there is one. */
export const PYTHON2 = process.env.MODELYARD_MLFLOW2 ? join(process.env.MODELYARD_MLFLOW2, 'bin/python') : undefined;

/** Runs a script of this folder to its end; answers what it printed. */
export function runPython(script, { url, args = [], python = PYTHON } = {}) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PYTHONUNBUFFERED: '1', MLFLOW_TRACKING_URI: url ?? '' };
    const child = spawn(python, [join(FOLDER, script), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    child.on('error', reject);
    child.on('exit', (code) => {
      const hint = err.includes("No module named 'mlflow'") ? '\nSet MODELYARD_PYTHON to a Python that has MLflow.' : '';
      if (code === 0) resolve(out);
      else reject(new Error(`${python} ${script} ended with ${code}:\n${out}\n${err}${hint}`));
    });
  });
}

/** Fills a server with realistic data; needs no MLflow. */
export const seed = (url, runs = 60) => runPython('seed.py', { args: [url, '--runs', String(runs)] });
