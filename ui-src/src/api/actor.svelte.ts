// The name that the audit trail writes beside the changes made from this browser. There are no accounts.
import { load, save } from '../lib/storage';

const ACTOR_HEADER = 'X-Modelyard-Actor';
const REASON_HEADER = 'X-Modelyard-Reason';

const isText = (value: unknown): value is string => typeof value === 'string';

class Actor {
  name = $state(load('actor', '', isText));

  set(name: string): void {
    this.name = name.trim();
    save('actor', this.name === '' ? undefined : this.name);
  }
}

export const actor = new Actor();

/** The headers of a request that changes something: who, and why if it is said. */
export function authorship(reason = ''): Record<string, string> {
  const headers: Record<string, string> = {};
  if (actor.name !== '') headers[ACTOR_HEADER] = bytes(actor.name);
  if (reason !== '') headers[REASON_HEADER] = bytes(reason);
  return headers;
}

/** The server reads UTF-8; browsers take a header's text for a row of bytes. Line breaks cannot be in it. */
const bytes = (text: string): string =>
  Array.from(new TextEncoder().encode(text.replace(/\s+/g, ' ')), (byte) => String.fromCharCode(byte)).join('');
