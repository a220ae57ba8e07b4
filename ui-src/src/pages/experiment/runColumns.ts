// The columns of a runs table: what there is, what is shown, how it sorts. Pure.
import type { Columns, Run } from '../../api/client';
import type { Column, Sort } from '../../components/table/layout';
import { fieldName } from '../../lib/filter';
import { columnFormat, formatDuration, toNumber } from '../../lib/format';
import { absoluteTime } from '../../lib/time';

export type RunColumn = Column<Run>;

/** Columns shown of each kind while the user has not chosen. */
const DEFAULT_SHOWN = 6;
const DEFAULT_TAGS_SHOWN = 3;

const ATTRIBUTES: { key: string; label: string; width: number; order?: string; text: (run: Run) => string }[] = [
  { key: 'created', label: 'Created', width: 120, order: 'start_time', text: (run) => (run.start_time ? absoluteTime(run.start_time) : '') },
  { key: 'duration', label: 'Duration', width: 110, text: (run) => durationOf(run) },
  { key: 'status', label: 'Status', width: 120, order: 'status', text: (run) => run.status },
  { key: 'user', label: 'User', width: 110, order: 'user_id', text: (run) => run.user_id },
  { key: 'source', label: 'Source', width: 160, text: (run) => run.tags['mlflow.source.name'] ?? '' },
  { key: 'run_id', label: 'Run id', width: 260, order: 'run_id', text: (run) => run.run_id },
];

const NAME: RunColumn = {
  id: 'name',
  label: 'Run',
  width: 240,
  pinned: true,
  rowHeader: true,
  sortable: true,
  firstSort: 'asc',
  custom: true,
  text: (run) => run.name,
};

/** A finished run's duration; nothing while it runs. */
export const durationOf = (run: Run): string =>
  run.end_time && run.start_time ? formatDuration(run.end_time - run.start_time) : '';

/** Tags that people set; MLflow's own are offered in the chooser under their full names. */
const isUserTag = (key: string): boolean => !key.startsWith('mlflow.');

/** All ids that can be shown, by group, for the column chooser. */
export function columnGroups(keys: Columns): { label: string; choices: { id: string; label: string }[] }[] {
  const choices = (kind: string, names: string[]) => names.map((name) => ({ id: `${kind}:${name}`, label: name }));
  const tags = [...keys.tags].sort((a, b) => Number(!isUserTag(a)) - Number(!isUserTag(b)));
  return [
    { label: 'Attributes', choices: ATTRIBUTES.map(({ key, label }) => ({ id: `attribute:${key}`, label })) },
    { label: 'Metrics', choices: choices('metric', keys.metrics) },
    { label: 'Parameters', choices: choices('param', keys.params) },
    { label: 'Tags', choices: choices('tag', tags) },
  ].filter((group) => group.choices.length > 0);
}

/** What is shown until the user chooses. */
export function defaultColumns(keys: Columns): string[] {
  const metrics = keys.metrics.filter((key) => !key.startsWith('system/'));
  return [
    'attribute:created',
    'attribute:duration',
    ...metrics.slice(0, DEFAULT_SHOWN).map((key) => `metric:${key}`),
    ...keys.params.slice(0, DEFAULT_SHOWN).map((key) => `param:${key}`),
    ...keys.tags.filter(isUserTag).slice(0, DEFAULT_TAGS_SHOWN).map((key) => `tag:${key}`),
  ];
}

/** The chosen columns, grouped and in a steady order; metrics aligned over the loaded rows. */
export function runColumns(keys: Columns, visible: readonly string[], rows: readonly Run[]): RunColumn[] {
  const shown = new Set(visible);
  const pick = (kind: string, names: string[]) => names.filter((name) => shown.has(`${kind}:${name}`));
  return [
    NAME,
    ...ATTRIBUTES.filter(({ key }) => shown.has(`attribute:${key}`)).map(({ key, order, ...rest }): RunColumn => ({
      id: `attribute:${key}`,
      sortable: order !== undefined,
      firstSort: key === 'created' ? 'desc' : 'asc',
      align: key === 'duration' ? 'end' : undefined,
      custom: key !== 'user',
      ...rest,
    })),
    ...pick('metric', keys.metrics).map((key) => metricColumn(key, rows)),
    ...pick('param', keys.params).map((key) => paramColumn(key, rows)),
    ...pick('tag', keys.tags).map((key) => textColumn('tag', 'Tags', key, (run) => run.tags[key] ?? '')),
  ];
}

function metricColumn(key: string, rows: readonly Run[]): RunColumn {
  const format = columnFormat(rows.map((run) => toNumber(run.metrics[key])));
  return {
    id: `metric:${key}`,
    label: key,
    group: 'Metrics',
    title: (run) => (run.metrics[key] === undefined ? '' : String(run.metrics[key])),
    width: widthFor(key, 104),
    align: 'end',
    sortable: true,
    firstSort: 'desc',
    text: (run) => {
      const value = toNumber(run.metrics[key]);
      return value === undefined ? '' : format(value);
    },
  };
}

function paramColumn(key: string, rows: readonly Run[]): RunColumn {
  const values = rows.map((run) => run.params[key]).filter((value) => value !== undefined && value !== '');
  const numeric = values.length > 0 && values.every((value) => !Number.isNaN(Number(value)) || value === 'None');
  return { ...textColumn('param', 'Parameters', key, (run) => run.params[key] ?? ''), align: numeric ? 'end' : undefined };
}

function textColumn(kind: string, group: string, key: string, text: (run: Run) => string): RunColumn {
  return { id: `${kind}:${key}`, label: key, group, width: widthFor(key, 92), sortable: true, firstSort: 'asc', text };
}

/** Room for the name, within limits: long names often differ at their ends only. */
const widthFor = (label: string, least: number): number => Math.round(Math.max(least, Math.min(250, label.length * 6.6 + 40)));

/** `order_by` of the API for a sorted column. */
export function orderBy(sort: Sort | undefined): string[] {
  if (!sort) return [];
  const direction = sort.desc ? 'DESC' : 'ASC';
  const colon = sort.id.indexOf(':');
  const [kind, key] = [sort.id.slice(0, colon), sort.id.slice(colon + 1)];
  if (sort.id === 'name') return [`attributes.run_name ${direction}`];
  if (kind === 'metric') return [`${fieldName('metrics', key)} ${direction}`];
  if (kind === 'param') return [`${fieldName('params', key)} ${direction}`];
  if (kind === 'tag') return [`${fieldName('tags', key)} ${direction}`];
  const order = ATTRIBUTES.find((attribute) => attribute.key === key)?.order;
  return order === undefined ? [] : [`attributes.${order} ${direction}`];
}
