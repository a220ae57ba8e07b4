// Deleting and restoring many runs: a few requests at a time, one report at the end.
import { deleteRun, restoreRun } from '../../api/mlflow';

const AT_ONCE = 6;

/** Calls `work` for each id, a few at a time; answers the ids that went through and the first error. */
export async function each(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<{ done: string[]; error: unknown }> {
  const done: string[] = [];
  let error: unknown;
  const waiting = [...ids];
  const worker = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        await work(id);
        done.push(id);
      } catch (cause) {
        error ??= cause;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { done, error };
}

export const deleteRuns = (ids: readonly string[]) => each(ids, deleteRun);

export const restoreRuns = (ids: readonly string[]) => each(ids, restoreRun);
