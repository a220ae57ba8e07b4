// The model registry: MLflow's REST API of it, and what Modelyard has beyond that.
import { client, unwrap, type Schemas } from './client';
import { quote } from '../lib/filter';
import { call, get, mlflowUrl, type KeyValue, type Query } from './mlflow';

export type RegistryEvent = Schemas['RegistryEvent'];
export type Policy = Schemas['Policy'];
export type Check = Schemas['Check'];

export interface ModelVersion {
  name: string;
  version: string;
  creation_timestamp: number;
  last_updated_timestamp: number;
  user_id?: string;
  current_stage: string;
  description?: string;
  source: string;
  run_id?: string;
  status: string;
  status_message?: string;
  tags?: KeyValue[];
  aliases?: string[];
}

/** A name that stands for a version. */
export interface Alias {
  alias: string;
  version: string;
}

export interface RegisteredModel {
  name: string;
  creation_timestamp: number;
  last_updated_timestamp: number;
  description?: string;
  /** The highest version of each stage, without their aliases. */
  latest_versions?: ModelVersion[];
  tags?: KeyValue[];
  aliases?: Alias[];
}

/** The stages of MLflow, in their order. */
export const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const;

const send = <T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body: unknown, reason?: string): Promise<T> =>
  call(method, mlflowUrl(path), { body, reason });

export function searchModels(
  query: { filter?: string; order_by?: string; page_token?: string | undefined; max_results?: number },
  signal?: AbortSignal,
): Promise<{ registered_models?: RegisteredModel[]; next_page_token?: string }> {
  return get('registered-models/search', texts(query), signal);
}

export function searchVersions(
  query: { filter?: string; order_by?: string; page_token?: string | undefined; max_results?: number },
  signal?: AbortSignal,
): Promise<{ model_versions?: ModelVersion[]; next_page_token?: string }> {
  return get('model-versions/search', texts(query), signal);
}

/** The versions of one registered model, the newest first. */
export const versionsOf = (
  name: string,
  page: { page_token?: string | undefined; max_results: number },
  signal?: AbortSignal,
): ReturnType<typeof searchVersions> =>
  searchVersions({ filter: `name = ${quote(name)}`, order_by: 'version_number DESC', ...page }, signal);

/** Enough versions to know where an alias can go and what to compare with. */
const NUMBERS_MAX = 1000;

/** The same by their numbers alone. */
export async function versionNumbers(name: string, signal?: AbortSignal): Promise<string[]> {
  const { model_versions: versions = [] } = await versionsOf(name, { max_results: NUMBERS_MAX }, signal);
  return versions.map(({ version }) => version);
}

function texts(query: Record<string, string | number | undefined>): Query {
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => [key, value === undefined || value === '' ? undefined : String(value)]),
  );
}

export async function getRegisteredModel(name: string, signal?: AbortSignal): Promise<RegisteredModel> {
  return (await get<{ registered_model: RegisteredModel }>('registered-models/get', { name }, signal)).registered_model;
}

export const createModel = (name: string, description = ''): Promise<unknown> =>
  send('POST', 'registered-models/create', { name, description });

export const renameModel = (name: string, newName: string): Promise<unknown> =>
  send('POST', 'registered-models/rename', { name, new_name: newName });

export const describeModel = (name: string, description: string): Promise<unknown> =>
  send('PATCH', 'registered-models/update', { name, description });

export const deleteModel = (name: string, reason: string): Promise<unknown> =>
  send('DELETE', 'registered-models/delete', { name }, reason);

export const setModelTag = (name: string, key: string, value: string): Promise<unknown> =>
  send('POST', 'registered-models/set-tag', { name, key, value });

export const deleteModelTag = (name: string, key: string): Promise<unknown> =>
  send('DELETE', 'registered-models/delete-tag', { name, key });

export const setAlias = (name: string, alias: string, version: string, reason: string): Promise<unknown> =>
  send('POST', 'registered-models/alias', { name, alias, version }, reason);

export const deleteAlias = (name: string, alias: string, reason: string): Promise<unknown> =>
  send('DELETE', 'registered-models/alias', { name, alias }, reason);

export async function createVersion(body: {
  name: string;
  source: string;
  run_id?: string | undefined;
  model_id?: string | undefined;
  description?: string;
}): Promise<ModelVersion> {
  return (await send<{ model_version: ModelVersion }>('POST', 'model-versions/create', body)).model_version;
}

export async function getVersion(name: string, version: string, signal?: AbortSignal): Promise<ModelVersion> {
  return (await get<{ model_version: ModelVersion }>('model-versions/get', { name, version }, signal)).model_version;
}

/** Where the files of a version lie. */
export async function getDownloadUri(name: string, version: string, signal?: AbortSignal): Promise<string> {
  return (await get<{ artifact_uri: string }>('model-versions/get-download-uri', { name, version }, signal)).artifact_uri;
}

export const describeVersion = (name: string, version: string, description: string): Promise<unknown> =>
  send('PATCH', 'model-versions/update', { name, version, description });

export const deleteVersion = (name: string, version: string, reason: string): Promise<unknown> =>
  send('DELETE', 'model-versions/delete', { name, version }, reason);

export const setStage = (version: ModelVersion, stage: string, archive: boolean, reason: string): Promise<unknown> =>
  send(
    'POST',
    'model-versions/transition-stage',
    { name: version.name, version: version.version, stage, archive_existing_versions: archive },
    reason,
  );

export const setVersionTag = (name: string, version: string, key: string, value: string): Promise<unknown> =>
  send('POST', 'model-versions/set-tag', { name, version, key, value });

export const deleteVersionTag = (name: string, version: string, key: string): Promise<unknown> =>
  send('DELETE', 'model-versions/delete-tag', { name, version, key });

export function listEvents(
  query: { name?: string; version?: string | undefined; key?: string | undefined; actions?: string | undefined; page_token?: string | undefined; max_results?: number },
  signal?: AbortSignal,
): Promise<Schemas['RegistryEvents']> {
  return unwrap(client.GET('/api/modelyard/v1/registry/events', { params: { query }, signal }));
}

export async function getPolicies(name: string, signal?: AbortSignal): Promise<Policy[]> {
  const params = { path: { name } };
  return (await unwrap(client.GET('/api/modelyard/v1/registry/models/{name}/policies', { params, signal }))).policies;
}

export function setPolicy(name: string, alias: string, checks: string[], reason: string): Promise<Policy> {
  const params = { path: { name, alias } };
  const body = { checks, reason };
  return unwrap(client.PUT('/api/modelyard/v1/registry/models/{name}/aliases/{alias}/policy', { params, body }));
}

export async function getChecks(name: string, version: string, signal?: AbortSignal): Promise<Check[]> {
  const params = { path: { name, version } };
  return (await unwrap(client.GET('/api/modelyard/v1/registry/models/{name}/versions/{version}/checks', { params, signal }))).checks;
}

export function recordCheck(
  { name, version }: ModelVersion,
  check: string,
  body: Schemas['RecordCheck'],
): Promise<unknown> {
  const params = { path: { name, version, check } };
  return unwrap<unknown>(
    client.PUT('/api/modelyard/v1/registry/models/{name}/versions/{version}/checks/{check}', { params, body }),
  );
}

/** Moves an alias back to a version that it named before: the last of them unless said otherwise. */
export function rollBack(name: string, alias: string, body: Schemas['RollBack']): Promise<Schemas['RolledBack']> {
  const params = { path: { name, alias } };
  return unwrap(client.POST('/api/modelyard/v1/registry/models/{name}/aliases/{alias}/rollback', { params, body }));
}
