import { describe, expect, it } from 'vitest';
import { parseRoute, pathOf, pathOfMlflowHash, type Route } from './route';

describe('routes', () => {
  const known: [string, Route][] = [
    ['experiments', { page: 'experiments' }],
    ['experiments/7', { page: 'experiment', experimentId: '7' }],
    ['experiments/7/runs/ab', { page: 'run', experimentId: '7', runId: 'ab', tab: 'overview' }],
    ['experiments/7/runs/ab/metrics', { page: 'run', experimentId: '7', runId: 'ab', tab: 'metrics' }],
    ['runs/ab/artifacts', { page: 'run', experimentId: undefined, runId: 'ab', tab: 'artifacts' }],
    ['experiments/7/models/m-1', { page: 'model', experimentId: '7', modelId: 'm-1' }],
    ['models', { page: 'models' }],
    ['models/churn', { page: 'registered', name: 'churn', tab: 'versions' }],
    ['models/churn/history', { page: 'registered', name: 'churn', tab: 'history' }],
    ['models/churn/compare', { page: 'compare', name: 'churn' }],
    ['models/churn/versions/3', { page: 'version', name: 'churn', version: '3', tab: 'overview' }],
    ['models/churn/versions/3/artifacts', { page: 'version', name: 'churn', version: '3', tab: 'artifacts' }],
    ['trash', { page: 'trash' }],
    ['webhooks', { page: 'webhooks' }],
    ['webhooks/ab', { page: 'webhook', webhookId: 'ab' }],
  ];

  it.each(known)('%s there and back', (path, route) => {
    expect(parseRoute(path)).toEqual(route);
    expect(route.page === 'unknown' ? '' : pathOf(route)).toBe(path);
  });

  it('keeps strange ids in one piece', () => {
    const route = { page: 'experiment', experimentId: 'a/b?c#d %' } as const;
    expect(parseRoute(pathOf(route))).toEqual(route);
  });

  it('reads the root and trailing slashes', () => {
    expect(parseRoute('')).toEqual({ page: 'experiments' });
    expect(parseRoute('experiments/7/')).toEqual({ page: 'experiment', experimentId: '7' });
  });

  it.each(['nothing', 'experiments/1/nothing', 'experiments/1/runs/a/metrics/b', 'experiments/1/models', 'models/a/b', 'models/a/versions/1/b', 'trash/1'])(
    '%s is no page',
    (path) => expect(parseRoute(path)).toEqual({ page: 'unknown', path }),
  );

  it('survives a broken escape', () => {
    expect(parseRoute('experiments/%E0%A4%A')).toEqual({ page: 'experiment', experimentId: '%E0%A4%A' });
  });
});

describe("addresses of MLflow's pages", () => {
  it.each([
    ['#/experiments/1', 'experiments/1'],
    ['#/experiments/1?searchFilter=x', 'experiments/1'],
    ['#/experiments/1/runs/ab', 'experiments/1/runs/ab'],
    ['#/experiments/1/runs/ab/model-metrics', 'experiments/1/runs/ab/metrics'],
    ['#/experiments/1/runs/ab/artifacts/model', 'experiments/1/runs/ab/artifacts'],
    ['#/experiments/1/models/m-9', 'experiments/1/models/m-9'],
    ['#/', 'experiments'],
    ['#/models/x', 'models/x'],
    ['#/models/x/versions/3', 'models/x/versions/3'],
  ])('%s', (hash, path) => expect(pathOfMlflowHash(hash)).toBe(path));

  it('leaves other fragments alone', () => {
    expect(pathOfMlflowHash('')).toBeUndefined();
    expect(pathOfMlflowHash('#section')).toBeUndefined();
  });
});
