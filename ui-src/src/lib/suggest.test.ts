import { describe, expect, it } from 'vitest';
import { suggest } from './suggest';

const FIELDS = {
  metrics: ['val/loss', 'val/accuracy', 'rmse'],
  params: ['learning_rate', 'model'],
  tags: ['mlflow.user', 'stage'],
  attributes: ['run_name', 'status'],
};
const at = (text: string) => suggest(text, text.length, FIELDS).map((option) => option.text);

describe('suggest', () => {
  it('finds keys by their beginning, under any entity', () => {
    expect(at('val')).toEqual(['metrics.`val/loss`', 'metrics.`val/accuracy`']);
    expect(at('learn')).toEqual(['params.learning_rate']);
  });

  it('completes after an entity', () => {
    expect(at('tags.ml')).toEqual(['tags.`mlflow.user`']);
    expect(at('metrics.')).toEqual(['metrics.`val/loss`', 'metrics.`val/accuracy`', 'metrics.rmse']);
  });

  it('starts anew after a connective and replaces only the last word', () => {
    const text = "params.model = 'x' AND rm";
    expect(suggest(text, text.length, FIELDS)).toEqual([{ text: 'metrics.rmse', from: 23, to: 25 }]);
  });

  it('is quiet inside quotes, after an operator and when nothing is left to complete', () => {
    expect(at("params.model = 'va")).toEqual([]);
    expect(at('metrics.rmse < ')).toEqual([]);
    expect(at('metrics.rmse')).toEqual([]);
    expect(at('')).toEqual([]);
  });

  it('looks at the caret, not at the end', () => {
    expect(suggest('rm < 3', 2, FIELDS)).toEqual([{ text: 'metrics.rmse', from: 0, to: 2 }]);
  });
});
