import { describe, expect, it } from 'vitest';
import type { Run } from '../api/client';
import type { ModelVersion } from '../api/registry';
import { keyMetrics, latestVersion, loggedModelOf, pathBelow, proxiedPath } from './versions';

const version = (number: string): ModelVersion => ({
  name: 'm',
  version: number,
  creation_timestamp: 1,
  last_updated_timestamp: 1,
  current_stage: 'None',
  source: '',
  status: 'READY',
});

it('compares versions as numbers', () => {
  const model = { name: 'm', creation_timestamp: 1, last_updated_timestamp: 1, latest_versions: [version('9'), version('10'), version('2')] };
  expect(latestVersion(model)?.version).toBe('10');
  expect(latestVersion({ ...model, latest_versions: undefined })).toBeUndefined();
});

describe('where the files are', () => {
  it('knows a logged model by its id', () => {
    const id = `m-${'a1'.repeat(16)}`;
    expect(loggedModelOf(`models:/${id}`)).toBe(id);
    expect(loggedModelOf('models:/churn/3')).toBeUndefined();
    expect(loggedModelOf('models:/m-short')).toBeUndefined();
  });

  it('finds the folder below a run', () => {
    expect(pathBelow('mlflow-artifacts:/1/r/artifacts', 'mlflow-artifacts:/1/r/artifacts/model')).toBe('model');
    expect(pathBelow('mlflow-artifacts:/1/r/artifacts', 'mlflow-artifacts:/1/r/artifacts2/model')).toBeUndefined();
  });

  it.each([
    ['mlflow-artifacts:/1/models/m-1/artifacts', '1/models/m-1/artifacts'],
    ['mlflow-artifacts://host:5000/1/models', '1/models'],
    ['s3://bucket/1/models', undefined],
  ])('%s', (location, path) => expect(proxiedPath(location)).toBe(path));
});

it('chooses the metrics that most runs have', () => {
  const run = (...keys: string[]) => ({ metrics: Object.fromEntries(keys.map((key) => [key, 1])) }) as unknown as Run;
  expect(keyMetrics([run('auc', 'f1', 'system/cpu'), run('auc', 'z'), run('auc', 'f1')], 2)).toEqual(['auc', 'f1']);
});
