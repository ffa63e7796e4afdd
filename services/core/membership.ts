// Which identifiers make up a profile of a component, and what their fragments add up to: derived from the entries, kept
// beside them while they stand still, so that an event costs the same however many identifiers a person has (P5).

import type { Registry } from "./registry.ts";
import { compareText } from "./comparison.ts";
import type { Component, Entry } from "./component.ts";
import { createFragment, mergeFragment, type Fragment } from "./fragment.ts";
import { isKnown } from "./weighed.ts";

export interface IdentifierView {
  readonly namespace: string;
  readonly value: string;
  readonly state: "owned" | "contested" | "quarantined";
}

export interface Membership {
  readonly members: string[];
  /** Contested shareable identifiers that are shown on the profile and belong to none. */
  readonly shown: string[];
  /** Null until somebody asks. */
  identifiers: readonly IdentifierView[] | null;
  known: boolean | null;
  summary: Fragment | null;
  /** Those of the members that are a way to reach the person. */
  contacts: readonly Entry[] | null;
}

const NOBODY: readonly string[] = [];
/** From a table that is made once per weighing. */
function findMembership(component: Component, naming: string): Membership | undefined {
  let table = component.memberships;
  if (table === null) {
    table = new Map();
    for (const [key, entry] of component.identifiers) {
      if (entry.profile !== null) listIn(table, entry.profile).members.push(key);
      if (entry.claimants.length === 0) continue;
      const holders = new Set(entry.claimants.map((claimant) => component.identifiers.get(claimant)?.profile ?? null));
      for (const holder of holders) if (holder !== null) listIn(table, holder).shown.push(key);
    }
    component.memberships = table;
  }
  return table.get(naming);
}

function listIn(table: Map<string, Membership>, naming: string): Membership {
  let present = table.get(naming);
  if (present === undefined) {
    present = { members: [], shown: [], identifiers: null, known: null, summary: null, contacts: null };
    table.set(naming, present);
  }
  return present;
}

/** Keys of the identifiers of the profile. */
export function membersOf(component: Component, naming: string): readonly string[] {
  return findMembership(component, naming)?.members ?? NOBODY;
}

/** The identifiers of the profile and the contested shareable ones that are shown on it, by namespace and value. */
export function identifiersOf(component: Component, naming: string): readonly IdentifierView[] {
  const membership = findMembership(component, naming);
  if (membership === undefined) return [];
  membership.identifiers ??= [...membership.members, ...membership.shown]
    .map((key) => {
      const { namespace, value, state } = component.identifiers.get(key) as Entry;
      return { namespace, value, state };
    })
    .sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.value, b.value));
  return membership.identifiers;
}

/** The addresses and numbers among the profile's identifiers. */
export function contactsOf(registry: Registry, component: Component, naming: string): readonly Entry[] {
  const membership = findMembership(component, naming);
  if (membership === undefined) return [];
  membership.contacts ??= membership.members
    .map((key) => component.identifiers.get(key) as Entry)
    .filter(({ namespace }) => registry.namespaces.get(namespace)?.contact === true);
  return membership.contacts;
}

/** True where one of the profile's identifiers is known. */
export function isProfileKnown(registry: Registry, component: Component, naming: string): boolean {
  const membership = findMembership(component, naming);
  if (membership === undefined) return false;
  membership.known ??= membership.members.some((key) => isKnown(registry, component.identifiers.get(key) as Entry));
  return membership.known;
}

/**
 * What the fragments of the profile add up to. Of a profile with one fragment it is that fragment itself; readers must
 * not write into it. Null: no member has a fragment.
 */
export function summaryOf(component: Component, naming: string): Fragment | null {
  const membership = findMembership(component, naming);
  if (membership === undefined) return null;
  membership.summary ??= sumFragments(component, membership.members);
  return membership.summary;
}

function sumFragments(component: Component, members: readonly string[]): Fragment | null {
  const fragments = members.flatMap((key) => component.identifiers.get(key)?.fragment ?? []);
  const [only] = fragments;
  if (fragments.length <= 1) return only ?? null;
  const sum = createFragment();
  for (const fragment of fragments) mergeFragment(sum, fragment);
  return sum;
}

/** The sum as far as it has been made and is not the fragment itself: what a change of the fragment has to be repeated on. */
export function standingSum(component: Component, naming: string, fragment: Fragment): Fragment | null {
  const summary = component.memberships?.get(naming)?.summary ?? null;
  return summary === fragment ? null : summary;
}

/** To be called where a fragment changed otherwise than by what was repeated on the sum. */
export function forgetSummary(component: Component, naming: string): void {
  const membership = component.memberships?.get(naming);
  if (membership !== undefined) membership.summary = null;
}

/** To be called whenever an identifier has come, gone, become known or changed hands. */
export function forgetMembership(component: Component): void {
  component.memberships = null;
}

export function isPending(component: Component, members: readonly string[]): boolean {
  return members.some((key) => component.identifiers.get(key)?.pending === true);
}
