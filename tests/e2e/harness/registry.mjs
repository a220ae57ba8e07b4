// A registered model as a team has it: three versions with runs, figures, signatures and checks, and a protected alias.
import assert from 'node:assert/strict';
import { createExperiment, createRun, mlflow, upload } from './api.mjs';

/** Calls our own API of the registry. */
export async function registry(server, method, path, body, actor = 'ci') {
  const url = `${server.url}/api/modelyard/v1/registry/${path}`;
  const headers = { 'Content-Type': 'application/json', 'X-Modelyard-Actor': actor };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  assert.equal(answer.status, 200, `${url}: ${await answer.clone().text()}`);
  return answer.json();
}

const mlModel = (inputs) => `flavors:
  python_function:
    loader_module: mlflow.sklearn
  sklearn:
    code: null
mlflow_version: 3.17.2
signature:
  inputs: '${JSON.stringify(inputs.map((name) => ({ type: 'double', name, required: true })))}'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: '[{"name": "threshold", "default": 0.5, "shape": null, "type": "double"}]'
`;

/** Logs a model in a run of its own; answers both ids. */
export async function logModel(server, experiment, name, { auc, depth, inputs }) {
  const runId = await createRun(server, experiment, name, { metrics: { auc, loss: 1 - auc }, params: { depth, seed: 7 } });
  const { model } = await mlflow(server, 'logged-models', { experiment_id: experiment, name: 'model', source_run_id: runId });
  const { model_id: modelId, artifact_uri: uri } = model.info;
  await upload(server, uri, 'MLmodel', mlModel(inputs));
  await mlflow(server, 'runs/outputs', { run_id: runId, models: [{ model_id: modelId, step: 0 }] });
  return { runId, modelId };
}

/**
 * Fills a server: `churn` with three versions, of which 1 and 2 have passed `accuracy` and `bias`, and 3 has failed
 * `bias`; `champion`, which names 2 and named 1 before, needs both.
 */
export async function seedRegistry(server) {
  const experiment = await createExperiment(server, 'churn-training');
  await mlflow(server, 'registered-models/create', { name: 'churn', description: 'Who is about to **leave**.', tags: [{ key: 'team', value: 'growth' }] });
  const versions = [];
  for (const number of [1, 2, 3]) {
    const inputs = number === 1 ? ['tenure'] : ['tenure', 'spend'];
    const logged = await logModel(server, experiment, `forest-${number}`, { auc: 0.8 + number / 20, depth: number + 2, inputs });
    await mlflow(server, 'model-versions/create', {
      name: 'churn',
      source: `models:/${logged.modelId}`,
      run_id: logged.runId,
      model_id: logged.modelId,
    });
    versions.push(logged);
    await registry(server, 'PUT', `models/churn/versions/${number}/checks/accuracy`, { passed: true, details: `${0.8 + number / 20} on the hold-out set` });
    await registry(server, 'PUT', `models/churn/versions/${number}/checks/bias`, { passed: number < 3 });
  }
  for (const version of ['1', '2']) await mlflow(server, 'registered-models/alias', { name: 'churn', alias: 'champion', version });
  await registry(server, 'PUT', 'models/churn/aliases/champion/policy', { checks: ['accuracy', 'bias'] });
  return { experiment, versions };
}
