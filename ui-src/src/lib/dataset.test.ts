import { describe, expect, it } from 'vitest';
import { datasetFields, datasetOrigin, datasetShape } from './dataset';

describe('datasets', () => {
  it.each([
    ['{"num_rows": 48210, "num_elements": 96420}', '48,210 rows'],
    ['{"features_shape": [331, 10], "targets_shape": [331]}', '331 × 10'],
    ['{"num_elements": 5}', ''],
    ['not json', ''],
    ['[1]', ''],
    [undefined, ''],
  ])('%s has the shape "%s"', (profile, shape) => expect(datasetShape(profile)).toBe(shape));

  it('names columns and their types', () => {
    expect(datasetFields('{"mlflow_colspec": [{"type": "double", "name": "age"}, 7, {"name": "x"}]}')).toEqual([
      { name: 'age', type: 'double' },
      { name: 'x', type: '' },
    ]);
    expect(datasetFields('{"mlflow_tensorspec": {}}')).toEqual([]);
  });

  it('says where the data came from', () => {
    expect(datasetOrigin('{"uri": "s3://bucket/x.csv"}')).toBe('s3://bucket/x.csv');
    expect(datasetOrigin('{"tags": {}}')).toBe('');
  });
});
