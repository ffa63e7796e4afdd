// What is asserted of an identifier by itself: how it is said, by whom first, and whether it is known. A link is an
// operator's word that may be taken back, and then never was: what it asserts is derived from the rulings that hold.

import { isAuthenticated } from "./configuration.ts";
import { compareStamps, isSameStamp, type Stamp } from "./comparison.ts";
import { isUntold, type Component, type Entry, type Unlinked } from "./component.ts";
import type { ErasureKind } from "./erasure.ts";
import type { RoutedIdentifier } from "./item.ts";
import { tieIdentifier } from "./region.ts";
import { isPlainer, type Registry } from "./registry.ts";
import { Verdicts, type Rulings } from "./ruling.ts";

/** isLink: its ruling has been taken in. True where it is new, or something about it. */
export function recordEntry(
  registry: Registry,
  component: Component,
  identifier: RoutedIdentifier,
  stamp: Stamp,
  isLink: boolean,
): boolean {
  const { namespace, value, key, assurance } = identifier;
  const authenticated = isAuthenticated(assurance) && registry.namespaces.get(namespace)?.kind !== "device";
  const entry = component.identifiers.get(key);
  if (entry === undefined) {
    const entry = createEntry(identifier, stamp, authenticated);
    component.identifiers.set(key, entry);
    if ((identifier.erased ?? null) !== null)
      entry.erased = {
        kind: identifier.erased as ErasureKind,
        at: component.abroad?.ended.get(key) ?? stamp.t,
        hidden: true,
        rotation: identifier.rotation ?? 0,
      };
    if (isLink) entry.unlinked = NOTHING;
    restate(registry, component, key);
    component.abroad?.far.delete(key);
    tieIdentifier(component, key);
    return true;
  }
  let changed = false;
  if (entry.erased?.hidden === true && sayAgain(entry, identifier, stamp, authenticated)) changed = true;
  else if (isSpelt(registry, entry, identifier, isLink)) {
    // Of who was erased what it is weighs, as it did.
    entry.namespace = namespace;
    if (entry.erased?.hidden !== true) entry.value = value;
    changed = true;
  } else if (isUntold(entry) && value !== "" && namespace === entry.namespace) {
    entry.value = value;
    changed = true;
  }
  if (isLink) {
    const { first, firstAuthenticated, unlinked } = entry;
    entry.unlinked ??= { first, firstAuthenticated, isUnsaid: false };
    return restate(registry, component, key) || unlinked === null || changed;
  }
  if (!assert(entry, stamp, authenticated)) return changed;
  restate(registry, component, key);
  return true;
}

/** Whether it is to be called as it is said here: most plainly, and as a link says it only while nothing else does. */
function isSpelt(
  registry: Registry,
  { namespace, erased, unlinked }: Entry,
  said: RoutedIdentifier,
  isLink: boolean,
): boolean {
  const isOfLinks = unlinked !== null && unlinked.first === null;
  if (isLink && !isOfLinks) return false;
  if (erased?.hidden === true ? said.erased === "claimed" : (said.erased ?? null) !== null) return false;
  return isOfLinks && !isLink ? said.namespace !== namespace : isPlainer(registry, said.namespace, namespace);
}

const NOTHING: Unlinked = { first: null, firstAuthenticated: null, isUnsaid: false };

/** True where it was not asserted, or not known, as early. */
function assert(entry: Entry, stamp: Stamp, authenticated: boolean): boolean {
  const { first, firstAuthenticated } = entry.unlinked ?? entry;
  const isFirst = isEarlier(stamp, first);
  const isFirstAuthenticated = authenticated && isEarlier(stamp, firstAuthenticated);
  if (entry.unlinked === null) {
    if (isFirst) entry.first = stamp;
    if (isFirstAuthenticated) entry.firstAuthenticated = stamp;
  } else if (isFirst || isFirstAuthenticated)
    entry.unlinked = {
      first: isFirst ? stamp : first,
      firstAuthenticated: isFirstAuthenticated ? stamp : firstAuthenticated,
      isUnsaid: false,
    };
  return isFirst || isFirstAuthenticated;
}

/** What is asserted of it, with the links that hold; to be called where something was ruled of it. True where it is not as it was. */
export function restate(registry: Registry, { identifiers, rulings }: Component, key: string): boolean {
  const entry = identifiers.get(key);
  if (entry === undefined || entry.unlinked === null) return false;
  const was = { first: entry.first, firstAuthenticated: entry.firstAuthenticated, isUnsaid: entry.unlinked.isUnsaid };
  const { first, firstAuthenticated } = entry.unlinked;
  const { any, standing: linkedAt } = listLinks(rulings, key);
  const isUnsaid = first === null && linkedAt === null;
  entry.unlinked = { first, firstAuthenticated, isUnsaid };
  // Of what is unsaid some instant has to stand here.
  entry.first = earlierOf(first, linkedAt) ?? any ?? entry.first;
  const isDevice = registry.namespaces.get(entry.namespace)?.kind === "device";
  entry.firstAuthenticated = isDevice ? null : earlierOf(firstAuthenticated, linkedAt);
  return (
    was.isUnsaid !== isUnsaid ||
    !isSameStamp(was.first, entry.first) ||
    !isSameStamp(was.firstAuthenticated, entry.firstAuthenticated)
  );
}

/** The earliest link of it with anything, and the earliest that holds: of each pair the latest ruling does. */
function listLinks(
  rulings: Rulings | null,
  key: string,
): { readonly any: Stamp | null; readonly standing: Stamp | null } {
  const verdicts = new Verdicts(rulings);
  let [any, standing]: [Stamp | null, Stamp | null] = [null, null];
  for (const { a, b, verdict, stamp } of rulings?.values() ?? []) {
    if (verdict !== "linked" || (a !== key && b !== key)) continue;
    any = earlierOf(any, stamp);
    if (verdicts.holding(a, b) === "linked") standing = earlierOf(standing, stamp);
  }
  return { any, standing };
}

function isEarlier(stamp: Stamp, than: Stamp | null): boolean {
  return than === null || compareStamps(stamp, than) < 0;
}

function earlierOf(a: Stamp | null, b: Stamp | null): Stamp | null {
  return b !== null && isEarlier(b, a) ? b : a;
}

/** What was only claimed before it was erased is there again once it is said anew, or by somebody who knows. */
function sayAgain(entry: Entry, identifier: RoutedIdentifier, { t }: Stamp, authenticated: boolean): boolean {
  const { erased } = entry;
  if (erased?.kind !== "claimed" || (identifier.erased ?? null) !== null) return false;
  if (t <= erased.at && !authenticated) return false;
  entry.namespace = identifier.namespace;
  entry.value = identifier.value;
  entry.erased = { ...erased, hidden: false };
  return true;
}

function createEntry({ key, namespace, value, birth }: RoutedIdentifier, stamp: Stamp, authenticated: boolean): Entry {
  return {
    key,
    namespace,
    value,
    birth,
    first: stamp,
    firstAuthenticated: authenticated ? stamp : null,
    unlinked: null,
    statusVersion: 0,
    status: null,
    profile: null,
    claimants: [],
    state: "owned",
    limited: false,
    pending: false,
    fragment: null,
    erased: null,
    ordersListed: 0,
  };
}
