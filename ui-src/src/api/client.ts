// Modelyard's own API, typed from its OpenAPI document.
import createClient from 'openapi-fetch';
import { authorship } from './actor.svelte';
import { errorFrom, reach } from './error';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type ServerInfo = Schemas['Server'];
export type Experiment = Schemas['Experiment'];
export type Run = Schemas['Run'];
export type Columns = Schemas['Columns'];
export type MetricSummary = Schemas['MetricSummary'];
export type Change = Schemas['Change'];
export type View = Schemas['View'];
export type SearchRuns = Schemas['SearchRuns'];

/** The server's address as clients take it, where `<base href>` points: without the slash at its end. */
export const serverAddress = (): string => new URL('.', document.baseURI).href.replace(/\/$/, '');

export const client = createClient<paths>({
  baseUrl: serverAddress(),
  fetch: (request) => {
    if (request.method !== 'GET') {
      for (const [name, value] of Object.entries(authorship())) request.headers.set(name, value);
    }
    return reach(request);
  },
});

/** The answer's data, or its error thrown. */
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer;
  if (data === undefined) throw errorFrom(response.status, error);
  return data;
}

export const getServer = (): Promise<ServerInfo> => unwrap(client.GET('/api/modelyard/v1/server'));

export function listExperiments(
  query: { view?: View; filter?: string; page_token?: string; max_results?: number },
  signal?: AbortSignal,
): Promise<Schemas['Experiments']> {
  return unwrap(client.GET('/api/modelyard/v1/experiments', { params: { query }, signal }));
}

export function getColumns(experimentId: string, signal?: AbortSignal): Promise<Columns> {
  const params = { path: { experiment_id: experimentId } };
  return unwrap(client.GET('/api/modelyard/v1/experiments/{experiment_id}/columns', { params, signal }));
}

export function searchRuns(body: SearchRuns, signal?: AbortSignal): Promise<Schemas['Runs']> {
  return unwrap(client.POST('/api/modelyard/v1/runs/search', { body, signal }));
}

export async function listMetrics(runId: string, signal?: AbortSignal): Promise<MetricSummary[]> {
  const params = { path: { run_id: runId } };
  return (await unwrap(client.GET('/api/modelyard/v1/runs/{run_id}/metrics', { params, signal }))).metrics;
}

export function getPoints(
  runId: string,
  query: { key: string; max_points?: number; start_step?: number; end_step?: number },
  signal?: AbortSignal,
): Promise<Schemas['Points']> {
  const params = { path: { run_id: runId }, query };
  return unwrap(client.GET('/api/modelyard/v1/runs/{run_id}/metrics/points', { params, signal }));
}
