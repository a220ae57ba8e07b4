// The pages of the model registry: models, versions, aliases and their protection, history, comparison, registering.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mlflow } from '../harness/api.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { logModel, registry, seedRegistry } from '../harness/registry.mjs';
import { startServer } from '../harness/server.mjs';

let server;
let empty;
let browser;
let seeded;

before(async () => {
  [server, empty, browser] = await Promise.all([startServer(), startServer(), startBrowser()]);
  seeded = await seedRegistry(server);
});
after(async () => {
  await browser?.stop();
  await Promise.all([server?.stop(), empty?.stop()]);
});

const events = async (query) => (await registry(server, 'GET', `events?${query}`)).events;

test('an empty registry says how to register the first model', async () => {
  const page = await browser.newPage();
  await page.goto(`${empty.url}/models`);
  await page.getByRole('heading', { name: 'Register the first model' }).waitFor();
  assert.match(await page.getByRole('figure', { name: 'Python' }).innerText(), new RegExp(`${empty.url}[^]*registered_model_name`));
  await assertSound(page);
  await page.close();
});

test('finds models by name and by filter, and makes one', async () => {
  await mlflow(server, 'registered-models/create', { name: 'fraud', tags: [{ key: 'team', value: 'risk' }] });
  const page = await browser.newPage({ expectedFailures: ['/registered-models/create', '/registered-models/search'] });
  await page.goto(`${server.url}/models`);
  const row = (name) => page.getByRole('rowheader', { name });
  await row('churn').waitFor();
  const cells = page.getByRole('row').filter({ hasText: 'churn' });
  assert.match(await cells.innerText(), /v3[^]*@champion[^]*v2/);
  await page.getByRole('combobox', { name: 'Search registered models' }).fill("tags.team = 'risk'");
  await page.keyboard.press('Enter');
  await row('churn').waitFor({ state: 'detached' });
  await row('fraud').waitFor();
  assert.match(page.url(), /search=tags\.team/);
  await page.getByRole('combobox', { name: 'Search registered models' }).fill('tags.team =');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').first().waitFor();
  await page.getByRole('button', { name: 'New model' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('fraud');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('already exists').waitFor();
  await page.getByRole('textbox', { name: 'Name' }).fill('brand new');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'No versions yet' }).waitFor();
  assert.match(page.url(), /\/models\/brand%20new$/);
  await assertSound(page);
  await page.close();
});

test('a protected alias refuses a version, names the missing check, and takes it once that has passed', async () => {
  const page = await browser.newPage({ expectedFailures: ['/registered-models/alias'] });
  await page.goto(`${server.url}/models/churn/versions/3`);
  await page.getByRole('region', { name: 'Aliases' }).getByRole('button', { name: 'Set' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'Alias' }).fill('champion');
  await dialog.getByText('bias failed').waitFor();
  await dialog.getByRole('button', { name: 'Move alias' }).click();
  await dialog.getByRole('alert').filter({ hasText: "version 3 has not passed 'bias'" }).waitFor();
  await page.keyboard.press('Escape');
  assert.equal((await events('name=churn&key=champion&actions=ALIAS_SET'))[0].to, '2');

  await page.getByRole('button', { name: 'Record' }).click();
  await dialog.getByRole('combobox', { name: 'Check' }).fill('bias');
  await dialog.getByRole('textbox', { name: /What was found/ }).fill('gap of 1.2 %');
  await dialog.getByRole('button', { name: 'Record' }).click();
  await page.getByRole('region', { name: 'Checks' }).getByText('gap of 1.2 %').waitFor();
  await page.getByRole('region', { name: 'Aliases' }).getByRole('button', { name: 'Set' }).click();
  await dialog.getByRole('combobox', { name: 'Alias' }).fill('champion');
  await dialog.getByRole('textbox', { name: /Reason/ }).fill('better – über alles');
  await dialog.getByRole('button', { name: 'Move alias' }).click();
  await page.getByRole('region', { name: 'Aliases' }).getByText('@champion').waitFor();
  const [moved] = await events('name=churn&key=champion&actions=ALIAS_SET');
  assert.deepEqual([moved.from, moved.to, moved.reason], ['2', '3', 'better – über alles']);
  await assertSound(page);
  await page.close();
});

