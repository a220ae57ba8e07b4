// What MLflow's dataset descriptions say. Profile, schema and source are JSON by custom, not by rule. Pure.
import { formatCount } from './format';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = text ? JSON.parse(text) : {};
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** "48,210 rows" of a table, "331 × 10" of an array, nothing when the profile says neither. */
export function datasetShape(profile: string | undefined): string {
  const { num_rows: rows, features_shape: shape, shape: plain } = parse(profile);
  if (typeof rows === 'number') return `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`;
  const sizes = Array.isArray(shape) ? shape : plain;
  if (!Array.isArray(sizes) || !sizes.every((size) => typeof size === 'number')) return '';
  return sizes.map(formatCount).join(' × ');
}

/** The columns of a table's schema. */
export function datasetFields(schema: string | undefined): { name: string; type: string }[] {
  const columns = parse(schema).mlflow_colspec;
  if (!Array.isArray(columns)) return [];
  return columns.filter(isRecord).map(({ name, type }) => ({ name: String(name ?? ''), type: String(type ?? '') }));
}

/** Where the data came from, when the source names an address or a path. */
export function datasetOrigin(source: string | undefined): string {
  const { uri, url, path } = parse(source);
  return [uri, url, path].find((value): value is string => typeof value === 'string' && value !== '') ?? '';
}
