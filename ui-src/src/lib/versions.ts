// Versions of registered models: which is the newest, where their files are, which figures to show. Pure.
import type { Run } from '../api/client';
import type { RegisteredModel, ModelVersion } from '../api/registry';

/** The version with the highest number, of those that the model's record has. */
export const latestVersion = (model: RegisteredModel): ModelVersion | undefined =>
  (model.latest_versions ?? []).reduce<ModelVersion | undefined>(
    (best, version) => (best && Number(best.version) > Number(version.version) ? best : version),
    undefined,
  );

/** The logged model that a version was made from, where its source names one: `models:/m-…`. */
export const loggedModelOf = (source: string): string | undefined => /^models:\/(m-[0-9a-f]{32})\/?$/.exec(source)?.[1];

/** The path of a version's files below those of its run; nothing where they lie elsewhere. */
export function pathBelow(root: string, location: string): string | undefined {
  const start = root.endsWith('/') ? root : `${root}/`;
  return location.startsWith(start) ? location.slice(start.length).replace(/\/$/, '') : undefined;
}

/** The path behind `mlflow-artifacts:/1/models/m-1/artifacts`, for the server's own artifact store. */
export const proxiedPath = (location: string): string | undefined => /^mlflow-artifacts:\/(?:\/[^/]*\/)?([^/].*)$/.exec(location)?.[1];

/** The metrics that most of the runs have, at most `max`; of equally common ones those that come first by name. */
export function keyMetrics(runs: Iterable<Run>, max: number): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const key of Object.keys(run.metrics)) {
      if (!key.startsWith('system/')) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .slice(0, max)
    .map(([key]) => key);
}
