// The runs table: sort, search, columns, paging, selection, addresses.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createExperiment, createRun, mlflow, searchRuns } from '../harness/api.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { startServer } from '../harness/server.mjs';

const MANY = 600;

let server;
let browser;
let experiment;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  experiment = await createExperiment(server, 'table');
  for (const [name, loss, depth] of [['alpha', 0.5, 3], ['beta', 0.25, 12], ['gamma', 'NaN', 7]]) {
    await createRun(server, experiment, name, { metrics: { loss }, params: { depth, 'odd key/x': name }, tags: { stage: name } });
  }
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

const names = (page) => page.getByRole('rowheader').getByRole('link').allInnerTexts();

/** The link in the head of the row of one run. */
const named = (page, name) =>
  page.getByRole('rowheader').getByRole('link', { name, exact: true });

/** Waits until the table shows these runs in this order. */
async function assertNames(page, expected) {
  await page.getByRole('rowheader', { name: expected[0] }).waitFor();
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (JSON.stringify(await names(page)) === JSON.stringify(expected)) return;
    await page.waitForTimeout(100);
  }
  assert.deepEqual(await names(page), expected);
}

test('sorts on the server, both ways, and the address holds it', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${experiment}`);
  await assertNames(page, ['gamma', 'beta', 'alpha']);
  const head = page.getByRole('columnheader', { name: 'Metrics: loss' });
  await head.click();
  await assertNames(page, ['alpha', 'beta', 'gamma']);
  assert.equal(await head.getAttribute('aria-sort'), 'descending');
  await head.click();
  await assertNames(page, ['beta', 'alpha', 'gamma']);
  assert.match(page.url(), /sort=metric%3Aloss%3Aasc/);
  await page.reload();
  await assertNames(page, ['beta', 'alpha', 'gamma']);
  await assertSound(page);
  await page.close();
});

test('searches by name and by filter, completes fields, and shows where a filter is wrong', async () => {
  const page = await browser.newPage({ expectedFailures: ['/runs/search'] });
  await page.goto(`${server.url}/experiments/${experiment}`);
  const box = page.getByRole('combobox', { name: 'Search runs' });
  await box.fill('amm');
  await assertNames(page, ['gamma']);
  await box.fill('dep');
  await page.getByRole('option', { name: 'params.depth' }).click();
  assert.equal(await box.inputValue(), 'params.depth ');
  await box.pressSequentially("IN ('3', '12') OR params.`odd key/x` = 'gamma' AND NOT metrics.loss < 1");
  await box.press('Enter');
  await assertNames(page, ['gamma', 'beta', 'alpha']);
  await box.fill("params.depth = '3' AND");
  await box.press('Enter');
  await box.fill("params.depth ! '3'");
  await box.press('Enter');
  const alert = page.getByRole('alert').filter({ hasText: 'at character' });
  await alert.waitFor();
  assert.equal(await alert.locator('mark').innerText(), '!');
  await box.fill("params.depth = '12'");
  await box.press('Enter');
  await assertNames(page, ['beta']);
  assert.equal(await alert.count(), 0);
  await page.reload();
  await assertNames(page, ['beta']);
  await assertSound(page);
  await page.close();
});

test('shows the columns that were chosen, here and after a reload', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${experiment}`);
  await page.getByRole('columnheader', { name: 'depth' }).waitFor();
  await page.getByRole('button', { name: 'Columns' }).click();
  const dialog = page.getByRole('dialog', { name: 'Columns' });
  await dialog.getByRole('checkbox', { name: 'depth' }).uncheck();
  await dialog.getByRole('checkbox', { name: 'stage' }).check();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('columnheader', { name: 'Tags: stage' }).waitFor();
  await page.reload();
  await page.getByRole('columnheader', { name: 'Tags: stage' }).waitFor();
  assert.equal(await page.getByRole('columnheader', { name: 'depth' }).count(), 0);
  await page.getByRole('button', { name: 'Columns' }).click();
  await dialog.getByRole('button', { name: 'Reset to default' }).click();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('columnheader', { name: 'depth' }).waitFor();
  await assertSound(page);
  await page.close();
});

