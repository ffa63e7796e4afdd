// Evidence: that two identifiers were asserted together, kept per (pair, source, assurance) with its earliest record.

import { type Assurance, assuranceLevel, isAuthenticated } from "./configuration.ts";
import { isTied } from "./mailbox.ts";
import { isPlainer, type Registry } from "./registry.ts";
import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import { evidenceKey, openAbroad, type Component, type Entry } from "./component.ts";
import type { Engine } from "./engine.ts";
import type { ErasureKind } from "./erasure.ts";
import type { EventItem, RoutedIdentifier } from "./item.ts";
import { tieEvidence, tieIdentifier, type News } from "./region.ts";
import { isGivenUp } from "./ruling.ts";
import { isKnown } from "./weighed.ts";
import type { Workspace } from "./workspace.ts";

/** Takes in what the item asserts, and adds to `news` what of it identity depends on; true where there is anything. */
export function recordEvidence(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  item: EventItem,
  news: News,
): boolean {
  const { identifiers } = item;
  const stamp: Stamp = { t: item.recordedAt, source: item.source, eventId: item.eventId };
  let changed = false;
  const kindOf = ({ namespace }: RoutedIdentifier) => engine.registry.namespaces.get(namespace)?.kind;
  /** True where it is weak and lives here. */
  const touch = ({ key }: RoutedIdentifier): boolean => {
    const entry = component.identifiers.get(key);
    if (entry === undefined || isKnown(engine.registry, entry)) return false;
    news.touched.add(key);
    return true;
  };
  const note = (key: string): void => {
    workspace.change(component, key);
    changed = true;
  };
  for (const identifier of identifiers) {
    const { key, namespace, birth } = identifier;
    if (component.held.has(birth)) {
      const named = component.identifiers.get(key)?.namespace ?? namespace;
      if (!recordEntry(engine, component, identifier, stamp)) continue;
      note(key);
      if (!touch(identifier) || component.identifiers.get(key)?.namespace !== named) news.whole = true;
    } else if (component.abroad?.far.has(key) !== true) {
      openAbroad(component).far.set(key, { key, namespace, birth, version: 0, status: null });
      note(key);
    }
  }
  for (let i = 0; i < identifiers.length; i += 1) {
    const one = identifiers[i] as RoutedIdentifier;
    for (let j = i + 1; j < identifiers.length; j += 1) {
      const other = identifiers[j] as RoutedIdentifier;
      if (!component.held.has(one.birth) && !component.held.has(other.birth)) continue;
      if (!isTied(engine.registry, one, other)) continue;
      const evidence = recordPair(engine, component, one, other, stamp);
      if (evidence === null) continue;
      note(evidence.key);
      const [isOneWeak, isOtherWeak] = [touch(one), touch(other)];
      // What is recorded earlier than was known may be from before an end of it was given up, and count no more.
      if (isReleased(component, one) || isReleased(component, other)) news.whole = true;
      if (isOneWeak || isOtherWeak) continue;
      // Claims between known identifiers move nobody, nor does what ties one to a device that lives elsewhere.
      if (isAuthenticated(evidence.assurance) && kindOf(one) !== "device" && kindOf(other) !== "device")
        news.whole = true;
    }
  }
  return changed;
}

function isReleased(component: Component, { key }: RoutedIdentifier): boolean {
  return isGivenUp(component, key) || (component.abroad?.far.get(key)?.status?.released ?? null) !== null;
}

/** True where it is new, or something about it. */
function recordEntry(engine: Engine, component: Component, identifier: RoutedIdentifier, stamp: Stamp): boolean {
  const { namespace, value, birth, key, assurance } = identifier;
  const authenticated = isAuthenticated(assurance) && engine.registry.namespaces.get(namespace)?.kind !== "device";
  const entry = component.identifiers.get(key);
  if (entry === undefined) {
    const entry = createEntry(key, namespace, value, birth, stamp, authenticated);
    component.identifiers.set(key, entry);
    if ((identifier.erased ?? null) !== null)
      entry.erased = { kind: identifier.erased as ErasureKind, at: stamp.t, hidden: true };
    component.abroad?.far.delete(key);
    tieIdentifier(component, key);
    return true;
  }
  let changed = false;
  if (entry.erased?.hidden === true) {
    if (sayAgain(entry, identifier, stamp, authenticated)) changed = true;
    else if (identifier.erased !== "claimed" && isPlainer(engine.registry, namespace, entry.namespace)) {
      // What it is weighs, as it did.
      entry.namespace = namespace;
      changed = true;
    }
  } else if ((identifier.erased ?? null) === null && isPlainer(engine.registry, namespace, entry.namespace)) {
    entry.namespace = namespace;
    entry.value = value;
    changed = true;
  }
  if (compareStamps(stamp, entry.first) < 0) {
    entry.first = stamp;
    changed = true;
  }
  if (authenticated && (entry.firstAuthenticated === null || compareStamps(stamp, entry.firstAuthenticated) < 0)) {
    entry.firstAuthenticated = stamp;
    changed = true;
  }
  return changed;
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

function createEntry(
  key: string,
  namespace: string,
  value: string,
  birth: string,
  stamp: Stamp,
  authenticated: boolean,
): Entry {
  return {
    key,
    namespace,
    value,
    birth,
    first: stamp,
    firstAuthenticated: authenticated ? stamp : null,
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

type Asserted = Pick<RoutedIdentifier, "namespace" | "assurance">;

/** The lower of the two ends; a device takes the other end's; between two devices it is a claim. */
export function pairAssurance({ namespaces }: Registry, one: Asserted, other: Asserted): Assurance {
  const isDevice = ({ namespace }: Asserted) => namespaces.get(namespace)?.kind === "device";
  if (isDevice(one) && isDevice(other)) return "claimed";
  if (isDevice(one)) return other.assurance;
  if (isDevice(other)) return one.assurance;
  return assuranceLevel(one.assurance) <= assuranceLevel(other.assurance) ? one.assurance : other.assurance;
}

/** What is new, or recorded earlier than was known. */
function recordPair(
  engine: Engine,
  component: Component,
  one: RoutedIdentifier,
  other: RoutedIdentifier,
  stamp: Stamp,
): { readonly key: string; readonly assurance: Assurance } | null {
  const [a, b] = compareText(one.key, other.key) < 0 ? [one.key, other.key] : [other.key, one.key];
  const assurance = pairAssurance(engine.registry, one, other);
  const key = evidenceKey(a, b, stamp.source, assurance);
  const present = component.evidence.get(key);
  if (present === undefined) {
    const evidence = { a, b, source: stamp.source, assurance, stamp };
    component.evidence.set(key, evidence);
    tieEvidence(component, evidence);
    return { key, assurance };
  }
  if (compareStamps(stamp, present.stamp) >= 0) return null;
  present.stamp = stamp;
  return { key, assurance };
}
