// What was deleted: experiments, runs and logged models.
import { client, unwrap, type Schemas } from './client';

export type Deleted = Schemas['Deleted'];
export type TrashKind = Schemas['Kind'];

export function listTrash(
  query: { kind: TrashKind; experiment_id?: string | undefined; page_token?: string | undefined; max_results?: number },
  signal?: AbortSignal,
): Promise<Schemas['Trash']> {
  return unwrap(client.GET('/api/modelyard/v1/trash', { params: { query }, signal }));
}

export const restoreFromTrash = ({ kind, id }: Deleted): Promise<unknown> =>
  unwrap<unknown>(client.POST('/api/modelyard/v1/trash/restore', { body: { kind, id } }));

/** Removes something for good, with its artifacts. What must be said of these is said in `how`. */
export function deleteFromTrash(
  { kind, id }: Deleted,
  how: { leave_unreachable_artifacts?: boolean; even_if_registered?: boolean },
): Promise<unknown> {
  const params = { path: { kind, id }, query: how };
  return unwrap<unknown>(client.DELETE('/api/modelyard/v1/trash/{kind}/{id}', { params }));
}
