// The trash: what was deleted comes back, or goes for good.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createExperiment, createRun, mlflow } from '../harness/api.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
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
