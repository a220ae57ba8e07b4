// Addresses and what they mean. Pure; paths are relative to <base href> and have no leading slash.

export const RUN_TABS = ['overview', 'metrics', 'artifacts'] as const;
export type RunTab = (typeof RUN_TABS)[number];

export type Route =
  | { page: 'experiments' }
  | { page: 'experiment'; experimentId: string }
  | { page: 'run'; experimentId: string | undefined; runId: string; tab: RunTab }
  | { page: 'model'; experimentId: string; modelId: string }
  | { page: 'unknown'; path: string };

/** The route of a path such as `experiments/1/runs/8f3c/metrics`. */
export function parseRoute(path: string): Route {
  const parts = path.split('/').filter((part) => part !== '').map(decode);
  const [first, experimentId, kind, id, tab, more] = parts;
  if (first === undefined || (first === 'experiments' && experimentId === undefined)) return { page: 'experiments' };
  if (first === 'runs' && experimentId !== undefined && parts.length <= 3) {
    return { page: 'run', experimentId: undefined, runId: experimentId, tab: runTab(kind) };
  }
  if (first === 'experiments' && experimentId !== undefined && more === undefined) {
    if (kind === undefined || (kind === 'runs' && id === undefined)) return { page: 'experiment', experimentId };
    if (kind === 'runs' && id !== undefined) return { page: 'run', experimentId, runId: id, tab: runTab(tab) };
    if (kind === 'models' && id !== undefined && tab === undefined) return { page: 'model', experimentId, modelId: id };
  }
  return { page: 'unknown', path };
}

/** The path of a route. */
export function pathOf(route: Exclude<Route, { page: 'unknown' }>): string {
  const part = encodeURIComponent;
  switch (route.page) {
    case 'experiments':
      return 'experiments';
    case 'experiment':
      return `experiments/${part(route.experimentId)}`;
    case 'run': {
      const tab = route.tab === 'overview' ? '' : `/${route.tab}`;
      if (route.experimentId === undefined) return `runs/${part(route.runId)}${tab}`;
      return `experiments/${part(route.experimentId)}/runs/${part(route.runId)}${tab}`;
    }
    case 'model':
      return `experiments/${part(route.experimentId)}/models/${part(route.modelId)}`;
  }
}

/**
 * The path behind an address of MLflow's own pages, which Python clients print after each run
 * (`/#/experiments/1/runs/8f3c/artifacts/model`); nothing for other fragments.
 */
export function pathOfMlflowHash(hash: string): string | undefined {
  if (!hash.startsWith('#/')) return undefined;
  const [path = ''] = hash.slice(2).split('?');
  const [first, experimentId, kind, id, tab] = path.split('/').map(decode);
  if (first !== 'experiments' || !experimentId) return first === '' || first === 'experiments' ? 'experiments' : path;
  if (kind === 'runs' && id) return pathOf({ page: 'run', experimentId, runId: id, tab: runTab(tab) });
  if (kind === 'models' && id) return pathOf({ page: 'model', experimentId, modelId: id });
  return pathOf({ page: 'experiment', experimentId });
}

function runTab(name: string | undefined): RunTab {
  if (name === 'model-metrics' || name === 'system-metrics') return 'metrics';
  return RUN_TABS.find((tab) => tab === name) ?? 'overview';
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
