// The main job: the page is open, the classic script runs elsewhere, the run appears by itself.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mlflow, searchRuns } from '../harness/api.mjs';
import { assertAccessible } from '../harness/axe.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { PYTHON2, runPython } from '../harness/python.mjs';
import { startServer } from '../harness/server.mjs';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

test('an empty server shows the lines to paste, with its own address', async () => {
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.getByRole('heading', { name: 'Log the first run' }).waitFor();
  const code = await page.getByRole('figure', { name: 'Python' }).innerText();
  assert.match(code, new RegExp(`set_tracking_uri\\("${server.url}"\\)`));
  assert.match(code, /mlflow\.sklearn\.autolog\(\)/);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(server.url).origin });
  await page.getByRole('figure', { name: 'Python' }).getByRole('button', { name: 'Copy' }).click();
  assert.ok((await page.evaluate(() => navigator.clipboard.readText())).includes(`"${server.url}"`));
  await assertSound(page);
  await page.close();
});

test('the run of the classic script appears without a reload, with all that it logged', async () => {
  // Wide enough that columns of every kind are drawn.
  const page = await browser.newPage({ width: 1920 });
  await page.goto(`${server.url}/experiments/0`);
  await page.getByRole('heading', { name: 'Log the first run' }).waitFor();
  await page.evaluate(() => (window.sameDocument = true));

  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader') });
  await Promise.all([
    row.first().waitFor({ timeout: 120_000 }),
    runPython('python/autolog.py', { url: server.url }),
  ]);

  await row.first().getByTitle('Finished').waitFor();
  const columns = await page.getByRole('columnheader').allInnerTexts();
  assert.ok(columns.some((text) => text.includes('training_mean_squared_error')), columns.join());
  assert.ok(columns.some((text) => text.includes('bootstrap')), columns.join());
  assert.equal(await page.evaluate(() => window.sameDocument), true);

  await row.first().getByRole('link').click();
  await page.getByRole('tab', { name: 'Overview' }).waitFor();
  const parameters = page.getByRole('region', { name: 'Parameters' });
  await parameters.getByRole('row', { name: /^n_estimators 50/ }).waitFor();
  await page.getByRole('region', { name: 'Metrics' }).getByRole('row', { name: /^training_r2_score 0\.\d+/ }).waitFor();
  await page.getByRole('region', { name: 'Datasets' }).getByText('train', { exact: true }).waitFor();
  await page.getByRole('region', { name: 'Models' }).getByText('Ready').waitFor();
  await assertSound(page);

  await page.getByRole('tab', { name: 'Artifacts' }).click();
  const tree = page.getByRole('tree', { name: 'Artifacts' });
  for (const file of ['estimator.html', 'MLmodel', 'model.pkl', 'requirements.txt']) {
    await tree.getByRole('treeitem', { name: file }).waitFor();
  }
  await tree.getByRole('treeitem', { name: 'MLmodel' }).click();
  await page.getByRole('region', { name: 'MLmodel', exact: true }).getByText('python_function').waitFor();
  await assertSound(page);

  await page.getByRole('tab', { name: 'Overview' }).click();
  await page.getByRole('region', { name: 'Models' }).getByRole('link', { name: 'model' }).click();
  const load = page.getByRole('figure', { name: 'Load it in Python' });
  await load.getByText('load_model').waitFor();
  assert.match(await load.innerText(), /load_model\("models:\/m-[0-9a-f]{32}"\)/);
  await page.getByRole('region', { name: 'Metrics' }).getByRole('row', { name: /training_r2_score/ }).waitFor();
  await page.getByRole('treeitem', { name: 'requirements.txt' }).click();
  await page.getByRole('region', { name: 'Preview of requirements.txt' }).getByText(/scikit-learn==/).waitFor();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await assertAccessible(page, 'logged model');
  }
  await page.getByRole('link', { name: 'its run' }).click();
  await page.getByRole('tab', { name: 'Overview' }).waitFor();
  await assertSound(page);
  await page.close();
});

test('the address that the client prints leads to the run', async () => {
  const [run] = await searchRuns(server, { experiment_ids: ['0'] });
  const page = await browser.newPage();
  await page.goto(`${server.url}/#/experiments/0/runs/${run.run_id}`);
  await page.getByRole('heading', { name: run.name }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/experiments/0/runs/${run.run_id}`);
  await page.close();
});

test('a run of the MLflow 2 client keeps its model among its own files', { skip: PYTHON2 === undefined }, async () => {
  await runPython('python/autolog.py', { url: server.url, python: PYTHON2 });
  const [run] = await searchRuns(server, { experiment_ids: ['0'] });
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/0/runs/${run.run_id}/artifacts`);
  const tree = page.getByRole('tree', { name: 'Artifacts' });
  await tree.getByRole('treeitem', { name: 'model', exact: true }).click();
  await tree.getByRole('treeitem', { name: 'MLmodel' }).waitFor();
  await assertSound(page);
  await page.close();
});

test('an open run page follows metrics, tags and the end of the run', async () => {
  const { run } = await mlflow(server, 'runs/create', { experiment_id: '0', run_name: 'followed', start_time: Date.now() });
  const id = run.info.run_id;
  const log = (step) => mlflow(server, 'runs/log-metric', { run_id: id, key: 'loss', value: 1 / (step + 1), timestamp: Date.now(), step });
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/0/runs/${id}/metrics`);
  await page.getByRole('heading', { name: 'No metrics yet' }).waitFor();
  await log(0);
  await log(1);
  await page.getByRole('img', { name: /^loss by step: 2 points/ }).waitFor();
  await log(2);
  await page.getByRole('img', { name: /^loss by step: 3 points/ }).waitFor();
  await page.getByRole('tab', { name: 'Overview' }).click();
  await mlflow(server, 'runs/set-tag', { run_id: id, key: 'verdict', value: 'good' });
  await page.getByRole('region', { name: 'Tags' }).getByText('good').waitFor();
  await mlflow(server, 'runs/update', { run_id: id, status: 'FAILED', end_time: Date.now() });
  await page.getByRole('banner').getByText('Failed').waitFor();
  await assertSound(page);
  await page.close();
});

test('what changes before the live connection stands is not missed', async () => {
  const { run } = await mlflow(server, 'runs/create', { experiment_id: '0', run_name: 'early', start_time: Date.now() });
  const page = await browser.newPage();
  let connect;
  const changed = new Promise((resolve) => (connect = resolve));
  await page.route('**/v1/events?*', (route) => changed.then(() => route.continue()));
  await page.goto(`${server.url}/experiments/0/runs/${run.info.run_id}`);
  await page.getByText('No metrics logged yet.').waitFor();
  await mlflow(server, 'runs/log-metric', { run_id: run.info.run_id, key: 'loss', value: 0.25, timestamp: Date.now(), step: 0 });
  connect();
  await page.getByRole('region', { name: 'Metrics' }).getByRole('row', { name: /^loss 0\.25/ }).waitFor();
  await assertSound(page);
  await page.close();
});

test('after the server was away the page catches up by itself', async () => {
  const page = await browser.newPage({ expectedFailures: ['/api/modelyard/v1/', '/ajax-api/'] });
  await page.goto(`${server.url}/experiments/0`);
  await page.getByRole('status').getByText('Live').waitFor();
  await server.restart();
  await mlflow(server, 'runs/create', { experiment_id: '0', run_name: 'after-the-restart', start_time: Date.now() });
  await page.getByRole('rowheader', { name: 'after-the-restart' }).waitFor({ timeout: 20_000 });
  await assertSound(page);
  await page.close();
});
