// Addresses and what they mean. Pure; paths are relative to <base href> and have no leading slash.

export const RUN_TABS = ['overview', 'metrics', 'artifacts'] as const;
export type RunTab = (typeof RUN_TABS)[number];

export const REGISTERED_TABS = ['versions', 'history'] as const;
export type RegisteredTab = (typeof REGISTERED_TABS)[number];

export const VERSION_TABS = ['overview', 'artifacts', 'history'] as const;
export type VersionTab = (typeof VERSION_TABS)[number];

export type Route =
  | { page: 'experiments' }
  | { page: 'experiment'; experimentId: string }
  | { page: 'run'; experimentId: string | undefined; runId: string; tab: RunTab }
  | { page: 'model'; experimentId: string; modelId: string }
  | { page: 'models' }
  | { page: 'registered'; name: string; tab: RegisteredTab }
  | { page: 'version'; name: string; version: string; tab: VersionTab }
  | { page: 'compare'; name: string }
  | { page: 'trash' }
  | { page: 'webhooks' }
  | { page: 'webhook'; webhookId: string }
  | { page: 'unknown'; path: string };

/** The route of a path such as `experiments/1/runs/8f3c/metrics`. */
export function parseRoute(path: string): Route {
  const parts = path.split('/').filter((part) => part !== '').map(decode);
  const [first, experimentId, kind, id, tab, more] = parts;
  if (first === undefined || (first === 'experiments' && experimentId === undefined)) return { page: 'experiments' };
  if (first === 'models') return registryRoute(parts.slice(1)) ?? { page: 'unknown', path };
  if (first === 'trash' && parts.length === 1) return { page: 'trash' };
  if (first === 'webhooks' && parts.length === 1) return { page: 'webhooks' };
  if (first === 'webhooks' && experimentId !== undefined && parts.length === 2) return { page: 'webhook', webhookId: experimentId };
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

/** `models`, `models/churn/history`, `models/churn/versions/3/artifacts`, as MLflow's pages have it, too. */
function registryRoute([name, kind, version, tab, more]: string[]): Route | undefined {
  if (name === undefined) return { page: 'models' };
  if (kind === undefined || (kind === 'versions' && version === undefined)) return { page: 'registered', name, tab: 'versions' };
  if (kind === 'compare' && version === undefined) return { page: 'compare', name };
  if (kind === 'history' && version === undefined) return { page: 'registered', name, tab: 'history' };
  const found = tab === undefined ? 'overview' : VERSION_TABS.find((each) => each === tab);
  if (kind !== 'versions' || version === undefined || found === undefined || more !== undefined) return undefined;
  return { page: 'version', name, version, tab: found };
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
    case 'registered':
      return `models/${part(route.name)}${route.tab === 'versions' ? '' : `/${route.tab}`}`;
    case 'version':
      return `models/${part(route.name)}/versions/${part(route.version)}${route.tab === 'overview' ? '' : `/${route.tab}`}`;
    case 'compare':
      return `models/${part(route.name)}/compare`;
    case 'models':
    case 'trash':
    case 'webhooks':
      return route.page;
    case 'webhook':
      return `webhooks/${part(route.webhookId)}`;
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