test('an alias rolls back with a reason, and the history says who, from, to and why', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/models/churn/history?kind=aliases`);
  await page.getByRole('button', { name: 'Change' }).click();
  await page.getByRole('textbox', { name: 'Your name in the audit trail' }).fill('Jürgen');
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: 'Versions' }).click();
  await page.getByRole('button', { name: 'Roll back champion' }).click();
  await page.getByRole('textbox', { name: /Reason/ }).fill('latency');
  await page.getByRole('button', { name: 'Back to version 2' }).click();
  await page.getByRole('region', { name: 'Aliases' }).getByRole('link', { name: 'version 2' }).waitFor();
  await page.getByRole('tab', { name: 'History' }).click();
  const latest = page.getByRole('listitem').filter({ hasText: 'latency' });
  await latest.waitFor();
  assert.match((await latest.innerText()).replaceAll(/\s+/g, ' '), /Moved the alias champion · version 3 → version 2 “latency” Jürgen/);
  await page.getByRole('radio', { name: 'Stages' }).check({ force: true });
  await page.getByRole('heading', { name: 'No change of this kind' }).waitFor();
  await assertSound(page);
  await page.close();
});

test('a change from elsewhere appears by itself', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/models/churn`);
  await page.getByRole('region', { name: 'Aliases' }).getByText('@champion').waitFor();
  await page.getByText('Live').waitFor();
  await mlflow(server, 'registered-models/alias', { name: 'churn', alias: 'shadow', version: '1' });
  await page.getByRole('region', { name: 'Aliases' }).getByText('@shadow').waitFor();
  await page.close();
});

test('an open page asks the server for nothing twice', async () => {
  for (const path of ['churn', 'churn/history', 'churn/versions/1', 'churn/versions/1/history', 'churn/versions/1/artifacts']) {
    const page = await browser.newPage();
    const asked = [];
    page.on('request', (request) => {
      if (request.url().includes('api/')) asked.push(`${request.method()} ${request.url()}`);
    });
    // The page looks again whether anything has changed once all that it shows has been asked for.
    const looks = () => asked.filter((each) => /registry\/events\?.*max_results=1$/.test(each));
    await page.goto(`${server.url}/models/${path}`);
    while (looks().length < 2) await page.waitForRequest(/registry\/events/);
    const [look] = looks();
    const rest = asked.filter((each) => each !== look);
    assert.deepEqual(rest, [...new Set(rest)], path);
    await assertSound(page);
    await page.close();
  }
});

