// Which identifiers make up a profile of a component, and what their fragments add up to: derived from the entries, kept
// beside them and moved with them, so that an event costs the same however many identifiers a person has (P5).

import type { Registry } from "./registry.ts";
import { isHidden, isUntold, type Component, type Entry } from "./component.ts";
import { createFragment, mergeFragment, type Fragment } from "./fragment.ts";
import {
  addToListing,
  createListing,
  nameByKey,
  viewIdentifiers,
  type IdentifierKey,
  type IdentifierView,
  type Listing,
} from "./listing.ts";
import { isMailbox } from "./mailbox.ts";
import { isKnown } from "./weighed.ts";

export interface Membership {
  readonly members: Set<string>;
  /** Contested shareable identifiers that are shown on the profile and belong to none. */
  readonly shown: string[];
  /** How many members wait for a word from another home. */
  pending: number;
  /** How many of the members are mailboxes, which nothing lists; null until somebody asks. */
  mailboxes: number | null;
  /** Null until somebody asks. */
  listing: Listing | null;
  known: boolean | null;
  sum: Sum | null;
  /** Those of the members that are a way to reach the person. */
  contacts: readonly Entry[] | null;
  /** Keys of the members of namespaces of which a profile may not have any number of values; null until somebody asks. */
  scarce: Set<string> | null;
}

interface Sum {
  /** How many fragments it is of; of one it is that fragment itself, of none null. */
  readonly count: number;
  readonly fragment: Fragment | null;
}

/** What changes of an identifier when its component settles. */
export interface Standing {
  readonly profile: string | null;
  readonly state: Entry["state"];
  readonly pending: boolean;
}

const NOBODY: ReadonlySet<string> = new Set();

function findMembership(component: Component, naming: string): Membership | undefined {
  let table = component.memberships;
  if (table === null) {
    table = new Map();
    for (const [key, entry] of component.identifiers) {
      if (entry.profile !== null) {
        const membership = openMembership(table, entry.profile);
        membership.members.add(key);
        if (entry.pending) membership.pending += 1;
      }
      if (!isHidden(entry))
        for (const holder of findClaiming(component, entry)) openMembership(table, holder).shown.push(key);
    }
    component.memberships = table;
  }
  return table.get(naming);
}

/** Of a contested shareable identifier: the profiles on which it is shown, unless it is hidden. */
export function findClaiming({ identifiers }: Component, { claimants }: Entry): ReadonlySet<string> {
  if (claimants.length === 0) return NOBODY;
  return new Set(claimants.flatMap((claimant) => identifiers.get(claimant)?.profile ?? []));
}

function openMembership(table: Map<string, Membership>, naming: string): Membership {
  let present = table.get(naming);
  if (present === undefined) {
    const unasked = { mailboxes: null, listing: null, known: null, sum: null, contacts: null, scarce: null };
    present = { members: new Set(), shown: [], pending: 0, ...unasked };
    table.set(naming, present);
  }
  return present;
}

/** Keys of the identifiers of the profile. */
export function membersOf(component: Component, naming: string): ReadonlySet<string> {
  return findMembership(component, naming)?.members ?? NOBODY;
}

/** How many identifiers the profile has, without mailboxes. */
export function countMembers(registry: Registry, component: Component, naming: string): number {
  const membership = findMembership(component, naming);
  if (membership === undefined) return 0;
  membership.mailboxes ??= countMailboxes(registry, component, membership);
  return membership.members.size - membership.mailboxes;
}

function countMailboxes(registry: Registry, { identifiers }: Component, { members }: Membership): number {
  let count = 0;
  if (registry.folds.size > 0)
    for (const key of members) if (isMailbox(registry, identifiers.get(key) as Entry)) count += 1;
  return count;
}

/** The same, the contested shareable ones that are shown on it counted in. */
export function countIdentifiers(registry: Registry, component: Component, naming: string): number {
  return countMembers(registry, component, naming) + (findMembership(component, naming)?.shown.length ?? 0);
}

/** All of them, by namespace and value. */
export function identifiersOf(registry: Registry, component: Component, naming: string): readonly IdentifierView[] {
  const membership = findMembership(component, naming);
  return membership === undefined ? [] : viewIdentifiers(listEntries(registry, component, membership));
}

const EMPTY: Listing = { best: [], keys: [], views: [] };

/** Those that a record names. */
export function listingOf(registry: Registry, component: Component, naming: string): Listing {
  const membership = findMembership(component, naming);
  if (membership === undefined) return EMPTY;
  membership.listing ??= createListing(registry, listEntries(registry, component, membership));
  return membership.listing;
}

function listEntries(registry: Registry, { identifiers }: Component, { members, shown }: Membership): Entry[] {
  const entries = Array.from([...members, ...shown], (key) => identifiers.get(key) as Entry);
  return registry.folds.size === 0 ? entries : entries.filter((entry) => !isMailbox(registry, entry));
}

/** Of its own ones those that a record names, the best first. */
export function namedMembersOf(registry: Registry, component: Component, naming: string): readonly IdentifierKey[] {
  const { best, keys } = listingOf(registry, component, naming);
  if (findMembership(component, naming)?.shown.length === 0) return keys;
  return best.filter(({ profile }) => profile === naming).map(nameByKey);
}

/** The addresses and numbers among the profile's identifiers. */
export function contactsOf(registry: Registry, component: Component, naming: string): readonly Entry[] {
  const membership = findMembership(component, naming);
  if (membership === undefined) return [];
  membership.contacts ??= Array.from(membership.members, (key) => component.identifiers.get(key) as Entry).filter(
    (entry) => isContact(registry, entry) && !isUntold(entry),
  );
  return membership.contacts;
}