test('deletes what is selected, undoes it, and restores from the deleted view', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${experiment}`);
  const stage = async (name) => {
    const all = await searchRuns(server, { experiment_ids: [experiment], view: 'all' });
    return all.find((run) => run.name === name).lifecycle_stage;
  };
  await page.getByRole('row', { name: /beta/ }).getByRole('checkbox').click();
  await page.getByRole('row', { name: /alpha/ }).getByRole('checkbox').click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await assertNames(page, ['gamma']);
  assert.equal(await stage('beta'), 'deleted');
  await page.getByRole('button', { name: 'Undo' }).click();
  await assertNames(page, ['gamma', 'beta', 'alpha']);
  await page.getByRole('row', { name: /alpha/ }).getByRole('checkbox').click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await assertNames(page, ['gamma', 'beta']);
  await page.getByRole('radiogroup', { name: 'Which runs' }).getByText('Deleted').click();
  await assertNames(page, ['alpha']);
  await page.getByRole('row', { name: /alpha/ }).getByRole('checkbox').click();
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByText('No run of this experiment has been deleted').waitFor();
  assert.equal(await stage('alpha'), 'active');
  await assertSound(page);
  await page.close();
});

test('loads further pages as it is scrolled and draws only what is in view', async () => {
  const many = await createExperiment(server, 'many');
  for (let i = 0; i < MANY; i += 20) {
    const batch = Array.from({ length: 20 }, (_, n) => createRun(server, many, `run-${i + n}`, { metrics: { n: i + n } }));
    await Promise.all(batch);
  }
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${many}?sort=metric:n`);
  await named(page, `run-${MANY - 1}`).waitFor();
  assert.ok((await page.getByRole('rowheader').count()) < 80);
  const grid = page.getByRole('grid', { name: 'Runs' });
  for (let scrolls = 0; scrolls < 40; scrolls += 1) {
    if (await named(page, 'run-0').count()) break;
    await grid.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.waitForTimeout(100);
  }
  await named(page, 'run-0').waitFor();
  assert.equal(await grid.getAttribute('aria-rowcount'), String(MANY + 1));
  await page.getByText(`${MANY} runs`).waitFor();
  await assertSound(page);
  await page.close();
});

test('a new run does not move what is being read, by eye or by keys', async () => {
  const [many] = (await (await fetch(`${server.url}/api/modelyard/v1/experiments?filter=name%3D'many'`)).json()).experiments;
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${many.experiment_id}`);
  const grid = page.getByRole('grid', { name: 'Runs' });
  await page.getByRole('rowheader').first().waitFor();
  await page.getByRole('status').getByText('Live').waitFor();
  await grid.evaluate((element) => element.scrollTo(0, 3_300));
  await page.waitForTimeout(200);
  const read = await topRow(grid);
  await grid.locator('[aria-rowindex="107"]').getByRole('gridcell').nth(1).click();
  await createRun(server, many.experiment_id, 'the-newest');
  const below = grid.locator('[aria-rowindex="103"]').filter({ has: named(page, read) });
  for (let presses = 0; presses < 1_000 && !(await below.count()); presses += 1) {
    await page.keyboard.press(presses % 2 ? 'ArrowLeft' : 'ArrowRight');
  }
  await below.waitFor();
  assert.equal(await topRow(grid), read);
  await assertSound(page);
  await page.close();
});

test('going back from a run shows the table where it was left, whatever came meanwhile', async () => {
  const [many] = (await (await fetch(`${server.url}/api/modelyard/v1/experiments?filter=name%3D'many'`)).json()).experiments;
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${many.experiment_id}?sort=metric:n`);
  const grid = page.getByRole('grid', { name: 'Runs' });
  await page.getByRole('rowheader').first().waitFor();
  await scrollTo(grid, 11_550);
  const read = await topRow(grid);
  /** So many rows have come above the one that was read; the head is the first. */
  const above = (count) => grid.locator(`[aria-rowindex="${11_550 / 33 + 2 + count}"]`).filter({ has: named(page, read) }).waitFor();
  await above(0);

  await named(page, read).click();
  await page.getByRole('heading', { name: read }).waitFor();
  await createRun(server, many.experiment_id, 'meanwhile', { metrics: { n: MANY + 1 } });
  await page.goBack();
  await named(page, read).waitFor();
  assert.equal(await topRow(grid), read);
  assert.match(page.url(), /sort=metric:n$/);
  await above(1);
  assert.equal(await topRow(grid), read);
  await createRun(server, many.experiment_id, 'live', { metrics: { n: MANY + 2 } });
  await above(2);
  assert.equal(await topRow(grid), read);

  // By keys: on from the row that was opened.
  const focused = (name) =>
    page.waitForFunction((wanted) => document.activeElement.closest('[role=row]')?.querySelector('a').innerText === wanted, name);
  await focused(read);
  await page.keyboard.press('ArrowDown');
  const next = `run-${Number(read.slice('run-'.length)) - 1}`;
  await focused(next);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: next }).waitFor();
  await page.goBack();
  await focused(next);
  assert.equal(await topRow(grid), read);
  await createRun(server, many.experiment_id, 'later', { metrics: { n: MANY + 3 } });
  await above(3);
  await focused(next);
  assert.equal(await topRow(grid), read);

  // The way up leads to the same place.
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: next }).waitFor();
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'many' }).click();
  await focused(next);
  assert.equal(await topRow(grid), read);
  assert.match(page.url(), /sort=metric(:|%3A)n$/);
  await assertSound(page);
  await page.close();
});

test('experiments are sorted by what they hold', async () => {
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.getByRole('grid', { name: 'Experiments' }).waitFor();
  await page.getByRole('columnheader', { name: 'Runs' }).click();
  await assertNames(page, ['many', 'table', 'Default']);
  await page.getByRole('columnheader', { name: 'Name' }).click();
  await assertNames(page, ['Default', 'many', 'table']);
  await assertSound(page);
  await page.close();
});

