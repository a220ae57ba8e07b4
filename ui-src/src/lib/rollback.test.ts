import { expect, it } from 'vitest';
import type { RegistryEvent } from '../api/registry';
import { earlierVersions } from './rollback';

const moves = (...versions: string[]): RegistryEvent[] =>
  versions
    .map((to, i) => ({ event_id: String(i), timestamp: i, actor: 'a', action: 'ALIAS_SET', name: 'm', prompt: false, key: 'champion', to }))
    .reverse();

it('goes back step by step', () => expect(earlierVersions(moves('1', '2', '4'))).toEqual(['2', '1']));

it('forgets what came after the version that it went back to', () => {
  expect(earlierVersions(moves('1', '2', '4', '2'))).toEqual(['1']);
});

it('has nowhere to go from the first version', () => expect(earlierVersions(moves('1'))).toEqual([]));

it('leaves removals of the alias out', () => {
  const removed: RegistryEvent = { event_id: '9', timestamp: 9, actor: 'a', action: 'ALIAS_DELETED', name: 'm', prompt: false, from: '1' };
  expect(earlierVersions([...moves('3'), removed, ...moves('1')])).toEqual(['1']);
});
