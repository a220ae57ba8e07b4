// The runs that versions were made from: the registry keeps their ids alone, the table shows names and figures.
import { searchRuns, type Run } from '../../api/client';
import { ApiError } from '../../api/error';
import { getRun } from '../../api/mlflow';
import { quote } from '../../lib/filter';

/** Each round asks for one more experiment; versions of one model come from few. */
const EXPERIMENTS_MAX = 12;

/** As many ids as a filter may comfortably hold. */
const IDS_AT_ONCE = 200;

/** The runs of these ids, as far as they are still there. */
export async function readRuns(ids: readonly string[], signal: AbortSignal): Promise<Map<string, Run>> {
  const found = new Map<string, Run>();
  let missing = [...new Set(ids)];
  for (let round = 0; round < EXPERIMENTS_MAX && missing.length > 0; round += 1) {
    const [first = ''] = missing;
    const experimentId = await experimentOf(first, signal);
    if (experimentId !== undefined) {
      const wanted = missing.slice(0, IDS_AT_ONCE);
      const filter = `attributes.run_id IN (${wanted.map(quote).join(', ')})`;
      const body = { experiment_ids: [experimentId], filter, view: 'all' as const, max_results: IDS_AT_ONCE };
      for (const run of (await searchRuns(body, signal)).runs) found.set(run.run_id, run);
    }
    missing = missing.filter((id) => id !== first && !found.has(id));
  }
  return found;
}

/** A version may outlive its run. */
async function experimentOf(runId: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await getRun(runId, signal)).info.experiment_id;
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) return undefined;
    throw error;
  }
}
