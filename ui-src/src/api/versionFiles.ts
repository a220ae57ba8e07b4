// The files of a model version, wherever they lie.
import { call, getRun, modelArtifacts, runArtifacts, type ArtifactSource, type FileInfo } from './mlflow';
import type { ModelVersion } from './registry';
import { baseName } from '../lib/format';
import { loggedModelOf, pathBelow, proxiedPath } from '../lib/versions';

/** The address of one file of a version. */
export function versionFileUrl(version: ModelVersion, path: string): string {
  const query = new URLSearchParams({ name: version.name, version: version.version, path });
  return new URL(`model-versions/get-artifact?${query.toString()}`, document.baseURI).href;
}

/**
 * The files of a version for the browser of artifacts. MLflow's API lists those of runs, logged models and its own
 * store; nothing where the version's lie elsewhere.
 */
export async function versionFiles(version: ModelVersion, location: string, signal: AbortSignal): Promise<ArtifactSource | undefined> {
  const list = await listing(version, location, signal);
  return list && { list, url: (path) => versionFileUrl(version, path) };
}

async function listing(version: ModelVersion, location: string, signal: AbortSignal): Promise<ArtifactSource['list'] | undefined> {
  const proxied = proxiedPath(location);
  if (proxied !== undefined) return (path, abort) => listProxied(proxied, path, abort);
  const modelId = loggedModelOf(version.source);
  if (modelId !== undefined) return modelArtifacts(modelId).list;
  const run = version.run_id ? await getRun(version.run_id, signal).catch(() => undefined) : undefined;
  const folder = run && pathBelow(run.info.artifact_uri, location);
  return run && folder !== undefined ? listBelow(runArtifacts(run.info.run_id), folder) : undefined;
}

async function listProxied(root: string, path: string, signal?: AbortSignal): Promise<FileInfo[]> {
  const query = new URLSearchParams({ path: path ? `${root}/${path}` : root });
  const url = new URL(`ajax-api/2.0/mlflow-artifacts/artifacts?${query.toString()}`, document.baseURI).href;
  const { files = [] } = await call<{ files?: FileInfo[] }>('GET', url, { signal });
  return files.map((file) => ({ ...file, path: path ? `${path}/${baseName(file.path)}` : baseName(file.path) }));
}

/** The same files, with their paths counted from a folder. */
function listBelow(source: ArtifactSource, folder: string): ArtifactSource['list'] {
  return async (path, signal) => {
    const files = await source.list(path ? `${folder}/${path}` : folder, signal);
    return files.map((file) => ({ ...file, path: pathBelow(folder, file.path) ?? file.path }));
  };
}
