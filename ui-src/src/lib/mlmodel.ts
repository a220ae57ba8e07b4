// What an MLmodel file says of a model: its signature, its flavors. It is YAML as MLflow writes it, of which this
// reads the few keys that the pages show. Pure.

/** One input, output or parameter of a model. */
export interface SignatureField {
  name: string;
  type: string;
  required: boolean;
  /** What a parameter is if nobody says; absent for inputs and outputs. */
  fallback?: string;
}

export interface Signature {
  inputs: SignatureField[];
  outputs: SignatureField[];
  params: SignatureField[];
}

export interface MlModel {
  signature: Signature | undefined;
  flavors: string[];
  mlflowVersion: string | undefined;
  sizeBytes: number | undefined;
}

/** Reads the text of an MLmodel file; what it does not say is absent. */
export function parseMlModel(text: string): MlModel {
  const top = children(text.split(/\r?\n/), 0);
  const signature = top.get('signature');
  const size = Number(scalar(top.get('model_size_bytes')) ?? NaN);
  return {
    signature: signature && parseSignature(children(signature, 2)),
    flavors: [...children(top.get('flavors') ?? [], 2).keys()],
    mlflowVersion: scalar(top.get('mlflow_version')),
    sizeBytes: Number.isFinite(size) ? size : undefined,
  };
}

/** The keys at one depth, each with its lines: the rest of its own, and the deeper ones below. */
function children(lines: string[], indent: number): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of lines) {
    const depth = line.search(/\S/);
    const key = depth === indent ? /^\s*([\w.-]+):(?:\s(.*))?$/.exec(line) : null;
    if (key?.[1] !== undefined) {
      current = [key[2] ?? ''];
      found.set(key[1], current);
    } else if (depth < 0 || depth > indent) current?.push(line);
    else current = undefined;
  }
  return found;
}

/** A plain or quoted text, which YAML may have broken over several lines. */
function scalar(lines: string[] | undefined): string | undefined {
  if (!lines) return undefined;
  const folded = fold(lines.map((line) => line.trim()));
  if (folded === '' || folded === 'null' || folded === '~') return undefined;
  if (folded.startsWith("'")) return folded.slice(1, -1).replaceAll("''", "'");
  if (folded.startsWith('"')) return unescape(folded);
  return folded;
}

/** A line break inside a text is a space, an empty line is a line break. */
function fold(lines: string[]): string {
  let out = '';
  let breaks = 0;
  lines.forEach((line, i) => {
    if (line === '' && i > 0) breaks += 1;
    else {
      const joined = breaks > 0 ? '\n'.repeat(breaks) : i > 0 && !out.endsWith('\\') ? ' ' : '';
      if (i > 0 && out.endsWith('\\')) out = out.slice(0, -1);
      out += joined + line;
      breaks = 0;
    }
  });
  return out;
}

/** Double-quoted YAML, as far as its escapes are JSON's or a plain character's. */
function unescape(quoted: string): string {
  const inside = quoted.slice(1, quoted.endsWith('"') ? -1 : undefined);
  return inside.replace(/\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)/g, (_, code: string) => {
    if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { n: '\n', t: '\t', r: '\r', '0': '\0' }[code] ?? code;
  });
}

type Json = Record<string, unknown>;

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

function parseSignature(parts: Map<string, string[]>): Signature | undefined {
  const read = (key: string, field: (entry: Json, at: number) => SignatureField): SignatureField[] => {
    try {
      const entries: unknown = JSON.parse(scalar(parts.get(key)) ?? '[]');
      return Array.isArray(entries) ? entries.filter(isRecord).map(field) : [];
    } catch {
      return [];
    }
  };
  const signature = { inputs: read('inputs', column), outputs: read('outputs', column), params: read('params', param) };
  return Object.values(signature).some((fields) => fields.length > 0) ? signature : undefined;
}

function column(entry: Json, at: number): SignatureField {
  const name = typeof entry.name === 'string' ? entry.name : at === 0 ? '' : String(at);
  return { name, type: typeOf(entry), required: entry.required !== false };
}

function param(entry: Json): SignatureField {
  const shape = Array.isArray(entry.shape) ? `(${entry.shape.join(', ')})` : '';
  const type = String(entry.dtype ?? entry.type ?? '');
  return { name: String(entry.name ?? ''), type: type + shape, required: false, fallback: literal(entry.default) };
}

const literal = (value: unknown): string => (value === undefined || value === null ? 'None' : typeof value === 'string' ? value : JSON.stringify(value));

/** A type as one short text: `double`, `tensor float64 (-1, 28, 28)`, `array<string>`, `{city: string, zip?: long}`. */
function typeOf(entry: Json): string {
  const { type, items, properties, values } = entry;
  const tensor = entry['tensor-spec'];
  if (type === 'tensor' && isRecord(tensor)) {
    return `tensor ${String(tensor.dtype)} (${Array.isArray(tensor.shape) ? tensor.shape.join(', ') : ''})`;
  }
  if (type === 'array' && isRecord(items)) return `array<${typeOf(items)}>`;
  if (type === 'map' && isRecord(values)) return `map<${typeOf(values)}>`;
  if (type === 'object' && isRecord(properties)) {
    const fields = Object.entries(properties).filter((pair): pair is [string, Json] => isRecord(pair[1]));
    return `{${fields.map(([name, field]) => `${name}${field.required === false ? '?' : ''}: ${typeOf(field)}`).join(', ')}}`;
  }
  return String(type ?? '');
}
