// The MLmodel file in a model's folder.
import { parseMlModel, type MlModel } from '../lib/mlmodel';
import { TEXT_LIMIT_BYTES } from '../lib/preview';
import { readTextHead } from './readText';

/** Reads the MLmodel file at an address, as far as a preview would. */
export async function readMlModel(url: string, signal: AbortSignal): Promise<MlModel> {
  return parseMlModel((await readTextHead(url, { size: undefined, limit: TEXT_LIMIT_BYTES, signal })).text);
}
