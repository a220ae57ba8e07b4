// Deleting and restoring many runs.
import { deleteRun, restoreRun } from '../../api/mlflow';
import { each } from '../../lib/each';

export const deleteRuns = (ids: readonly string[]) => each(ids, deleteRun);

export const restoreRuns = (ids: readonly string[]) => each(ids, restoreRun);