test('changes what describes a model: description, tags, protection, name', async () => {
  await mlflow(server, 'registered-models/create', { name: 'to be changed' });
  const page = await browser.newPage();
  await page.goto(`${server.url}/models/to%20be%20changed`);
  await page.getByRole('button', { name: 'Add a description' }).click();
  await page.getByRole('textbox', { name: 'Description' }).fill('Now *described*.');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('emphasis').filter({ hasText: 'described' }).waitFor();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('textbox', { name: 'Tag key' }).fill('tier');
  await page.getByRole('textbox', { name: 'Tag value' }).fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Change the tag tier' }).waitFor();
  await page.getByRole('button', { name: 'Protect' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Alias' }).fill('prod');
  await dialog.getByRole('textbox', { name: 'Check' }).fill('latency');
  await dialog.getByRole('button', { name: 'Protect' }).click();
  await page.getByText('needs latency').waitFor();
  const { policies } = await registry(server, 'GET', 'models/to%20be%20changed/policies');
  assert.deepEqual(policies, [{ alias: 'prod', checks: ['latency'] }]);
  await page.getByRole('button', { name: 'Actions for this model' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('changed');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await page.waitForURL(/\/models\/changed$/);
  await page.getByText('needs latency').waitFor();
  await page.getByRole('button', { name: 'Actions for this model' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const remove = dialog.getByRole('button', { name: 'Delete for good' });
  assert.ok(await remove.isDisabled());
  await dialog.getByRole('textbox', { name: 'Type the name to go on' }).fill('changed');
  await remove.click();
  await page.waitForURL(/\/models$/);
  await page.getByRole('rowheader', { name: 'churn' }).waitFor();
  assert.equal(await page.getByRole('rowheader', { name: 'changed' }).count(), 0);
  await assertSound(page);
  await page.close();
});

test('a version shows its signature, its run’s figures, its files, and how to load it; its stage moves', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/models/churn/versions/2`);
  const signature = page.getByRole('table', { name: 'Signature' });
  await signature.waitFor();
  assert.deepEqual((await signature.innerText()).split(/\s*\n\s*|\t/).filter(Boolean), [
    'Inputs 2', 'tenure', 'double', 'spend', 'double', 'Outputs 1', '(unnamed)', 'tensor int64 (-1)', 'Parameters 1', 'threshold', 'double = 0.5',
  ]);
  await page.getByRole('table', { name: 'Metrics of the source run' }).getByText('0.9').waitFor();
  assert.match(await page.getByRole('figure', { name: 'Load it in Python' }).innerText(), /models:\/churn\/2"[^]*models:\/churn@champion"/);
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByRole('combobox', { name: 'Stage' }).selectOption('Production');
  await page.getByRole('button', { name: 'Change the stage' }).click();
  await page.getByRole('region', { name: 'Stage' }).getByText('Production').waitFor();
  await page.getByRole('tab', { name: 'Artifacts' }).click();
  await page.getByRole('treeitem', { name: /MLmodel/ }).click();
  await page.getByRole('region', { name: 'Preview of MLmodel' }).getByText('mlflow.sklearn').waitFor();
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('tabpanel').getByText('Production').waitFor();
  await assertSound(page);
  await page.close();
});

test('two versions are chosen and compared, with what differs', async () => {
  const page = await browser.newPage();
  await page.goto(`${server.url}/models/churn`);
  for (const row of ['Version 1', 'Version 2']) {
    await page.getByRole('row').filter({ hasText: row }).getByRole('checkbox').click();
  }
  await page.getByRole('link', { name: 'Compare' }).click();
  await page.waitForURL(/\/models\/churn\/compare\?from=1&to=2$/);
  const row = (table, name) => page.getByRole('table', { name: table }).getByRole('row').filter({ hasText: name });
  await row('Metrics', 'auc').waitFor();
  assert.deepEqual((await row('Metrics', 'auc').innerText()).split('\t'), ['auc', '0.85', '0.9', '+0.05']);
  assert.deepEqual((await row('Inputs', 'spend').innerText()).split('\t'), ['spend', '—', 'double']);
  await row('Parameters', 'seed').waitFor();
  await page.getByRole('checkbox', { name: 'Only differences' }).check();
  await row('Parameters', 'seed').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Compare the runs' }).click();
  await page.getByRole('rowheader', { name: 'forest-1' }).waitFor();
  assert.equal(await page.getByRole('rowheader').count(), 2);
  await assertSound(page);
  await page.close();
});

test('a run’s model is registered under a name that is there, and its page says so', async () => {
  const { runId, modelId } = await logModel(server, seeded.experiment, 'forest-4', { auc: 0.97, depth: 9, inputs: ['tenure'] });
  const page = await browser.newPage({ expectedFailures: ['/registered-models/get'] });
  await page.goto(`${server.url}/runs/${runId}`);
  await page.getByRole('button', { name: 'Register model' }).click();
  await page.getByRole('combobox', { name: 'Registered model' }).fill('chu');
  await page.getByRole('list', { name: 'Registered models' }).getByRole('button', { name: 'churn' }).click();
  await page.getByText('Becomes the next version of churn').waitFor();
  await page.getByRole('button', { name: 'Register', exact: true }).click();
  await page.getByRole('region', { name: 'Registered as' }).getByRole('link', { name: 'churn v4' }).click();
  await page.getByRole('heading', { name: 'Version 4' }).waitFor();
  await page.goto(`${server.url}/experiments/${seeded.experiment}/models/${modelId}`);
  await page.getByRole('button', { name: 'Register model' }).click();
  await page.getByRole('combobox', { name: 'Registered model' }).fill('churn next');
  await page.getByRole('button', { name: 'Create and register' }).click();
  await page.getByRole('region', { name: 'Registered as' }).getByRole('link', { name: 'churn next v1' }).waitFor();
  await assertSound(page);
  await page.close();
});
