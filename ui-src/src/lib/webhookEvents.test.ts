import { expect, it } from 'vitest';
import { EVENT_GROUPS, eventName, eventOf } from './webhookEvents';

it('writes and reads names of events', () => {
  const names = EVENT_GROUPS.flatMap(({ events }) => events).map(({ event }) => eventName(event));
  expect(names).toContain('model_version_alias.created');
  expect(names.map((name) => eventName(eventOf(name)))).toEqual(names);
  expect(new Set(names).size).toBe(names.length);
});