function isContact(registry: Registry, { namespace }: Entry): boolean {
  return registry.namespaces.get(namespace)?.contact === true;
}

/** Keys of its identifiers of namespaces of which a profile may not have any number of values: so they are few. */
export function scarceOf(registry: Registry, component: Component, naming: string): ReadonlySet<string> {
  const membership = findMembership(component, naming);
  if (membership === undefined) return NOBODY;
  membership.scarce ??= new Set(
    [...membership.members].filter((key) => isScarce(registry, component.identifiers.get(key) as Entry)),
  );
  return membership.scarce;
}

export function isScarce(registry: Registry, { namespace }: Entry): boolean {
  return (registry.namespaces.get(namespace)?.heldMax ?? null) !== null;
}

/** True where one of the profile's identifiers is known. */
export function isProfileKnown(registry: Registry, component: Component, naming: string): boolean {
  const membership = findMembership(component, naming);
  if (membership === undefined) return false;
  membership.known ??= [...membership.members].some((key) =>
    isKnown(registry, component.identifiers.get(key) as Entry),
  );
  return membership.known;
}

/**
 * What the fragments of the profile add up to. Of a profile with one fragment it is that fragment itself; readers must
 * not write into it. Null: no member has a fragment.
 */
export function summaryOf(component: Component, naming: string): Fragment | null {
  const membership = findMembership(component, naming);
  if (membership === undefined) return null;
  if (membership.sum === null) {
    membership.sum = { count: 0, fragment: null };
    for (const key of membership.members) addFragment(membership, component.identifiers.get(key)?.fragment ?? null);
  }
  return membership.sum.fragment;
}

function addFragment(membership: Membership, fragment: Fragment | null): void {
  const { sum } = membership;
  if (sum === null || fragment === null) return;
  const count = sum.count + 1;
  if (sum.fragment === null) membership.sum = { count, fragment };
  else {
    const own = sum.count === 1 ? createFragment() : sum.fragment;
    if (own !== sum.fragment) mergeFragment(own, sum.fragment);
    mergeFragment(own, fragment);
    membership.sum = { count, fragment: own };
  }
}

/** The sum as far as it has been made and is not the fragment itself: what a change of the fragment has to be repeated on. */
export function standingSum(component: Component, naming: string, fragment: Fragment): Fragment | null {
  const sum = component.memberships?.get(naming)?.sum?.fragment ?? null;
  return sum === fragment ? null : sum;
}

/** To be called where a fragment changed otherwise than by what was repeated on the sum. */
export function forgetSummary(component: Component, naming: string): void {
  const membership = component.memberships?.get(naming);
  if (membership !== undefined) membership.sum = null;
}

/** To be called where an identifier has got a fragment, before anything is in it. */
export function noteFragment(component: Component, { profile, fragment }: Entry): void {
  const membership = profile === null ? undefined : component.memberships?.get(profile);
  if (membership !== undefined) addFragment(membership, fragment);
}

/** To be called whenever an identifier has become known, or is named otherwise. */
export function forgetMembership(component: Component): void {
  component.memberships = null;
}

/** True where one of the profile's identifiers waits for a word from another home. */
export function isPending(component: Component, naming: string): boolean {
  return (findMembership(component, naming)?.pending ?? 0) > 0;
}

/** Gives the identifier its standing, and moves it from profile to profile; false where it stood so. */
export function setStanding(registry: Registry, component: Component, entry: Entry, standing: Standing): boolean {
  const { profile, state, pending } = standing;
  const stays = entry.profile === profile;
  if (stays && entry.state === state && entry.pending === pending) return false;
  const membership = stays && profile !== null ? component.memberships?.get(profile) : undefined;
  if (membership !== undefined) {
    membership.pending += Number(pending) - Number(entry.pending);
    if (entry.state !== state) membership.listing = null;
  }
  if (!stays) leaveProfile(registry, component, entry);
  entry.profile = profile;
  entry.state = state;
  entry.pending = pending;
  if (!stays) joinProfile(registry, component, entry);
  return true;
}

/** To be called where an identifier has come with its profile. */
export function joinProfile(registry: Registry, component: Component, entry: Entry): void {
  const { memberships } = component;
  if (memberships === null || entry.profile === null) return;
  const membership = openMembership(memberships, entry.profile);
  membership.members.add(entry.key);
  if (entry.pending) membership.pending += 1;
  if (isMailbox(registry, entry)) membership.mailboxes = null;
  else if (membership.listing !== null) membership.listing = addToListing(registry, membership.listing, entry);
  if (isContact(registry, entry)) membership.contacts = null;
  if (isKnown(registry, entry)) membership.known = true;
  if (isScarce(registry, entry)) membership.scarce?.add(entry.key);
  addFragment(membership, entry.fragment);
}

function leaveProfile(registry: Registry, { memberships }: Component, entry: Entry): void {
  const membership = entry.profile === null ? undefined : memberships?.get(entry.profile);
  if (entry.profile === null || membership === undefined) return;
  membership.members.delete(entry.key);
  membership.scarce?.delete(entry.key);
  if (entry.pending) membership.pending -= 1;
  if (isMailbox(registry, entry)) membership.mailboxes = null;
  if (membership.listing?.best.includes(entry) === true) membership.listing = null;
  if (isContact(registry, entry)) membership.contacts = null;
  if (isKnown(registry, entry)) membership.known = null;
  if (entry.fragment !== null) membership.sum = null;
  if (membership.members.size + membership.shown.length === 0) memberships?.delete(entry.profile);
}
