// The trash: what was deleted comes back, or goes for good.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createExperiment, createRun, mlflow } from '../harness/api.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { logModel } from '../harness/registry.mjs';
import { startServer } from '../harness/server.mjs';

let server;
let browser;
let experiment;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  experiment = await createExperiment(server, 'kept');
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

const row = (page, name) => page.getByRole('rowheader', { name });

async function deletedRun(name) {
  const id = await createRun(server, experiment, name);
  await mlflow(server, 'runs/delete', { run_id: id });
  return id;
}

async function choose(page, name, item) {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

test('an empty trash says what comes into it', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/trash`);
  await page.getByRole('heading', { name: 'No deleted experiments' }).waitFor();
  await assertSound(page);
  await page.close();
});

test('a run comes back', async () => {
  const id = await deletedRun('by mistake');
  const page = await browser.newPage();
  await page.goto(`${server.url}/trash?kind=run`);
  await row(page, 'by mistake').waitFor();
  await choose(page, 'by mistake', 'Restore');
  await row(page, 'by mistake').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('heading', { name: 'by mistake' }).waitFor();
  const answer = await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${id}`);
  assert.equal((await answer.json()).run.info.lifecycle_stage, 'active');
  await assertSound(page);
  await page.close();
});

test('several runs go for good, and what is deleted meanwhile appears', async () => {
  const ids = [await deletedRun('first'), await deletedRun('second')];
  const page = await browser.newPage();
  await page.goto(`${server.url}/trash?kind=run`);
  await row(page, 'first').waitFor();
  await deletedRun('third');
  await row(page, 'third').waitFor();
  for (const name of ['first', 'second']) {
    await page.getByRole('row').filter({ hasText: name }).getByRole('checkbox').click();
  }
  await page.getByRole('button', { name: 'Delete for good…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
  await row(page, 'first').waitFor({ state: 'detached' });
  await row(page, 'third').waitFor();
  for (const id of ids) assert.equal((await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${id}`)).status, 404);
  await assertSound(page);
  await page.close();
});

test('an experiment goes only when its name is typed; its retention is shown', async () => {
  const id = await createExperiment(server, 'old ablation');
  await mlflow(server, 'experiments/set-experiment-tag', { experiment_id: id, key: 'modelyard.retention', value: '30d' });
  await createRun(server, id, 'inside');
  await mlflow(server, 'experiments/delete', { experiment_id: id });
  const page = await browser.newPage();
  await page.goto(`${server.url}/trash`);
  await row(page, 'old ablation').waitFor();
  assert.match(await page.getByRole('row').filter({ hasText: 'old ablation' }).innerText(), /30d/);
  await choose(page, 'old ablation', 'Delete for good…');
  const remove = page.getByRole('dialog').getByRole('button', { name: 'Delete for good' });
  await page.getByText('with 1 run').waitFor();
  assert.ok(await remove.isDisabled());
  await page.getByRole('textbox', { name: 'Type the name to go on' }).fill('old ablatio');
  assert.ok(await remove.isDisabled());
  await page.getByRole('textbox', { name: 'Type the name to go on' }).fill('old ablation');
  await remove.click();
  await page.getByRole('heading', { name: 'No deleted experiments' }).waitFor();
  await createExperiment(server, 'old ablation');
  await assertSound(page);
  await page.close();
});

test('a registered logged model goes only when somebody says that its versions may lose their artifacts', async () => {
  const { modelId } = await logModel(server, experiment, 'registered', { auc: 0.9, depth: 3, inputs: ['x'] });
  await mlflow(server, 'registered-models/create', { name: 'held' });
  await mlflow(server, 'model-versions/create', { name: 'held', source: `models:/${modelId}`, model_id: modelId });
  const answer = await fetch(`${server.url}/api/2.0/mlflow/logged-models/${modelId}`, { method: 'DELETE' });
  assert.equal(answer.status, 200);
  const page = await browser.newPage({ expectedFailures: ['/trash/logged_model/'] });
  await page.goto(`${server.url}/trash?kind=logged_model`);
  await row(page, 'model').waitFor();
  await choose(page, 'model', 'Delete for good…');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'held' }).waitFor();
  await dialog.getByRole('checkbox', { name: 'Even if registered versions lose their artifacts' }).check();
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByRole('heading', { name: 'No deleted logged models' }).waitFor();
  await assertSound(page);
  await page.close();
});
