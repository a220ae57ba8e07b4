// What surrounds the pages: themes, weight of the first screen, prefixes, wrong addresses.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRun } from '../harness/api.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { startServer } from '../harness/server.mjs';

const FIRST_SCREEN_MAX = 150_000;

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});
after(async () => {
  await browser?.stop();
  await server?.stop();
});

test('the first screen is light over the wire', async () => {
  const page = await browser.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  const bytes = new Map();
  const urls = new Map();
  session.on('Network.requestWillBeSent', ({ requestId, request }) => urls.set(requestId, request.url));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => bytes.set(requestId, encodedDataLength));
  await page.goto(server.url);
  await page.getByRole('heading', { name: 'Log the first run' }).waitFor();
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await page.waitForTimeout(500);
  const list = [...bytes].map(([id, size]) => `${size} ${urls.get(id)}`);
  const total = [...bytes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`first screen: ${total} bytes, headers included, in ${bytes.size} requests`);
  assert.ok(bytes.size >= 6, list.join('\n'));
  assert.ok(total < FIRST_SCREEN_MAX, `${total} bytes:\n${list.join('\n')}`);
  await page.close();
});

test('files with a hash in their names are kept for ever, the page is asked for again', async () => {
  const html = await fetch(server.url);
  assert.match(html.headers.get('cache-control'), /no-cache/);
  const policy = html.headers.get('content-security-policy');
  assert.match(policy, /script-src 'self'/);
  assert.doesNotMatch(policy, /unsafe/);
  const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(await html.text())[1];
  const asset = await fetch(`${server.url}/${script}`, { headers: { 'Accept-Encoding': 'br' } });
  assert.match(asset.headers.get('cache-control'), /immutable/);
  assert.equal(asset.headers.get('content-encoding'), 'br');
});

test('the theme follows the system until one is chosen, and the choice lasts', async () => {
  const page = await browser.newPage({ colorScheme: 'dark' });
  await page.goto(server.url);
  const color = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const until = (wanted) => page.waitForFunction((w) => getComputedStyle(document.body).backgroundColor === w, wanted);
  await page.getByRole('radiogroup', { name: 'Theme' }).waitFor();
  const darkColor = await color();
  await page.emulateMedia({ colorScheme: 'light' });
  await page.waitForFunction((dark) => getComputedStyle(document.body).backgroundColor !== dark, darkColor);
  const lightColor = await color();
  await page.getByTitle('Dark theme').click();
  await until(darkColor);
  await page.reload();
  await page.getByRole('radiogroup', { name: 'Theme' }).waitFor();
  assert.equal(await color(), darkColor);
  await page.getByTitle('Theme of the system').click();
  await until(lightColor);
  await assertSound(page);
  await page.close();
});

test('wrong addresses say so and lead back', async () => {
  const page = await browser.newPage({ expectedFailures: ['/api/', '/ajax-api/'] });
  await page.goto(`${server.url}/no/such/page`);
  await page.getByText('There is no such page').waitFor();
  await page.getByRole('link', { name: 'Go to the experiments' }).click();
  await page.getByRole('heading', { name: 'Experiments', level: 1 }).waitFor();
  await page.goto(`${server.url}/experiments/0/runs/00000000000000000000000000000000`);
  await page.getByRole('alert').getByText('not found').waitFor();
  await page.goto(`${server.url}/experiments/4711`);
  await page.getByRole('alert').getByText('No Experiment with id=4711 exists').first().waitFor();
  await assertSound(page);
  await page.close();
});

test('below a prefix every page, link and request stays below it', async () => {
  const prefixed = await startServer({ prefix: '/ml/flow' });
  try {
    const run = await createRun(prefixed, '0', 'prefixed', { metrics: { loss: 1 } });
    const page = await browser.newPage();
    const outside = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(`${prefixed.url}/`)) outside.push(request.url());
    });
    await page.goto(`${prefixed.url}/experiments/0/runs/${run}`);
    await page.getByRole('heading', { name: 'prefixed' }).waitFor();
    await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Default' }).click();
    await page.getByRole('rowheader', { name: 'prefixed' }).waitFor();
    assert.equal(page.url(), `${prefixed.url}/experiments/0`);
    await page.reload();
    await page.getByRole('rowheader', { name: 'prefixed' }).waitFor();
    assert.deepEqual(outside, []);
    await assertSound(page);
    await page.close();
  } finally {
    await prefixed.stop();
  }
});

test('a narrow window keeps everything in reach', async () => {
  await createRun(server, '0', 'narrow', { metrics: { loss: 1 } });
  const page = await browser.newPage({ width: 390, height: 780 });
  await page.goto(`${server.url}/experiments/0`);
  await page.getByRole('rowheader', { name: 'narrow' }).waitFor();
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.equal(await overflow(), 0);
  await page.getByRole('button', { name: 'Show or hide the navigation' }).click();
  await page.getByRole('link', { name: 'Experiments', exact: true }).click();
  await page.getByRole('grid', { name: 'Experiments' }).waitFor();
  await page.getByRole('columnheader', { name: 'Runs' }).waitFor();
  assert.equal(await overflow(), 0);
  await page.getByRole('button', { name: 'New experiment' }).click();
  await page.getByRole('dialog', { name: 'New experiment' }).waitFor();
  await assertSound(page);
  await page.close();
});
