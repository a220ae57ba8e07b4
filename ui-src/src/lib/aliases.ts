// Aliases of a registered model: what they name and what protects them. Pure.
import type { Alias, Policy } from '../api/registry';

/** The names of all aliases in order; protected ones count even while they name nothing. */
export const aliasNames = (aliases: readonly Alias[], policies: readonly Policy[]): string[] =>
  [...new Set([...aliases, ...policies].map(({ alias }) => alias))].sort();

/** The version that an alias names, if it names one. */
export const versionNamed = (aliases: readonly Alias[], alias: string): string | undefined =>
  aliases.find((each) => each.alias === alias)?.version;

/** The checks that a version must have passed for an alias to move to it; none for one that is not protected. */
export const checksFor = (policies: readonly Policy[], alias: string): string[] =>
  policies.find((policy) => policy.alias === alias)?.checks ?? [];
