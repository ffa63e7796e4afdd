// What would come of it, were something more said of two identifiers: the rule of weighing.ts over the components that have
// to do with them, as one, with one more record. What the door would refuse cannot be supposed.

import { acceptEvent, type AcceptedEvent } from "./acceptance.ts";
import { restate } from "./assertion.ts";
import { compareStamps, compareText, type Stamp } from "./comparison.ts";
import { createComponent, evidenceKey, isHidden, openAbroad, type Component, type Entry } from "./component.ts";
import { isAuthenticated } from "./configuration.ts";
import { isWithoutFacts } from "./declaration.ts";
import type { ChannelEvent } from "./event.ts";
import { pairAssurance } from "./evidence.ts";
import { identifierKey } from "./identifier.ts";
import { isTied } from "./mailbox.ts";
import type { Registry } from "./registry.ts";
import { createRuling, takeRuling } from "./ruling.ts";
import { mayName } from "./settlement.ts";
import { findGroup, type Weighed } from "./weighed.ts";
import { weighComponent } from "./weighing.ts";

/** Later than whatever is on record. */
const LATER: Stamp = { t: Date.UTC(2099, 0, 1), source: "", eventId: "supposed" };

/** Components of which the identifiers have to do with each other, as one component; what lives in none of them is far. */
export function gatherWorld(components: Iterable<Component>): Component {
  const all = [...new Map(Array.from(components, (one) => [one.id, one])).values()];
  const world = createComponent(all[0]?.id ?? "");
  for (const { held, identifiers, evidence, rulings, abroad } of all) {
    for (const birth of held) world.held.add(birth);
    for (const [key, entry] of identifiers) world.identifiers.set(key, entry);
    for (const [key, one] of evidence) {
      const known = world.evidence.get(key);
      if (known === undefined || compareStamps(one.stamp, known.stamp) < 0) world.evidence.set(key, one);
    }
    for (const ruling of rulings?.values() ?? []) takeRuling((world.rulings ??= new Map()), ruling);
    for (const [key, end] of abroad?.far ?? []) {
      // Of one that several of them know of, what was heard last.
      const { far } = openAbroad(world);
      if (end.version >= (far.get(key)?.version ?? 0)) far.set(key, end);
    }
  }
  for (const key of world.identifiers.keys()) world.abroad?.far.delete(key);
  return world;
}

export interface Saying {
  readonly source: string;
  readonly type: string;
  readonly one: Entry;
  readonly other: Entry;
}

/** The record of it, as a source would send it. */
export function tellOf({ type, one, other }: Saying, eventId: string, occurredAt: number): ChannelEvent {
  const names = [one, other].map(({ namespace, value }) => ({ namespace, value }));
  const replaced = { namespace: one.namespace, old: one.value, new: other.value };
  return type === "identifier-replaced"
    ? { eventId, type, occurredAt, identifiers: [], replaced }
    : { eventId, type, occurredAt, identifiers: names };
}

/** The world in which that was said too; null: the door refuses it, or it does not say it of both. */
export function suppose(registry: Registry, world: Component, saying: Saying): Component | null {
  const acceptance = acceptEvent(registry, saying.source, LATER.t, tellOf(saying, LATER.eventId, LATER.t));
  if (!acceptance.ok) return null;
  const accepted = inTheirLives(registry, acceptance.accepted, [saying.one, saying.other]);
  const keys = new Set(accepted.identifiers.map(({ key }) => key));
  if (!keys.has(saying.one.key) || !keys.has(saying.other.key)) return null;
  const stamp = { ...LATER, source: saying.source };
  const next: Component = { ...world, memberships: null, ties: null };
  if (accepted.ruling !== null) {
    const { one, other, verdict } = accepted.ruling;
    const rulings = new Map(world.rulings ?? []);
    takeRuling(rulings, createRuling(one, other, verdict, stamp));
    const identifiers = new Map(world.identifiers);
    Object.assign(next, { rulings, identifiers });
    for (const key of [one, other]) {
      const entry = identifiers.get(key);
      if (entry !== undefined) identifiers.set(key, { ...entry });
      restate(registry, next, key);
    }
  }
  if (isWithoutFacts(accepted) && accepted.ruling?.verdict !== "linked") return next;
  return { ...next, ...assert(registry, next, accepted, stamp) };
}

/** Keys of the lives that the identifiers live in (erasure.ts). */
function inTheirLives(registry: Registry, accepted: AcceptedEvent, entries: readonly Entry[]): AcceptedEvent {
  const lives = new Map(
    entries.map(({ namespace, value, key }) => [identifierKey(registry, namespace, value), key] as const),
  );
  const lifeOf = (key: string) => lives.get(key) ?? key;
  const { ruling } = accepted;
  return {
    ...accepted,
    identifiers: accepted.identifiers.map((one) => ({ ...one, key: lifeOf(one.key) })),
    ruling: ruling === null ? null : { ...ruling, one: lifeOf(ruling.one), other: lifeOf(ruling.other) },
  };
}

function assert(
  registry: Registry,
  world: Component,
  { identifiers: said, source }: AcceptedEvent,
  stamp: Stamp,
): Pick<Component, "identifiers" | "evidence"> {
  const identifiers = new Map(world.identifiers);
  const evidence = new Map(world.evidence);
  for (const { key, namespace, assurance } of said) {
    const entry = identifiers.get(key);
    const isKnown = isAuthenticated(assurance) && registry.namespaces.get(namespace)?.kind !== "device";
    if (entry !== undefined && isKnown && entry.firstAuthenticated === null)
      identifiers.set(key, { ...entry, firstAuthenticated: stamp });
  }
  for (const one of said)
    for (const other of said) {
      if (compareText(one.key, other.key) >= 0 || !identifiers.has(one.key) || !identifiers.has(other.key)) continue;
      if (!isTied(registry, one, other)) continue;
      const assurance = pairAssurance(registry, one, other);
      const key = evidenceKey(one.key, other.key, source, assurance);
      // Said again it is no more than it was.
      if (!evidence.has(key)) evidence.set(key, { a: one.key, b: other.key, source, assurance, stamp });
    }
  return { identifiers, evidence };
}

/** Two identifiers of a world on its scales, and who is with them. */
export interface Pair {
  readonly one: Weighed;
  readonly other: Weighed;
  /** They belong together, */
  readonly isTogether: boolean;
  /** and are on one profile: somebody names it. */
  readonly isOne: boolean;
  readonly all: readonly Weighed[];
}

export function weighPair(registry: Registry, world: Component, one: string, other: string): Pair | null {
  const { identifiers } = weighComponent(registry, world);
  const [a, b] = [one, other].map((key) => identifiers.find(({ entry }) => entry.key === key));
  if (a === undefined || b === undefined) return null;
  const group = findGroup(a);
  const isTogether = group === findGroup(b);
  const isNamed = identifiers.some((one) => findGroup(one) === group && mayName(registry, world, one.entry));
  const isOne = isTogether && isNamed && !isHidden(a.entry) && !isHidden(b.entry);
  return { one: a, other: b, isTogether, isOne, all: identifiers };
}