/** Scrolls a table as far as this, which may take some loading of rows. */
async function scrollTo(grid, top) {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const reached = await grid.evaluate((element, to) => {
      element.scrollTo(0, to);
      return element.scrollTop;
    }, top);
    // A frame for the scroll event, one for the rows that it draws.
    if (reached === top) return grid.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await grid.page().waitForTimeout(100);
  }
  assert.fail(`the table does not reach ${top} pixels`);
}

/** The name of the first row below the table's head. */
function topRow(grid) {
  return grid.evaluate((element) => {
    const { left, top } = element.getBoundingClientRect();
    const head = element.querySelector('[role=rowgroup]').getBoundingClientRect().height;
    const cell = document.elementFromPoint(left + 120, top + head + 17).closest('[role=row]');
    return cell.querySelector('[role=rowheader] a').innerText;
  });
}

test('experiments are created, renamed, deleted and restored', async () => {
  const page = await browser.newPage({ expectedFailures: ['/experiments/create'] });
  await page.goto(`${server.url}/`);
  await page.getByRole('button', { name: 'New experiment' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('table');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByRole('alert').getByText('already exists').waitFor();
  await dialog.getByLabel('Name').fill('made here');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'made here' }).waitFor();
  await page.getByRole('button', { name: 'Actions for this experiment' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await dialog.getByLabel('Name').fill('renamed here');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { name: 'renamed here' }).waitFor();
  await page.getByRole('button', { name: 'Actions for this experiment' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('grid', { name: 'Experiments' }).waitFor();
  assert.equal(await page.getByRole('rowheader', { name: 'renamed here' }).count(), 0);
  await page.getByRole('radiogroup', { name: 'Which experiments' }).getByText('Deleted').click();
  await page.getByRole('rowheader', { name: 'renamed here' }).waitFor();
  await page.getByRole('button', { name: 'Actions for renamed here' }).click();
  await page.getByRole('menuitem', { name: 'Restore' }).click();
  await page.getByText('Nothing has been deleted').waitFor();
  await assertSound(page);
  await page.close();
});

test('tags and the description of a run are edited in place', async () => {
  const id = await createRun(server, experiment, 'edited', { tags: { old: 'value' } });
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${experiment}/runs/${id}`);
  const tags = page.getByRole('region', { name: 'Tags' });
  await tags.getByRole('button', { name: 'Add' }).click();
  await tags.getByLabel('Tag key').fill('release');
  await tags.getByLabel('Tag value').fill('2026.11');
  await tags.getByLabel('Tag value').press('Enter');
  await tags.getByText('2026.11').waitFor();
  await tags.getByRole('button', { name: 'Change the tag release' }).click();
  await tags.getByLabel('Value of the tag release').fill('2026.12');
  await tags.getByRole('button', { name: 'Save' }).click();
  await tags.getByText('2026.12').waitFor();
  await tags.getByRole('button', { name: 'Remove the tag old' }).click();
  await tags.getByText('value', { exact: true }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Add a description' }).click();
  await page.getByLabel('Description').fill('Better **by far**.');
  await page.getByLabel('Description').press('Control+Enter');
  await page.getByRole('region', { name: 'Description' }).locator('strong', { hasText: 'by far' }).waitFor();
  const { run } = await (await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${id}`)).json();
  const stored = Object.fromEntries(run.data.tags.map(({ key, value }) => [key, value]));
  assert.equal(stored.release, '2026.12');
  assert.equal(stored.old, undefined);
  assert.equal(stored['mlflow.note.content'], 'Better **by far**.');
  await assertSound(page);
  await page.close();
});

test('curves: smoothing, log scale, axes, and the same points as a table', async () => {
  const id = await createRun(server, experiment, 'curves');
  const start = Date.now();
  const metrics = Array.from({ length: 500 }, (_, step) => ({
    key: 'train/loss', value: step === 250 ? 'NaN' : 1 / (step + 1), timestamp: start + step * 1_000, step,
  }));
  await mlflow(server, 'runs/log-batch', { run_id: id, metrics });
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${experiment}/runs/${id}/metrics`);
  await page.getByRole('img', { name: /^train\/loss by step: 499 points, from 1 to 0\.002/ }).waitFor();
  await page.getByText('1 not finite').waitFor();
  await page.getByLabel('Log scale').check();
  await page.getByRole('slider', { name: 'Smoothing' }).fill('0.9');
  await page.getByRole('radiogroup', { name: 'Horizontal axis' }).getByText('Relative').click();
  await page.getByRole('img', { name: /by relative/ }).waitFor();
  assert.match(page.url(), /x=relative/);
  assert.match(page.url(), /log=1/);
  await page.getByRole('button', { name: 'train/loss: show as table' }).click();
  const table = page.getByRole('grid', { name: 'Points of train/loss' });
  assert.equal(await table.getAttribute('aria-rowcount'), '501');
  await table.getByRole('columnheader', { name: 'Smoothed' }).waitFor();
  await table.getByRole('row', { name: /^1\.0 s 0\.5/ }).waitFor();
  const values = page.getByRole('grid', { name: 'Values of all metrics' });
  await values.getByRole('row', { name: /train\/loss/ }).waitFor();
  await assertSound(page);
  await page.close();
});
