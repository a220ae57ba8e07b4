// The whole path from the start page to a curve and back, without a mouse.
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
  experiment = await createExperiment(server, 'by keyboard');
  for (const [name, score] of [['low', 0.1], ['middle', 0.5], ['high', 0.9]]) {
    const id = await createRun(server, experiment, name, { metrics: { score }, params: { depth: 3 } });
    await mlflow(server, 'runs/log-metric', { run_id: id, key: 'score', value: score, timestamp: Date.now(), step: 1 });
  }
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

/** What a screen reader would say of the element with the focus. */
const focused = (page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return element.getAttribute('aria-label') ?? element.innerText.trim().split('\n').at(-1);
  });

/** Presses a key that should move the focus, and waits until it has. */
async function move(page, key) {
  const from = await page.evaluateHandle(() => document.activeElement);
  await page.keyboard.press(key);
  // A key at the end of its way moves nothing.
  await page.waitForFunction((element) => document.activeElement !== element, from, { timeout: 2_000 }).catch(() => undefined);
}

/** Presses a key until the focus is on what is wanted, at most so many times. */
async function until(page, wanted, key, times = 60) {
  await page.waitForTimeout(100);
  for (let i = 0; i < times; i += 1) {
    if ((await focused(page)) === wanted) return;
    await move(page, key);
  }
  assert.equal(await focused(page), wanted);
}

test('finds an experiment, sorts its runs, opens the best, reads its curve', async () => {
  const page = await browser.newPage();
  const { keyboard } = page;
  await page.goto(server.url);
  await page.getByRole('grid', { name: 'Experiments' }).waitFor();

  // Past the search into the table: one tab stop, then arrows.
  await keyboard.press('/');
  assert.equal(await focused(page), 'Search experiments');
  await keyboard.type('keyb');
  await page.getByRole('rowheader', { name: 'Default' }).waitFor({ state: 'detached' });
  await until(page, 'by keyboard', 'Tab');
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'by keyboard' }).waitFor();
  await page.getByRole('rowheader', { name: 'high' }).waitFor();

  // The head is the row above the first; Enter sorts.
  await keyboard.press('j');
  await until(page, 'high', 'ArrowRight', 0);
  await move(page, 'ArrowUp');
  for (let i = 0; i < 10 && !(await focused(page)).endsWith('score'); i += 1) await move(page, 'ArrowRight');
  await keyboard.press('Enter');
  await keyboard.press('Enter');
  await page.waitForURL(/sort=metric%3Ascore%3Aasc/);
  await keyboard.press('Enter');
  await keyboard.press('Enter');
  await page.waitForURL(/sort=metric%3Ascore$/);

  // Space selects; the first column names the run; Enter opens it.
  await move(page, 'ArrowDown');
  await keyboard.press('Space');
  await page.getByRole('status').getByText('1 selected').waitFor();
  await move(page, 'Home');
  await until(page, 'high', 'ArrowRight', 2);
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'high' }).waitFor();

  await until(page, 'Overview', 'Tab');
  await keyboard.press('ArrowRight');
  await page.getByRole('img', { name: /^score by step/ }).waitFor();
  await until(page, 'score: show as table', 'Tab');
  await keyboard.press('Enter');
  await page.getByRole('grid', { name: 'Points of score' }).waitFor();

  await keyboard.press('g');
  await keyboard.press('e');
  await page.getByRole('grid', { name: 'Experiments' }).waitFor();
  await assertSound(page);
  await page.close();
});

test('goes anywhere through the palette, and a dialog gives the focus back', async () => {
  const page = await browser.newPage();
  const { keyboard } = page;
  await page.goto(server.url);
  await page.getByRole('grid', { name: 'Experiments' }).waitFor();
  await keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Name of an experiment or model, or run id' }).waitFor();
  await keyboard.type('by key');
  await page.getByRole('option', { name: /by keyboard/ }).waitFor();
  await page.getByRole('option', { name: /Default/ }).waitFor({ state: 'detached' });
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'by keyboard' }).waitFor();
  await keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await keyboard.press('c');
  const find = page.getByRole('textbox', { name: 'Find a column' });
  await find.waitFor();
  assert.equal(await focused(page), 'Find a column');
  await keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await assertSound(page);
  await page.close();
});

test('menus open, move and close by keys', async () => {
  const page = await browser.newPage();
  const { keyboard } = page;
  await page.goto(`${server.url}/experiments/${experiment}`);
  await page.getByRole('rowheader', { name: 'high' }).waitFor();
  await page.getByRole('button', { name: 'Actions for this experiment' }).focus();
  await keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Rename' }).waitFor();
  assert.equal(await focused(page), 'Rename');
  await keyboard.press('ArrowDown');
  assert.equal(await focused(page), 'Delete');
  await keyboard.press('Escape');
  assert.equal(await focused(page), 'Actions for this experiment');
  assert.equal(await page.getByRole('menu').count(), 0);
  await page.close();
});
