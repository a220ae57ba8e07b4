import { describe, expect, it } from 'vitest';
import { parseMlModel } from './mlmodel';

const FILE = `artifact_path: mlflow-artifacts:/1/models/m-1/artifacts
flavors:
  python_function:
    env:
      conda: conda.yaml
    loader_module: mlflow.sklearn
  sklearn:
    code: null
mlflow_version: 3.17.2
model_size_bytes: 872
signature:
  inputs: '[{"type": "double", "name": "amount", "required": true}, {"type": "long",
    "name": "the card''s age", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: '[{"name": "threshold", "default": 0.5, "shape": null, "type": "double"}]'
type_hint: null
utc_time_created: '2026-11-24 10:00:00.000000'
`;

describe('parseMlModel', () => {
  it('reads the signature, though YAML breaks its lines', () => {
    expect(parseMlModel(FILE).signature).toEqual({
      inputs: [
        { name: 'amount', type: 'double', required: true },
        { name: "the card's age", type: 'long', required: false },
      ],
      outputs: [{ name: '', type: 'tensor int64 (-1)', required: true }],
      params: [{ name: 'threshold', type: 'double', required: false, fallback: '0.5' }],
    });
  });

  it('reads flavors, version and size', () => {
    const { flavors, mlflowVersion, sizeBytes } = parseMlModel(FILE);
    expect([flavors, mlflowVersion, sizeBytes]).toEqual([['python_function', 'sklearn'], '3.17.2', 872]);
  });

  it('names nested types', () => {
    const type =
      '[{"type": "object", "name": "who", "properties": {"tags": {"type": "array", "items": {"type": "string"}}, "zip": {"type": "long", "required": false}}}]';
    expect(parseMlModel(`signature:\n  inputs: '${type}'\n`).signature?.inputs[0]?.type).toBe('{tags: array<string>, zip?: long}');
  });

  it('reads double quotes, where a line may end in a backslash', () => {
    const text = 'signature:\n  inputs: "[{\\"type\\": \\"string\\", \\"name\\": \\"t\\\n    \\xE4g\\"}]"\n';
    expect(parseMlModel(text).signature?.inputs[0]?.name).toBe('täg');
  });

  it.each([['nothing', ''], ['no signature', 'flavors:\n  sklearn: {}\n'], ['an empty one', 'signature: null\n'], ['a damaged one', "signature:\n  inputs: '[{'\n"]])(
    '%s is no signature',
    (_, text) => expect(parseMlModel(text).signature).toBeUndefined(),
  );
});
