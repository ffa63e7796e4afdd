// Which identifiers make up a profile of a component: derived from the entries, kept beside them while they stand still.

import type { Component, Entry } from "./component.ts";

interface Membership {
  readonly members: string[];
  /** Contested shareable identifiers that are shown on the profile and belong to none. */
  readonly shown: string[];
}

const NOBODY: Membership = { members: [], shown: [] };
const memberships = new WeakMap<Component, Map<string, Membership>>();

/** From a table that is made once per weighing. */
function findMembership(component: Component, naming: string): Membership {
  let table = memberships.get(component);
  if (table === undefined) {
    table = new Map();
    for (const [key, entry] of Object.entries(component.identifiers)) {
      if (entry.profile !== null) listIn(table, entry.profile).members.push(key);
      const holders = new Set(entry.claimants.map((claimant) => component.identifiers[claimant]?.profile ?? null));
      for (const holder of holders) if (holder !== null) listIn(table, holder).shown.push(key);
    }
    memberships.set(component, table);
  }
  return table.get(naming) ?? NOBODY;
}

function listIn(table: Map<string, Membership>, naming: string): Membership {
  const present = table.get(naming) ?? { members: [], shown: [] };
  table.set(naming, present);
  return present;
}

/** Keys of the identifiers of the profile. */
export function membersOf(component: Component, naming: string): readonly string[] {
  return findMembership(component, naming).members;
}

/** Keys of the contested shareable identifiers that are shown on the profile. */
export function shownOn(component: Component, naming: string): readonly string[] {
  return findMembership(component, naming).shown;
}

/** To be called whenever an identifier has come, gone or changed hands. */
export function forgetMembership(component: Component): void {
  memberships.delete(component);
}

export function isPending(component: Component, members: readonly string[]): boolean {
  return members.some((key) => (component.identifiers[key] as Entry).pending);
}
