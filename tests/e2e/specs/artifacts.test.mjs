// Artifacts: the tree, previews by kind, downloads, and limits.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { createRun, mlflow, searchRuns, upload } from '../harness/api.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { seed } from '../harness/python.mjs';
import { startServer } from '../harness/server.mjs';

let server;
let browser;
let run;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  await seed(server.url, 5);
  const url = `${server.url}/api/modelyard/v1/experiments?filter=${encodeURIComponent("name = 'churn-forest'")}`;
  const [{ experiment_id: experiment }] = (await (await fetch(url)).json()).experiments;
  [run] = await searchRuns(server, { experiment_ids: [experiment], filter: "attributes.run_name = 'grid-search'" });
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

const address = (file) =>
  `${server.url}/experiments/${run.experiment_id}/runs/${run.run_id}/artifacts?file=${encodeURIComponent(`run/${file}`)}`;

test('the tree opens by keys and an address leads into its folders', async () => {
  const page = await browser.newPage();
  await page.goto(address('plots/importance.png'));
  const picture = page.getByRole('img', { name: 'importance.png' });
  await picture.waitFor();
  assert.equal(await picture.evaluate((image) => image.decode().then(() => image.naturalWidth)), 320);

  const tree = page.getByRole('tree', { name: 'Artifacts' });
  await tree.getByRole('treeitem', { name: 'importance.png' }).focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await tree.getByRole('treeitem', { name: 'importance.png' }).waitFor({ state: 'detached' });
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowRight');
  await tree.getByRole('treeitem', { name: 'train.log' }).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('region', { name: 'Preview of train.log' }).getByText('00000 fold 0').waitFor();
  assert.match(page.url(), /train\.log/);
  await assertSound(page);
  await page.close();
});

for (const [file, what] of [['results.csv', 'CSV'], ['results.json', 'log_table JSON']]) {
  test(`a table in ${what} is sorted by its numbers`, async () => {
    const page = await browser.newPage();
    await page.goto(address(file));
    const table = page.getByRole('grid', { name: file });
    await table.getByRole('row', { name: /depth 24, all data/ }).waitFor();
    const depths = () => table.getByRole('rowheader').allInnerTexts();
    assert.deepEqual(await depths(), ['2', '4', '8', '12', '16', '24']);
    await table.getByRole('columnheader', { name: 'depth' }).click();
    assert.deepEqual(await depths(), ['24', '16', '12', '8', '4', '2']);
    await page.getByRole('button', { name: 'Source' }).click();
    await page.getByRole('region', { name: file, exact: true }).getByText('all data').first().waitFor();
    await assertSound(page);
    await page.close();
  });
}

test('Markdown and YAML are laid out, and a file downloads under its name', async () => {
  const page = await browser.newPage();
  await page.goto(address('notes.md'));
  await page.getByRole('heading', { name: 'Grid', exact: true }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'the notes' }).getAttribute('href'), 'https://example.org/churn');
  await page.goto(address('config/grid.yaml'));
  const text = page.getByRole('region', { name: 'grid.yaml', exact: true });
  await text.getByText('scoring').waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
  assert.equal(download.suggestedFilename(), 'grid.yaml');
  assert.match(await readFile(await download.path(), 'utf8'), /^cv: 5\n/);
  await assertSound(page);
  await page.close();
});

test('long, binary, empty and strangely named files have an answer', async () => {
  const id = await createRun(server, '0', 'odd files');
  const { run: info } = await (await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${id}`)).json();
  const put = (path, body) => upload(server, info.info.artifact_uri, path, body);
  await put('long.log', `${'0123456789abcde\n'.repeat(64)}`.repeat(1024));
  await put('binary.txt', Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0, 9]));
  await put('empty.txt', '');
  await put('model.bin', Buffer.alloc(16));
  await put('50% & more+1 ü.txt', 'found');
  await put('numbers.json', '{"id": 12345678901234567890, "nan": NaN}');
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/0/runs/${id}/artifacts`);
  const open = (name) => page.getByRole('treeitem', { name }).click();
  await open('long.log');
  await page.getByText('The first 512 KiB of 1.0 MiB. Download the file for the rest.').waitFor();
  await open('binary.txt');
  await page.getByText('No preview for this kind of file').waitFor();
  await open('empty.txt');
  await page.getByText('This file is empty').waitFor();
  await open('model.bin');
  await page.getByText('No preview for this kind of file').waitFor();
  await open('50% & more+1 ü.txt');
  await page.getByText('found', { exact: true }).waitFor();
  await page.reload();
  await page.getByText('found', { exact: true }).waitFor();
  await open('numbers.json');
  await page.getByText('12345678901234567890').waitFor();
  await assertSound(page);
  await page.close();
});

test('an open file stays as it is while the run goes on, and follows its own changes', async () => {
  const id = await createRun(server, '0', 'read meanwhile');
  const { run: info } = await (await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${id}`)).json();
  await upload(server, info.info.artifact_uri, 'table.csv', 'n\n1\n3\n2\n');
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/0/runs/${id}/artifacts?file=run%2Ftable.csv`);
  await page.getByRole('status').getByText('Live').waitFor();
  const table = page.getByRole('grid', { name: 'table.csv' });
  await table.getByRole('columnheader', { name: 'n' }).click();
  await table.evaluate((element) => (window.shown = element));
  await upload(server, info.info.artifact_uri, 'other.txt', 'hello');
  await page.getByRole('treeitem', { name: 'other.txt' }).waitFor();
  await upload(server, info.info.artifact_uri, 'table.csv', 'n\n1\n3\n4\n');
  await table.getByRole('rowheader', { name: '4' }).waitFor();
  assert.deepEqual(await table.getByRole('rowheader').allInnerTexts(), ['4', '3', '1']);
  assert.ok(await table.evaluate((element) => element === window.shown));
  await assertSound(page);
  await page.close();
});

test('a file that is logged while the page is open appears in the tree', async () => {
  const id = await createRun(server, '0', 'growing');
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/0/runs/${id}/artifacts`);
  await page.getByRole('heading', { name: 'No artifacts' }).waitFor();
  await page.getByRole('status').getByText('Live').waitFor();
  const { run: info } = await (await fetch(`${server.url}/api/2.0/mlflow/runs/get?run_id=${id}`)).json();
  await upload(server, info.info.artifact_uri, 'first.txt', 'hello');
  await page.getByRole('treeitem', { name: 'first.txt' }).waitFor();
  await mlflow(server, 'runs/update', { run_id: id, status: 'FINISHED', end_time: Date.now() });
  await page.getByRole('banner').getByText('Finished').waitFor();
  await assertSound(page);
  await page.close();
});
