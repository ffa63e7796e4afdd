// Evidence: that two identifiers were asserted together, kept per (pair, source, assurance) with its earliest record.

import { type Assurance, assuranceLevel, isAuthenticated } from "./configuration.ts";
import { isPlainer } from "./registry.ts";
import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import { openAbroad, type Component, type Entry } from "./component.ts";
import type { Engine } from "./engine.ts";
import type { EventItem, RoutedIdentifier } from "./item.ts";

/** Takes in what the item asserts; true where anything that identity depends on is new. */
export function recordEvidence(engine: Engine, component: Component, item: EventItem): boolean {
  const stamp: Stamp = { t: item.recordedAt, source: item.source, eventId: item.eventId };
  let changed = false;
  for (const identifier of item.identifiers) {
    if (component.held.has(identifier.birth)) changed = recordEntry(engine, component, identifier, stamp) || changed;
    else if (component.abroad?.far.has(identifier.key) !== true) {
      const { key, namespace, birth } = identifier;
      openAbroad(component).far.set(key, { key, namespace, birth, version: 0, status: null });
      changed = true;
    }
  }
  for (const [i, one] of item.identifiers.entries()) {
    for (const other of item.identifiers.slice(i + 1)) {
      if (!component.held.has(one.birth) && !component.held.has(other.birth)) continue;
      changed = recordPair(engine, component, one, other, stamp) || changed;
    }
  }
  return changed;
}

function recordEntry(engine: Engine, component: Component, identifier: RoutedIdentifier, stamp: Stamp): boolean {
  const { namespace, value, birth, key, assurance } = identifier;
  const authenticated = isAuthenticated(assurance) && engine.registry.namespaces.get(namespace)?.kind !== "device";
  const entry = component.identifiers.get(key);
  if (entry === undefined) {
    component.identifiers.set(key, createEntry(key, namespace, value, birth, stamp, authenticated));
    component.abroad?.far.delete(key);
    return true;
  }
  let changed = false;
  if (isPlainer(engine.registry, namespace, entry.namespace)) {
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
    ordersListed: 0,
  };
}

/** The lower of the two ends; a device takes the other end's; between two devices it is a claim. */
function pairAssurance(engine: Engine, one: RoutedIdentifier, other: RoutedIdentifier): Assurance {
  const isDevice = (identifier: RoutedIdentifier) =>
    engine.registry.namespaces.get(identifier.namespace)?.kind === "device";
  if (isDevice(one) && isDevice(other)) return "claimed";
  if (isDevice(one)) return other.assurance;
  if (isDevice(other)) return one.assurance;
  return assuranceLevel(one.assurance) <= assuranceLevel(other.assurance) ? one.assurance : other.assurance;
}

export function evidenceKey(a: string, b: string, source: string, assurance: Assurance): string {
  return `${a} ${b} ${source} ${assurance}`;
}

function recordPair(
  engine: Engine,
  component: Component,
  one: RoutedIdentifier,
  other: RoutedIdentifier,
  stamp: Stamp,
): boolean {
  const [a, b] = compareText(one.key, other.key) < 0 ? [one.key, other.key] : [other.key, one.key];
  const assurance = pairAssurance(engine, one, other);
  const key = evidenceKey(a, b, stamp.source, assurance);
  const present = component.evidence.get(key);
  if (present === undefined) {
    component.evidence.set(key, { a, b, source: stamp.source, assurance, stamp });
    return true;
  }
  if (compareStamps(stamp, present.stamp) >= 0) return false;
  present.stamp = stamp;
  return true;
}
