import { listMetrics, type MetricSummary } from '../../api/client';
import { getRun, type RunDetail } from '../../api/mlflow';
import { readMlModel } from '../../api/mlModelFile';
import { getChecks, getVersion, type Check, type ModelVersion } from '../../api/registry';
import { versionFileUrl } from '../../api/versionFiles';
import type { MlModel } from '../../lib/mlmodel';

/** All that is compared of one version. Its run and its file may be gone or out of reach. */
export interface Side {
  version: ModelVersion;
  checks: Check[];
  file: MlModel | undefined;
  run: RunDetail | undefined;
  metrics: MetricSummary[];
}

export async function readSide(name: string, number: string, signal: AbortSignal): Promise<Side> {
  const version = await getVersion(name, number, signal);
  const runId = version.run_id;
  const [checks, file, run, metrics] = await Promise.all([
    getChecks(name, number, signal),
    known(readMlModel(versionFileUrl(version, 'MLmodel'), signal)),
    runId ? known(getRun(runId, signal)) : undefined,
    runId ? known(listMetrics(runId, signal)) : undefined,
  ]);
  return { version, checks, file, run, metrics: metrics ?? [] };
}

const known = <T>(answer: Promise<T>): Promise<T | undefined> => answer.catch(() => undefined);
