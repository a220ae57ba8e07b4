// Where an alias can go back to. Pure; the rule is the server's.
import type { RegistryEvent } from '../api/registry';

/**
 * The versions that an alias named before the one that it names now, the last of them first, from its events as
 * the API lists them: the latest first. Going back to one makes those after it forgotten.
 */
export function earlierVersions(events: readonly RegistryEvent[]): string[] {
  const path: string[] = [];
  for (const { action, to } of [...events].reverse()) {
    if (action !== 'ALIAS_SET' || !to) continue;
    const at = path.indexOf(to);
    if (at >= 0) path.length = at + 1;
    else path.push(to);
  }
  return path.slice(0, -1).reverse();
}
