// Evidence: that two identifiers were asserted together, kept per (pair, source, assurance) with its earliest record.

import { recordEntry } from "./assertion.ts";
import { type Assurance, assuranceLevel, isAuthenticated } from "./configuration.ts";
import { isTied } from "./mailbox.ts";
import type { Registry } from "./registry.ts";
import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import { evidenceKey, isUntold, openAbroad, type Component } from "./component.ts";
import type { Engine } from "./engine.ts";
import type { EventItem, RoutedIdentifier } from "./item.ts";
import { tieEvidence, type News } from "./region.ts";
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
  const isLink = item.ruling?.verdict === "linked";
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
      const before = component.identifiers.get(key);
      const [named, wasUntold] = [before?.namespace ?? namespace, before !== undefined && isUntold(before)];
      if (!recordEntry(engine.registry, component, identifier, stamp, isLink)) continue;
      note(key);
      if (!touch(identifier) || wasUntold || component.identifiers.get(key)?.namespace !== named) news.whole = true;
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
