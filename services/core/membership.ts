// Which identifiers make up a profile of a component: derived from the entries, kept beside them while they stand still.

import type { Component, Entry } from "./component.ts";

const memberships = new WeakMap<Component, Map<string, string[]>>();

/** Keys of the identifiers of the profile, from a table that is made once per weighing. */
export function membersOf(component: Component, naming: string): readonly string[] {
  let table = memberships.get(component);
  if (table === undefined) {
    table = new Map();
    for (const [key, entry] of Object.entries(component.identifiers)) {
      if (entry.profile === null) continue;
      const list = table.get(entry.profile);
      if (list === undefined) table.set(entry.profile, [key]);
      else list.push(key);
    }
    memberships.set(component, table);
  }
  return table.get(naming) ?? [];
}

/** To be called whenever an identifier has come, gone or changed hands. */
export function forgetMembership(component: Component): void {
  memberships.delete(component);
}

export function isPending(component: Component, members: readonly string[]): boolean {
  return members.some((key) => (component.identifiers[key] as Entry).pending);
}
