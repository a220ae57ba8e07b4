// The part of MLflow's REST API that the pages use. Field names are MLflow's.
import { authorship } from './actor.svelte';
import { errorFrom, reach } from './error';

export interface KeyValue {
  key: string;
  value: string;
}

export interface ExperimentInfo {
  experiment_id: string;
  name: string;
  artifact_location: string;
  lifecycle_stage: 'active' | 'deleted';
  creation_time?: number;
  last_update_time?: number;
  tags?: KeyValue[];
}

export interface RunInfo {
  run_id: string;
  experiment_id: string;
  run_name: string;
  user_id: string;
  status: string;
  start_time: number;
  end_time?: number;
  artifact_uri: string;
  lifecycle_stage: 'active' | 'deleted';
}

export interface DatasetInput {
  tags?: KeyValue[];
  dataset: {
    name: string;
    digest: string;
    source_type: string;
    source: string;
    schema?: string;
    profile?: string;
  };
}

export interface RunDetail {
  info: RunInfo;
  data: { params?: KeyValue[]; tags?: KeyValue[] };
  inputs?: { dataset_inputs?: DatasetInput[]; model_inputs?: { model_id: string }[] };
  outputs?: { model_outputs?: { model_id: string; step?: number }[] };
}

export interface ModelMetric {
  key: string;
  value: number | string;
  timestamp: number;
  step: number;
  dataset_name?: string;
  dataset_digest?: string;
}

export interface LoggedModel {
  info: {
    model_id: string;
    experiment_id: string;
    name: string;
    creation_timestamp_ms: number;
    last_updated_timestamp_ms: number;
    artifact_uri: string;
    status: string;
    model_type?: string;
    source_run_id?: string;
    tags?: KeyValue[];
  };
  data?: { params?: KeyValue[]; metrics?: ModelMetric[] };
}

export interface FileInfo {
  path: string;
  is_dir: boolean;
  file_size?: number;
}

export type Query = Record<string, string | undefined>;

/** An address below MLflow's API, relative to the server's root. */
export function mlflowUrl(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const search = new URLSearchParams(pairs).toString();
  return new URL(`ajax-api/2.0/mlflow/${path}${search ? `?${search}` : ''}`, document.baseURI).href;
}

interface Asked {
  body?: unknown;
  /** Why something is changed; kept in the audit trail. */
  reason?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Calls an address of MLflow's API and reads its JSON. */
export async function call<T>(method: string, url: string, { body, reason, signal }: Asked = {}): Promise<T> {
  const init: RequestInit = { method, signal: signal ?? null };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json', ...authorship(reason) };
    init.body = JSON.stringify(body);
  }
  const answer = await reach(url, init);
  const text = await answer.text();
  const json: unknown = parse(text);
  if (!answer.ok) throw errorFrom(answer.status, json);
  return json as T;
}

function parse(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Asks a path below MLflow's API. */
export const get = <T>(path: string, query: Query, signal?: AbortSignal): Promise<T> =>
  call('GET', mlflowUrl(path, query), { signal });

const post = <T>(path: string, body: unknown): Promise<T> => call('POST', mlflowUrl(path), { body });

export async function getExperiment(experimentId: string, signal?: AbortSignal): Promise<ExperimentInfo> {
  const query = { experiment_id: experimentId };
  return (await get<{ experiment: ExperimentInfo }>('experiments/get', query, signal)).experiment;
}

export async function createExperiment(name: string): Promise<string> {
  return (await post<{ experiment_id: string }>('experiments/create', { name })).experiment_id;
}

export const renameExperiment = (experimentId: string, name: string): Promise<unknown> =>
  post('experiments/update', { experiment_id: experimentId, new_name: name });

export const deleteExperiment = (experimentId: string): Promise<unknown> =>
  post('experiments/delete', { experiment_id: experimentId });

export const restoreExperiment = (experimentId: string): Promise<unknown> =>
  post('experiments/restore', { experiment_id: experimentId });

export const setExperimentTag = (experimentId: string, key: string, value: string): Promise<unknown> =>
  post('experiments/set-experiment-tag', { experiment_id: experimentId, key, value });

export async function getRun(runId: string, signal?: AbortSignal): Promise<RunDetail> {
  return (await get<{ run: RunDetail }>('runs/get', { run_id: runId }, signal)).run;
}

export const deleteRun = (runId: string): Promise<unknown> => post('runs/delete', { run_id: runId });

export const restoreRun = (runId: string): Promise<unknown> => post('runs/restore', { run_id: runId });

export const renameRun = (runId: string, name: string): Promise<unknown> =>
  post('runs/update', { run_id: runId, run_name: name });

export const setTag = (runId: string, key: string, value: string): Promise<unknown> =>
  post('runs/set-tag', { run_id: runId, key, value });

export const deleteTag = (runId: string, key: string): Promise<unknown> =>
  post('runs/delete-tag', { run_id: runId, key });

export async function getModel(modelId: string, signal?: AbortSignal): Promise<LoggedModel> {
  return (await get<{ model: LoggedModel }>(`logged-models/${encodeURIComponent(modelId)}`, {}, signal)).model;
}

/** The files of a run, or of a logged model, one folder at a time. */
export interface ArtifactSource {
  list(path: string, signal?: AbortSignal): Promise<FileInfo[]>;
  url(path: string): string;
}

export function runArtifacts(runId: string): ArtifactSource {
  return {
    async list(path, signal) {
      const query = { run_id: runId, path: path || undefined };
      return (await get<{ files?: FileInfo[] }>('artifacts/list', query, signal)).files ?? [];
    },
    url: (path) => mlflowUrl('get-artifact', { run_id: runId, path }),
  };
}

export function modelArtifacts(modelId: string): ArtifactSource {
  const base = `logged-models/${encodeURIComponent(modelId)}/artifacts`;
  return {
    async list(path, signal) {
      const query = { artifact_directory_path: path || undefined };
      return (await get<{ files?: FileInfo[] }>(`${base}/directories`, query, signal)).files ?? [];
    },
    url: (path) => mlflowUrl(`${base}/files`, { artifact_file_path: path }),
  };
}
