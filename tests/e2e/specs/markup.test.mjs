// Text full of markup stays text, wherever it comes from and wherever it is shown.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { runPython } from '../harness/python.mjs';
import { startServer } from '../harness/server.mjs';

const SCRIPT = '<script>window.hacked = 1</script>';
const IMAGE = "<img src=x onerror='window.hacked = 2'>";

let server;
let browser;
let experiment;
let run;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  const out = await runPython('python/markup.py', { url: server.url });
  [experiment, run] = out.trim().split('\n').at(-1).split(' ');
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

/** Nothing of the user's text became an element, and none of it ran. */
async function assertText(page) {
  await page.waitForTimeout(200);
  const found = await page.evaluate(() => ({
    hacked: window.hacked,
    scripts: [...document.querySelectorAll('script')].filter((script) => !script.src).length,
    images: document.querySelectorAll('img[src="x"], [onerror]').length,
    links: document.querySelectorAll('a[href^="javascript:"]').length,
  }));
  assert.deepEqual(found, { hacked: undefined, scripts: 0, images: 0, links: 0 });
  await assertSound(page);
}

test('in the lists', async () => {
  const page = await browser.newPage();
  await page.goto(server.url);
  await page.getByRole('rowheader').getByText(`${SCRIPT} experiment`).waitFor();
  await page.getByRole('navigation', { name: 'Recent experiments' }).getByText(`${SCRIPT} experiment`).waitFor();
  await assertText(page);
  await page.goto(`${server.url}/experiments/${experiment}`);
  await page.getByRole('heading', { level: 1, name: `${SCRIPT} experiment` }).waitFor();
  await page.getByText(`${IMAGE} note`).waitFor();
  await page.getByRole('rowheader').getByText(`${IMAGE} run`).waitFor();
  await page.getByRole('gridcell').getByText(`${SCRIPT} value`).waitFor();
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('checkbox', { name: 'tag', exact: true }).check();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('gridcell').getByText(`${IMAGE} value`).waitFor();
  await assertText(page);
  await page.close();
});

test('on the page of a run, in its title and in toasts', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${experiment}/runs/${run}`);
  await page.getByRole('heading', { level: 1, name: `${IMAGE} run` }).waitFor();
  assert.ok((await page.title()).startsWith(`${IMAGE} run`));
  const description = page.getByRole('region', { name: 'Description' });
  await description.getByText(SCRIPT).waitFor();
  await description.getByText('[x](javascript:window.hacked=3)').waitFor();
  await description.locator('strong', { hasText: 'bold' }).waitFor();
  await page.getByRole('region', { name: 'Parameters' }).getByText(`${SCRIPT} value`).waitFor();
  await page.getByRole('region', { name: 'Tags' }).getByText(`${IMAGE} value`).waitFor();
  await assertText(page);
  await page.close();
});

test('in the previews of artifacts', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/experiments/${experiment}/runs/${run}/artifacts`);
  const open = async (name) => {
    await page.getByRole('treeitem', { name }).click();
    return page.getByRole('region', { name: `Preview of ${name}` });
  };
  await (await open('plain.txt')).getByText('first line').waitFor();
  await assertText(page);
  await (await open('page.html')).getByText('<!doctype html>').waitFor();
  await assertText(page);
  await (await open('notes.md')).getByRole('heading', { name: SCRIPT }).waitFor();
  await assertText(page);
  const table = await open('table.json');
  await table.getByRole('gridcell', { name: IMAGE }).waitFor();
  await assertText(page);
  const drawing = (await open('drawing.svg')).getByRole('img', { name: 'drawing.svg' });
  await drawing.waitFor();
  assert.equal(await drawing.evaluate((image) => image.decode().then(() => image.naturalWidth)), 40);
  await assertText(page);
  await page.close();
});

test('an artifact opened by its own address is a download, not a page', async () => {
  const url = `${server.url}/ajax-api/2.0/mlflow/get-artifact?run_id=${run}&path=page.html`;
  const answer = await fetch(url);
  assert.match(answer.headers.get('content-disposition'), /^attachment/);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
});
