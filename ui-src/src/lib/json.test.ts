import { describe, expect, it } from 'vitest';
import { formatJson, shadeJson, shadeYaml } from './json';

describe('formatJson', () => {
  it('lays out without changing a digit', () => {
    expect(formatJson('{"big":12345678901234567890,"f":1.10,"l":[1,{}],"e":[]}')).toBe(
      '{\n  "big": 12345678901234567890,\n  "f": 1.10,\n  "l": [\n    1,\n    {}\n  ],\n  "e": []\n}',
    );
  });

  it("takes Python's NaN and text with brackets in it", () => {
    expect(formatJson('[NaN, -Infinity, "a\\"],{"]')).toBe('[\n  NaN,\n  -Infinity,\n  "a\\"],{"\n]');
  });

  it.each(['', 'hello', '{"a":1', '[1}', "{'a':1}"])('%j is not JSON', (text) =>
    expect(formatJson(text)).toBeUndefined(),
  );
});

describe('shades', () => {
  const joined = (pieces: { text: string }[]) => pieces.map(({ text }) => text).join('');

  it('loses no character of JSON', () => {
    const text = '{\n  "a": [1, true, null, "x: 1", -2e5]\n}';
    expect(joined(shadeJson(text))).toBe(text);
    expect(shadeJson(text).filter(({ tone }) => tone !== '').map(({ text, tone }) => [text, tone])).toEqual([
      ['"a"', 'key'],
      ['1', 'number'],
      ['true', 'keyword'],
      ['null', 'keyword'],
      ['"x: 1"', 'string'],
      ['-2e5', 'number'],
    ]);
  });

  it('loses no character of YAML', () => {
    const text = '# top\na:\n  b: 1\n  - c: "x"\n  d: plain: text\n';
    expect(joined(shadeYaml(text))).toBe(text);
    expect(shadeYaml(text).filter(({ tone }) => tone === 'key').map(({ text }) => text)).toEqual(['a', 'b', 'c', 'd']);
  });
});
