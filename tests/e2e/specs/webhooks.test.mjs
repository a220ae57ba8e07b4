// Webhooks: made, tested, delivered, refused, sent again, turned off, removed.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { mlflow } from '../harness/api.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { startServer } from '../harness/server.mjs';

let server;
let browser;
let receiver;
let target;
/** What the receiver answers, and what it got. */
let status = 200;
const got = [];

before(async () => {
  const args = ['--webhook-allow-private-ips', '--webhook-allowed-schemes', 'http,https'];
  [server, browser] = await Promise.all([startServer({ args }), startBrowser()]);
  receiver = createServer((request, answer) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      got.push({ id: request.headers['x-mlflow-delivery-id'], signed: request.headers['x-mlflow-signature'], body });
      answer.writeHead(status).end(`answered ${status}`);
    });
  });
  await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  target = `http://127.0.0.1:${receiver.address().port}/hook`;
});
after(async () => {
  await browser?.stop();
  await server?.stop();
  receiver?.close();
});

test('a webhook is made, tested, and its deliveries are in its log', async () => {
  const page = await browser.newPage({ expectedFailures: ['/mlflow/webhooks'] });
  await page.goto(`${server.url}/webhooks`);
  await page.getByRole('heading', { name: 'No webhooks' }).waitFor();
  await page.getByRole('main').getByRole('button', { name: 'New webhook' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('deploy');
  await dialog.getByRole('textbox', { name: 'URL' }).fill('ftp://nowhere');
  await dialog.getByRole('checkbox', { name: 'A registered model is created' }).check();
  await dialog.getByLabel(/^Secret/).fill('s3cret');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'ftp' }).waitFor();
  await dialog.getByRole('textbox', { name: 'URL' }).fill(target);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Nothing has been sent yet' }).waitFor();

  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await dialog.getByRole('button', { name: 'Send' }).click();
  await dialog.getByText('The receiver took it: HTTP 200').waitFor();
  await dialog.getByText('answered 200').waitFor();
  await page.keyboard.press('Escape');

  await mlflow(server, 'registered-models/create', { name: 'told' });
  const log = page.getByRole('table', { name: 'Deliveries' });
  await log.getByText('Delivered').waitFor();
  await log.getByRole('button', { name: 'registered_model.created', exact: true }).click();
  await log.getByText('answered 200').waitFor();
  assert.match(page.url(), /delivery=/);
  const first = got.at(-1);
  assert.match(first.signed, /^v1,/);
  assert.match(first.body, /told/);
  const before = got.length;
  await log.getByRole('button', { name: 'Send again: registered_model.created' }).click();
  for (let attempt = 0; attempt < 100 && got.length === before; attempt += 1) await page.waitForTimeout(50);
  assert.deepEqual([got.at(-1).id, got.at(-1).body], [first.id, first.body]);
  await assertSound(page);
  await page.close();
});

test('a delivery that is refused says why and when it is tried again; the webhook is turned off and removed', async () => {
  status = 503;
  const page = await browser.newPage();
  await page.goto(`${server.url}/webhooks`);
  await page.getByRole('rowheader', { name: 'deploy' }).getByRole('link').click();
  await page.getByRole('heading', { name: 'deploy' }).waitFor();
  await mlflow(server, 'registered-models/create', { name: 'told again' });
  const log = page.getByRole('table', { name: 'Deliveries' });
  await log.getByText('HTTP 503').waitFor();
  await page.getByRole('radio', { name: 'Pending' }).check({ force: true });
  await log.getByText('Delivered').waitFor({ state: 'detached' });
  assert.match(await log.innerText(), /Pending[^]*(?:in \d|now|waits)/);
  const item = async (name) => {
    await page.getByRole('button', { name: 'Actions for this webhook' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  await item('Turn off');
  await page.getByText('Off', { exact: true }).waitFor();
  await item('Change…');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Description' }).fill('Starts the roll-out');
  assert.equal(await page.getByRole('dialog').getByLabel(/^Secret/).inputValue(), '');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Starts the roll-out').waitFor();
  await item('Delete…');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
  await page.getByRole('heading', { name: 'No webhooks' }).waitFor();
  await assertSound(page);
  await page.close();
});
