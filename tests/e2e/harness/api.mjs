// The server's API, for what a test prepares and what it checks behind the page's back.
import assert from 'node:assert/strict';

async function post(url, body) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, `${url}: ${await answer.clone().text()}`);
  return answer.json();
}

/** Calls MLflow's API: `mlflow(server, 'runs/create', {...})`. */
export const mlflow = (server, path, body) => post(`${server.url}/api/2.0/mlflow/${path}`, body);

/** Runs as our own API lists them. */
export async function searchRuns(server, body) {
  return (await post(`${server.url}/api/modelyard/v1/runs/search`, body)).runs;
}

export async function createExperiment(server, name) {
  return (await mlflow(server, 'experiments/create', { name })).experiment_id;
}

/** Creates a run with its metrics, params and tags; answers its id. */
export async function createRun(server, experimentId, name, { metrics = {}, params = {}, tags = {} } = {}) {
  const now = Date.now();
  const { run } = await mlflow(server, 'runs/create', { experiment_id: experimentId, run_name: name, start_time: now });
  const pairs = (values) => Object.entries(values).map(([key, value]) => ({ key, value: String(value) }));
  await mlflow(server, 'runs/log-batch', {
    run_id: run.info.run_id,
    metrics: Object.entries(metrics).map(([key, value]) => ({ key, value, timestamp: now, step: 0 })),
    params: pairs(params),
    tags: pairs(tags),
  });
  return run.info.run_id;
}

/** Puts a file under a run whose artifacts go through the server. */
export async function upload(server, artifactUri, path, body) {
  const root = artifactUri.replace(/^mlflow-artifacts:\//, '');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const url = `${server.url}/api/2.0/mlflow-artifacts/artifacts/${root}/${encoded}`;
  const answer = await fetch(url, { method: 'PUT', body });
  assert.equal(answer.status, 200, `${url}: ${await answer.clone().text()}`);
}
