// The components that have to do with some identifiers beside those where they live: what the rule says of them is a question
// to all of these (core/supposition.ts).

import type { Component } from "#core/component.ts";
import { type Located, locateLife, type LookupServices } from "./location.ts";

/** Beyond these a home speaks through what it has told of its identifiers. */
const COMPONENTS_MAX = 16;
const LOOKUPS_MAX = 128;

export async function findNeighbours(services: LookupServices, located: readonly Located[]): Promise<Component[]> {
  const near = new Set(located.map(({ component }) => component.id));
  const found = new Map(located.map(({ component }) => [component.id, component]));
  const asked = new Set<string>();
  for (const { abroad } of found.values()) {
    for (const far of abroad?.far.keys() ?? []) {
      if (found.size >= COMPONENTS_MAX || asked.size >= LOOKUPS_MAX) break;
      if (asked.has(far) || [...found.values()].some(({ identifiers }) => identifiers.has(far))) continue;
      asked.add(far);
      const there = await locateLife(services, far);
      if (there !== null) found.set(there.component.id, there.component);
    }
  }
  return [...found.values()].filter(({ id }) => !near.has(id));
}
