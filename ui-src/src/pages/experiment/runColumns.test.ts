import { describe, expect, it } from 'vitest';
import type { Run } from '../../api/client';
import { columnGroups, defaultColumns, orderBy, runColumns } from './runColumns';

const KEYS = { metrics: ['rmse', 'system/cpu', 'val/loss'], params: ['depth', 'model'], tags: ['mlflow.user', 'stage'] };

const run = (metrics: Run['metrics'], params: Run['params'] = {}): Run => ({
  run_id: 'r',
  experiment_id: '1',
  name: 'n',
  status: 'FINISHED',
  user_id: 'u',
  start_time: 1_000,
  end_time: 3_000,
  lifecycle_stage: 'active',
  artifact_uri: '',
  metrics,
  params,
  tags: {},
});

describe('runColumns', () => {
  it('shows what is chosen, in a steady order', () => {
    const ids = runColumns(KEYS, ['tag:stage', 'param:depth', 'metric:rmse', 'metric:gone'], []).map(({ id }) => id);
    expect(ids).toEqual(['name', 'metric:rmse', 'param:depth', 'tag:stage']);
  });

  it('aligns a metric over all rows and leaves a missing value empty', () => {
    const rows = [run({ rmse: 0.5 }), run({ rmse: 'NaN' }), run({}), run({ rmse: 0.12345 })];
    const column = runColumns(KEYS, ['metric:rmse'], rows)[1];
    expect(rows.map((row) => column?.text(row))).toEqual(['0.5000', 'NaN', '', '0.1235']);
  });

  it('sets numbers among the parameters to the right', () => {
    const rows = [run({}, { depth: '3', model: 'forest' }), run({}, { depth: 'None', model: '1' })];
    const [, depth, model] = runColumns(KEYS, ['param:depth', 'param:model'], rows);
    expect([depth?.align, model?.align]).toEqual(['end', undefined]);
  });

  it('offers people’s tags before MLflow’s', () => {
    expect(columnGroups(KEYS).at(-1)?.choices.map(({ label }) => label)).toEqual(['stage', 'mlflow.user']);
  });

  it('shows figures, settings and people’s tags at first', () => {
    expect(defaultColumns(KEYS).slice(2)).toEqual(['metric:rmse', 'metric:val/loss', 'param:depth', 'param:model', 'tag:stage']);
  });
});

describe('sorting', () => {
  it.each([
    ['name', 'attributes.run_name ASC'],
    ['metric:val/loss', 'metrics.`val/loss` ASC'],
    ['param:a:b', 'params.`a:b` ASC'],
    ['attribute:created', 'attributes.start_time ASC'],
  ])('%s', (id, order) => expect(orderBy({ id, desc: false })).toEqual([order]));

  it('is nothing for what the server cannot sort by', () => {
    expect(orderBy({ id: 'attribute:duration', desc: true })).toEqual([]);
    expect(orderBy(undefined)).toEqual([]);
  });
});
