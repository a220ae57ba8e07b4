import { describe, expect, it } from 'vitest';
import { errorPosition, fieldName, looksLikeFilter, nameOrFilter, quote } from './filter';

describe('looksLikeFilter', () => {
  it.each([
    "metrics.rmse < 0.3",
    "params.model = 'forest'",
    "tags.a LIKE 'x%'",
    "run_id IN ('a', 'b')",
    'metrics.loss BETWEEN 0.1 AND 0.2',
    'tags.a IS NOT NULL',
    'metrics.rmse',
    'params . model',
  ])('%s is a filter', (text) => expect(looksLikeFilter(text)).toBe(true));

  it.each(['forest', 'model in 2024', 'not this one', 'a and b', 'between us', 'like it', 'rmse', 'a.b'])(
    '%s are words',
    (text) => expect(looksLikeFilter(text)).toBe(false),
  );
});

describe('nameOrFilter', () => {
  it('searches names for plain words', () => {
    expect(nameOrFilter('  forest ', 'attributes.run_name')).toBe("attributes.run_name ILIKE '%forest%'");
  });

  it('leaves filters and nothing as they are', () => {
    expect(nameOrFilter("name = 'x'", 'name')).toBe("name = 'x'");
    expect(nameOrFilter('  ', 'name')).toBe('');
  });

  it('takes the quote that the text does not have', () => {
    expect(quote("it's")).toBe('"it\'s"');
    expect(quote('"x"')).toBe("'\"x\"'");
    expect(quote(`'"`)).toBe(`'_"'`);
  });
});

it('quotes keys that are not plain words', () => {
  expect(fieldName('metrics', 'rmse')).toBe('metrics.rmse');
  expect(fieldName('metrics', 'val/loss')).toBe('metrics.`val/loss`');
  expect(fieldName('tags', 'mlflow.user')).toBe('tags.`mlflow.user`');
});

describe('errorPosition', () => {
  it('counts characters from one, not UTF-16 units', () => {
    expect(errorPosition('Expected a value (at character 3 of the filter).', 'a =')).toBe(2);
    expect(errorPosition('Unexpected (at character 3 of the filter).', '😀x?')).toBe(3);
  });

  it('points behind the end, and nowhere when nothing is named', () => {
    expect(errorPosition('(at character 99 of the filter)', 'abc')).toBe(3);
    expect(errorPosition('No Experiment with id=3 exists', 'abc')).toBeUndefined();
  });
});
