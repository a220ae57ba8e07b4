// Events of the registry's audit trail in words. Pure.
import type { RegistryEvent } from '../api/registry';

/** The kinds of events by what a person asks for, as the filter of a trail offers them. */
export const TRAIL_KINDS = [
  { id: 'all', label: 'All', actions: [] },
  { id: 'aliases', label: 'Aliases', actions: ['ALIAS_SET', 'ALIAS_DELETED', 'POLICY_SET'] },
  { id: 'stages', label: 'Stages', actions: ['STAGE_CHANGED'] },
  { id: 'checks', label: 'Checks', actions: ['CHECK_RECORDED'] },
  { id: 'versions', label: 'Versions', actions: ['VERSION_CREATED', 'VERSION_UPDATED', 'VERSION_DELETED'] },
  { id: 'tags', label: 'Tags', actions: ['MODEL_TAG_SET', 'MODEL_TAG_DELETED', 'VERSION_TAG_SET', 'VERSION_TAG_DELETED'] },
] as const;

export type TrailKind = (typeof TRAIL_KINDS)[number]['id'];

/** The kind an address names. */
export const trailKind = (text: string | null): TrailKind => TRAIL_KINDS.find(({ id }) => id === text)?.id ?? 'all';

/** `actions` of the API for a kind; nothing for all. */
export const actionsOf = (kind: TrailKind): string | undefined =>
  TRAIL_KINDS.find(({ id }) => id === kind)?.actions.join(',') || undefined;

/** An event as a line: what happened, to what, and the change itself where it is one. */
export interface TrailLine {
  what: string;
  /** The alias, tag, check or stage that it is about. */
  subject?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  tone: 'plain' | 'good' | 'bad';
  /** What it changed are versions, which can be gone to. */
  versions?: boolean;
  /** What happened, happened to the version itself and not to something of it. */
  whole?: boolean;
}

/** Longer texts than this stand below the line and not in it. */
const INLINE_CHARS_MAX = 60;

/** Whether the change can be said in the line itself. */
export const isShort = ({ from = '', to = '' }: TrailLine): boolean =>
  from.length + to.length <= INLINE_CHARS_MAX && !/\n/.test(from + to);

/** Words for the events that only name what was made or removed. */
const PLAIN: Record<string, string> = {
  MODEL_CREATED: 'Created the model',
  MODEL_UPDATED: 'Changed the description',
  MODEL_DELETED: 'Deleted the model',
  VERSION_CREATED: 'Registered',
  VERSION_UPDATED: 'Changed the description',
  VERSION_DELETED: 'Deleted',
};

export function describeEvent(event: RegistryEvent): TrailLine {
  const { action, key, from, to } = event;
  const subject = key ?? undefined;
  const change = { from: from || undefined, to: to || undefined };
  switch (action) {
    case 'MODEL_RENAMED':
      return { what: 'Renamed the model', ...change, tone: 'plain' };
    case 'ALIAS_SET':
      return {
        what: change.from === undefined ? 'Set the alias' : 'Moved the alias',
        subject,
        from: change.from,
        to: change.to,
        tone: 'plain',
        versions: true,
      };
    case 'ALIAS_DELETED':
      return { what: 'Removed the alias', subject, from: change.from, tone: 'bad', versions: true };
    case 'STAGE_CHANGED':
      return { what: 'Changed the stage', ...change, tone: 'plain' };
    case 'CHECK_RECORDED':
      return { what: 'Recorded the check', subject, ...change, tone: change.to === 'passed' ? 'good' : 'bad' };
    case 'POLICY_SET':
      return change.to
        ? { what: 'Protected the alias', subject, ...change, tone: 'plain' }
        : { what: 'Lifted the protection of', subject, from: change.from, tone: 'bad' };
    case 'MODEL_TAG_SET':
    case 'VERSION_TAG_SET':
      return { what: 'Set the tag', subject, ...change, tone: 'plain' };
    case 'MODEL_TAG_DELETED':
    case 'VERSION_TAG_DELETED':
      return { what: 'Removed the tag', subject, from: change.from, tone: 'plain' };
    case 'MODEL_UPDATED':
    case 'VERSION_UPDATED':
      return { what: PLAIN[action] ?? action, ...change, tone: 'plain' };
    default:
      return { what: PLAIN[action] ?? action, tone: action.endsWith('_DELETED') ? 'bad' : 'plain', whole: true };
  }
}
