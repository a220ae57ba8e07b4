// axe on every page, in light and dark.
import { after, before, test } from 'node:test';
import { mlflow, searchRuns } from '../harness/api.mjs';
import { assertAccessible } from '../harness/axe.mjs';
import { assertSound, startBrowser } from '../harness/browser.mjs';
import { seed } from '../harness/python.mjs';
import { seedRegistry } from '../harness/registry.mjs';
import { startServer } from '../harness/server.mjs';

let server;
let empty;
let browser;
const id = {};
const LOCAL_HOOKS = ['--webhook-allow-private-ips', '--webhook-allowed-schemes', 'http'];

before(async () => {
  [server, empty, browser] = await Promise.all([startServer({ args: LOCAL_HOOKS }), startServer(), startBrowser()]);
  await seed(server.url);
  const { experiments } = await (await fetch(`${server.url}/api/modelyard/v1/experiments`)).json();
  for (const [name, key] of [['fraud-detection', 'fraud'], ['resnet50/imagenet-ablation', 'vision'], ['churn-forest', 'churn']]) {
    id[key] = experiments.find((experiment) => experiment.name === name).experiment_id;
  }
  const first = async (experiment, filter = '') => (await searchRuns(server, { experiment_ids: [experiment], filter }))[0].run_id;
  id.curves = await first(id.vision);
  id.grid = await first(id.churn, "attributes.run_name = 'grid-search'");
  await seedRegistry(server);
  await mlflow(server, 'runs/delete', { run_id: await first(id.fraud) });
  const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }];
  // Nobody answers there, so that its log has something that waits.
  const hook = { name: 'deploy', url: 'http://127.0.0.1:9/hook', events };
  id.hook = (await mlflow(server, 'webhooks', hook)).webhook.webhook_id;
  await mlflow(server, 'registered-models/create', { name: 'told of' });
});
after(async () => {
  await browser?.stop();
  await Promise.all([server?.stop(), empty?.stop()]);
});

const PAGES = [
  { name: 'start page of an empty server', at: () => empty.url, ready: (page) => page.getByText('Log the first run') },
  { name: 'experiments', at: () => server.url, ready: (page) => page.getByRole('rowheader', { name: 'fraud-detection' }) },
  { name: 'runs', at: () => `${server.url}/experiments/${id.fraud}`, ready: (page) => page.getByRole('rowheader').first() },
  {
    name: 'runs with a selection and a wrong filter',
    at: () => `${server.url}/experiments/${id.fraud}`,
    ready: async (page) => {
      await page.getByRole('rowheader').first().waitFor();
      await page.getByRole('row').nth(2).getByRole('checkbox').click();
      await page.getByRole('combobox').fill('metrics.auc >');
      await page.getByRole('combobox').press('Enter');
      return page.getByRole('alert').first();
    },
  },
  {
    name: 'column chooser',
    at: () => `${server.url}/experiments/${id.fraud}`,
    ready: async (page) => {
      await page.getByRole('rowheader').first().waitFor();
      await page.keyboard.press('c');
      return page.getByRole('dialog');
    },
  },
  {
    name: 'palette',
    at: () => server.url,
    ready: async (page) => {
      await page.getByRole('rowheader').first().waitFor();
      await page.keyboard.press('Control+k');
      return page.getByRole('option').first();
    },
  },
  { name: 'run overview', at: () => `${server.url}/experiments/${id.churn}/runs/${id.grid}`, ready: (page) => page.getByText('Child runs') },
  {
    name: 'run metrics',
    at: () => `${server.url}/experiments/${id.vision}/runs/${id.curves}/metrics`,
    ready: (page) => page.getByRole('img', { name: /train\/loss/ }),
  },
  { name: 'start page of an empty registry', at: () => `${empty.url}/models`, ready: (page) => page.getByText('Register the first model') },
  { name: 'models', at: () => `${server.url}/models`, ready: (page) => page.getByRole('rowheader', { name: 'churn' }) },
  { name: 'model', at: () => `${server.url}/models/churn`, ready: (page) => page.getByRole('rowheader', { name: 'Version 3' }) },
  { name: 'model without versions', at: () => `${server.url}/models/told%20of`, ready: (page) => page.getByText('No versions yet') },
  { name: 'history', at: () => `${server.url}/models/churn/history`, ready: (page) => page.getByText('Protected the alias') },
  { name: 'version', at: () => `${server.url}/models/churn/versions/3`, ready: (page) => page.getByText('tensor int64 (-1)') },
  {
    name: 'refused move of an alias',
    at: () => `${server.url}/models/churn/versions/3`,
    ready: async (page) => {
      await page.getByRole('region', { name: 'Aliases' }).getByRole('button', { name: 'Set' }).click();
      await page.getByRole('combobox', { name: 'Alias' }).fill('champion');
      return page.getByText('This alias is protected');
    },
  },
  { name: 'comparison', at: () => `${server.url}/models/churn/compare?from=1&to=3`, ready: (page) => page.getByRole('table', { name: 'Metrics' }) },
  { name: 'trash', at: () => `${server.url}/trash?kind=run`, ready: (page) => page.getByRole('rowheader').first() },
  { name: 'webhooks', at: () => `${server.url}/webhooks`, ready: (page) => page.getByRole('rowheader', { name: 'deploy' }) },
  {
    name: 'webhook',
    at: () => `${server.url}/webhooks/${id.hook}`,
    ready: async (page) => {
      await page.getByRole('button', { name: 'registered_model.created', exact: true }).click();
      return page.getByText('What was sent');
    },
  },
  {
    name: 'webhook to be',
    at: () => `${server.url}/webhooks`,
    ready: async (page) => {
      await page.getByRole('button', { name: 'New webhook' }).click();
      return page.getByRole('dialog', { name: 'New webhook' });
    },
  },
  ...['results.csv', 'results.json', 'plots/importance.png', 'notes.md', 'config/grid.yaml', 'logs/train.log'].map((file) => ({
    name: `artifact ${file}`,
    at: () => `${server.url}/experiments/${id.churn}/runs/${id.grid}/artifacts?file=${encodeURIComponent(`run/${file}`)}`,
    ready: (page) => page.getByRole('region', { name: `Preview of ${file.split('/').at(-1)}` }),
  })),
];

for (const { name, at, ready } of PAGES) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${name}, ${colorScheme}`, async () => {
      const page = await browser.newPage({ colorScheme, expectedFailures: ['/runs/search'] });
      await page.goto(at());
      await (await ready(page)).waitFor();
      await page.waitForTimeout(300);
      await assertAccessible(page, name);
      await assertSound(page);
      await page.close();
    });
  }
}
