import { describe, expect, it } from 'vitest';
import type { RegistryEvent } from '../api/registry';
import { actionsOf, describeEvent, isShort, trailKind } from './trail';

const event = (action: string, more: Partial<RegistryEvent> = {}): RegistryEvent => ({
  event_id: '1',
  timestamp: 1,
  actor: 'mina',
  name: 'm',
  prompt: false,
  action,
  ...more,
});

describe('describeEvent', () => {
  it('tells a moved alias from a new one', () => {
    const moved = event('ALIAS_SET', { key: 'champion', from: '3', to: '4', version: '4' });
    expect(describeEvent(moved)).toEqual({ what: 'Moved the alias', subject: 'champion', from: '3', to: '4', tone: 'plain', versions: true });
    const set = event('ALIAS_SET', { key: 'champion', to: '4', version: '4' });
    expect(describeEvent(set)).toMatchObject({ what: 'Set the alias', from: undefined, to: '4' });
  });

  it('says whether a check passed', () => {
    expect(describeEvent(event('CHECK_RECORDED', { key: 'bias', to: 'passed' })).tone).toBe('good');
    expect(describeEvent(event('CHECK_RECORDED', { key: 'bias', from: 'passed', to: 'failed' })).tone).toBe('bad');
  });

  it('tells protecting from lifting the protection', () => {
    expect(describeEvent(event('POLICY_SET', { key: 'champion', to: 'a, b' })).what).toBe('Protected the alias');
    expect(describeEvent(event('POLICY_SET', { key: 'champion', from: 'a, b', to: '' })).what).toBe('Lifted the protection of');
  });

  it('leaves out a description that was empty', () => {
    expect(describeEvent(event('MODEL_UPDATED', { from: '', to: 'New' }))).toMatchObject({ from: undefined, to: 'New' });
  });

  it('shows an action it does not know by its name', () => {
    expect(describeEvent(event('MODEL_BLESSED')).what).toBe('MODEL_BLESSED');
  });
});

it('keeps long texts and those of several lines out of the line', () => {
  expect(isShort({ what: '', from: 'None', to: 'Staging', tone: 'plain' })).toBe(true);
  expect(isShort({ what: '', to: 'x'.repeat(61), tone: 'plain' })).toBe(false);
  expect(isShort({ what: '', to: 'a\nb', tone: 'plain' })).toBe(false);
});

describe('kinds', () => {
  it('are what the address says, or all', () => {
    expect([trailKind('aliases'), trailKind('nonsense'), trailKind(null)]).toEqual(['aliases', 'all', 'all']);
  });

  it('ask for their actions', () => {
    expect(actionsOf('stages')).toBe('STAGE_CHANGED');
    expect(actionsOf('all')).toBeUndefined();
  });
});
