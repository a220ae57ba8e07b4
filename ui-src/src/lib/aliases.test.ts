import { describe, expect, it } from 'vitest';
import { aliasNames, checksFor, versionNamed } from './aliases';

const ALIASES = [
  { alias: 'shadow', version: '1' },
  { alias: 'champion', version: '2' },
];
const POLICIES = [
  { alias: 'prod', checks: ['latency'] },
  { alias: 'champion', checks: ['accuracy', 'bias'] },
];

describe('aliases', () => {
  it('are those that name a version and those that are protected, each once, in order', () => {
    expect(aliasNames(ALIASES, POLICIES)).toEqual(['champion', 'prod', 'shadow']);
    expect(aliasNames([], [])).toEqual([]);
  });

  it('name a version or none', () => {
    expect(versionNamed(ALIASES, 'champion')).toBe('2');
    expect(versionNamed(ALIASES, 'prod')).toBeUndefined();
  });

  it('need the checks of their protection', () => {
    expect(checksFor(POLICIES, 'champion')).toEqual(['accuracy', 'bias']);
    expect(checksFor(POLICIES, 'shadow')).toEqual([]);
  });
});
