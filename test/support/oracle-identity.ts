// The oracle's identity: the design's section 4 over the whole set of evidence, one step after the other.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareStamps, compareText, type Stamp } from "#core/comparison.ts";
import { type Assurance, ASSURANCES, isAuthenticated } from "#core/configuration.ts";
import type { Registry } from "#core/registry.ts";

const NEVER: Stamp = { t: Number.MAX_SAFE_INTEGER, source: "", eventId: "" };

export interface Identifier {
  readonly key: string;
  namespace: string;
  value: string;
  readonly kind: string;
  strength: number;
  first: Stamp;
  firstAuthenticated: Stamp | null;
  quarantined: boolean;
  /** Digests count with the values that they are of. */
  readonly counted: string;
  readonly limits: {
    readonly valuesMax?: number | undefined;
    readonly tiedUniquesMax: number;
    readonly tiedOthersMax: number;
  };
  /** Whom an operator holds it apart from. */
  readonly apart: Set<Identifier>;
  /** Those that count as one value: itself and what replaced it or what it replaced. */
  values: Set<Identifier>;
}

export interface Evidence {
  readonly a: Identifier;
  readonly b: Identifier;
  readonly source: string;
  readonly assurance: Assurance;
  stamp: Stamp;
}

/** A person, or a weak identifier or cluster that is nobody's: what becomes a profile. */
export interface Group {
  readonly members: Set<Identifier>;
  readonly contested: boolean;
}

export function pairOf(a: string, b: string): string {
  return [a, b].toSorted(compareText).join(" ");
}

interface Verdict {
  readonly verdict: string;
  readonly stamp: Stamp;
}

/** Of each pair the latest ruling; a release is about an identifier and itself. */
export function listVerdicts(events: readonly AcceptedEvent[]): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const event of events.toSorted((x, y) => compareStamps(stampOf(x), stampOf(y)))) {
    const { ruling } = event;
    if (ruling === null) continue;
    // What a source told of a pair stands beside what operators ruled of it.
    const pair = pairOf(ruling.one, ruling.other);
    const key = ruling.verdict === "replaced" ? `${pair} replaced` : pair;
    verdicts.set(key, { verdict: ruling.verdict, stamp: stampOf(event) });
  }
  return verdicts;
}

/** Not from before one of its ends was given up. */
export function isStanding(
  { a, b, stamp }: Pick<Evidence, "a" | "b" | "stamp">,
  verdicts: ReadonlyMap<string, Verdict>,
): boolean {
  return [a, b].every(({ key }) => {
    const ruled = verdicts.get(pairOf(key, key));
    return ruled?.verdict !== "released" || compareStamps(stamp, ruled.stamp) > 0;
  });
}

/** It names nobody from then on, and what is kept under it is nobody's. */
export function isGivenUp(key: string, verdicts: ReadonlyMap<string, Verdict>): boolean {
  return verdicts.get(pairOf(key, key))?.verdict === "released";
}

export function stampOf(event: AcceptedEvent): Stamp {
  return { t: event.recordedAt, source: event.source, eventId: event.event.eventId };
}

function earlier(a: Stamp | null, b: Stamp): Stamp {
  return a === null || compareStamps(b, a) < 0 ? b : a;
}

export function listIdentifiers(
  registry: Registry,
  events: readonly AcceptedEvent[],
  verdicts: ReadonlyMap<string, Verdict>,
): Map<string, Identifier> {
  const identifiers = new Map<string, Identifier>();
  const said = new Set<string>();
  const asserted = new Set<string>();
  const isLink = ({ ruling }: AcceptedEvent) => ruling?.verdict === "linked";
  // Links are first, so that whatever else names an identifier says how it is called.
  for (const event of events.toSorted((x, y) => Number(isLink(y)) - Number(isLink(x)))) {
    const { ruling } = event;
    const isTakenBack =
      ruling?.verdict === "linked" && verdicts.get(pairOf(ruling.one, ruling.other))?.verdict !== "linked";
    for (const { key, namespace, value, assurance, erased } of event.identifiers) {
      const { kind, strength, digestOf } = must(registry.namespaces.get(namespace));
      const counted = digestOf ?? namespace;
      const { valuesMax } = must(registry.namespaces.get(counted));
      const stamp = stampOf(event);
      const known = identifiers.get(key);
      const identifier: Identifier = known ?? {
        key,
        namespace,
        value,
        kind,
        strength,
        first: NEVER,
        firstAuthenticated: null,
        quarantined: false,
        counted,
        limits: { ...must(registry.namespaces.get(namespace)), valuesMax },
        apart: new Set(),
        values: new Set(),
      };
      identifier.values.add(identifier);
      // An address and its digest are one; it is shown as the address as soon as anybody has said that.
      // What was claimed before it was erased does not say how it is called.
      const isSaid = (erased ?? null) === null;
      if (isSaid && (namespace === "email" || !said.has(key)))
        Object.assign(identifier, { namespace, value, strength });
      if (isSaid && !isLink(event)) said.add(key);
      identifiers.set(key, identifier);
      // A link that was taken back was never said, but for how it spelt an address.
      if (isTakenBack) continue;
      asserted.add(key);
      identifier.first = earlier(identifier.first, stamp);
      // Devices never become known.
      if (kind !== "device" && isAuthenticated(assurance))
        identifier.firstAuthenticated = earlier(identifier.firstAuthenticated, stamp);
    }
  }
  for (const key of identifiers.keys()) if (!asserted.has(key)) identifiers.delete(key);
  return identifiers;
}

export function isMailbox({ namespace }: Identifier): boolean {
  return namespace === "mailbox";
}

export function isKnown(identifier: Identifier): boolean {
  return identifier.firstAuthenticated !== null;
}

export function listEvidence(
  identifiers: ReadonlyMap<string, Identifier>,
  events: readonly AcceptedEvent[],
): Evidence[] {
  const evidence = new Map<string, Evidence>();
  for (const event of events) {
    for (const x of event.identifiers) {
      for (const y of event.identifiers) {
        if (x.key >= y.key || !isEvidence(x, y)) continue;
        const [a, b] = [identifiers.get(x.key), identifiers.get(y.key)];
        if (a === undefined || b === undefined) continue;
        const assurance = combineAssurance(a, x.assurance, b, y.assurance);
        const id = JSON.stringify([a.key, b.key, event.source, assurance]);
        const known = evidence.get(id) ?? { a, b, source: event.source, assurance, stamp: stampOf(event) };
        known.stamp = earlier(known.stamp, stampOf(event));
        evidence.set(id, known);
      }
    }
  }
  return [...evidence.values()];
}

/** A mailbox belongs to the addresses of the event; with what else that names it has nothing to do. */
function isEvidence(x: { namespace: string }, y: { namespace: string }): boolean {
  const names = [x.namespace, y.namespace];
  return !names.includes("mailbox") || names.includes("email");
}

/** The lower of the two ends; a device takes the other end's; two devices claim. */
function combineAssurance(a: Identifier, ofA: Assurance, b: Identifier, ofB: Assurance): Assurance {
  if (a.kind === "device" && b.kind === "device") return "claimed";
  if (a.kind === "device") return ofB;
  if (b.kind === "device") return ofA;
  return ASSURANCES.indexOf(ofA) < ASSURANCES.indexOf(ofB) ? ofA : ofB;
}

/** I4, from the evidence alone. */
export function markQuarantined(
  identifiers: ReadonlyMap<string, Identifier>,
  evidence: readonly Evidence[],
  joinLevel: number,
): void {
  for (const identifier of identifiers.values()) {
    const ties = evidence
      .filter(({ a, b }) => a === identifier || b === identifier)
      .map(({ a, b, assurance }) => ({ other: a === identifier ? b : a, assurance }));
    const neighbours = new Set(ties.map(({ other }) => other).filter((other) => !isMailbox(other)));
    const uniques = ties.filter(
      ({ other, assurance }) =>
        other.kind === "unique" && isAuthenticated(assurance) && other.values !== identifier.values,
    );
    // What is one succession is one value where evidence brings any of it to this home.
    const joined = new Set(
      uniques.filter(({ assurance }) => ASSURANCES.indexOf(assurance) >= joinLevel).map(({ other }) => other.values),
    );
    const loose = new Set(uniques.map(({ other }) => other).filter(({ values }) => !joined.has(values)));
    identifier.quarantined = isKnown(identifier)
      ? joined.size + loose.size > identifier.limits.tiedUniquesMax
      : neighbours.size > identifier.limits.tiedOthersMax;
  }
}

/** I3: no namespace of kind unique with two values, nor more than its limit; and nobody whom an operator holds apart. */
function isAdmissible(members: readonly Identifier[]): boolean {
  return members.every((member) => {
    if (members.some((other) => member.apart.has(other))) return false;
    const values = new Set(members.filter((one) => one.counted === member.counted).map((one) => one.values));
    return values.size <= (member.kind === "unique" ? 1 : (member.limits.valuesMax ?? values.size));
  });
}

type Grouping = Map<Identifier, Group>;

function unite(grouping: Grouping, a: Identifier, b: Identifier): void {
  const [ga, gb] = [must(grouping.get(a)), must(grouping.get(b))];
  if (ga === gb || !isAdmissible([...ga.members, ...gb.members])) return;
  for (const member of gb.members) {
    ga.members.add(member);
    grouping.set(member, ga);
  }
}

function found(identifier: Identifier, contested = false): Group {
  return { members: new Set([identifier]), contested };
}

/** The rule of section 4: groups that become profiles, and the contested shareables shown on each. */
export function groupIdentifiers(
  identifiers: readonly Identifier[],
  all: readonly Evidence[],
  joinLevel: number,
): { groups: Group[]; shown: Map<Group, Set<Identifier>> } {
  const evidence = all.filter(({ a, b }) => !a.quarantined && !b.quarantined);
  const grouping: Grouping = new Map();
  const shown = new Map<Group, Set<Identifier>>();

  // 1. Persons by strong evidence.
  const persons = identifiers.filter((i) => isKnown(i) && i.kind !== "shareable");
  for (const identifier of persons) grouping.set(identifier, found(identifier));
  const strong = evidence.filter(
    ({ a, b, assurance }) => isKnown(a) && isKnown(b) && ASSURANCES.indexOf(assurance) >= joinLevel,
  );
  const strength = ({ a, b }: Evidence) => Math.min(a.strength, b.strength);
  const sorted = strong.toSorted(
    (x, y) =>
      ASSURANCES.indexOf(y.assurance) - ASSURANCES.indexOf(x.assurance) ||
      strength(y) - strength(x) ||
      compareStamps(x.stamp, y.stamp) ||
      compareText(x.a.key, y.a.key) ||
      compareText(x.b.key, y.b.key),
  );
  for (const { a, b } of sorted) if (a.kind !== "shareable" && b.kind !== "shareable") unite(grouping, a, b);

  // A known shareable belongs to its only strong claimant.
  for (const shareable of identifiers
    .filter((i) => isKnown(i) && i.kind === "shareable")
    .toSorted((x, y) => compareText(x.key, y.key))) {
    const claimants = new Set<Group>();
    // Claims of what replaced it, or what it replaced, are claims of it.
    for (const one of shareable.quarantined ? [] : shareable.values) {
      for (const { a, b } of strong) {
        const other = a === one ? b : b === one ? a : null;
        if (other === null || other.kind === "shareable") continue;
        const claimant = must(grouping.get(other));
        const isApart = (from: Identifier) => [...claimant.members].some((member) => member.apart.has(from));
        // Of what has been attached since only the one that is weighed is held apart.
        const wasApart = [...claimant.members].some((member) => member.kind !== "shareable" && member.apart.has(one));
        if (!wasApart && !isApart(shareable)) claimants.add(claimant);
      }
    }
    const [claimant] = claimants;
    if (claimants.size > 1) {
      for (const group of claimants) shown.set(group, (shown.get(group) ?? new Set()).add(shareable));
    } else if (claimant === undefined) grouping.set(shareable, found(shareable));
    else {
      claimant.members.add(shareable);
      grouping.set(shareable, claimant);
    }
  }

  // 2. Weak identifiers by sole claim. Owners of the known ones stand from here on.
  const weak = identifiers.filter((i) => !isKnown(i));
  const claims = new Map(weak.map((identifier) => [identifier, findClaims(identifier, evidence, grouping)]));
  // Those without a claimant cluster, and the cluster follows the claimants of what it is tied to.
  const unclaimed = weak.filter((identifier) => must(claims.get(identifier)).claimants.size === 0);
  const clusters: Grouping = new Map(unclaimed.map((identifier) => [identifier, found(identifier)]));
  const ties = evidence.filter(({ a, b }) => !isKnown(a) && !isKnown(b));
  for (const { a, b } of ties.toSorted(
    (x, y) => compareStamps(x.stamp, y.stamp) || compareText(x.a.key, y.a.key) || compareText(x.b.key, y.b.key),
  ))
    if (clusters.has(a) && clusters.has(b)) unite(clusters, a, b);
  // Claimed identifiers and clusters are units: each attaches to its sole claimant, earliest claim first.
  const units = weak
    .filter((identifier) => !clusters.has(identifier))
    .map((identifier) => ({ group: found(identifier), ...must(claims.get(identifier)) }));
  for (const cluster of new Set(clusters.values())) {
    const claimants = new Set<Group>();
    let stamp: Stamp | null = null;
    for (const tie of ties) {
      const inside = [tie.a, tie.b].filter((end) => clusters.get(end) === cluster);
      const outside = [tie.a, tie.b].filter((end) => !clusters.has(end));
      if (inside.length !== 1 || outside.length !== 1) continue;
      for (const claimant of must(claims.get(must(outside[0]))).claimants) claimants.add(claimant);
      stamp = earlier(stamp, tie.stamp);
    }
    units.push({ group: cluster, claimants, stamp });
  }
  const keyOf = (group: Group) => must([...group.members].map(({ key }) => key).toSorted(compareText)[0]);
  units.sort(
    (x, y) => compareStamps(x.stamp ?? NEVER, y.stamp ?? NEVER) || compareText(keyOf(x.group), keyOf(y.group)),
  );
  for (const { group, claimants } of units) {
    const [owner] = claimants;
    if (claimants.size === 1 && attach(grouping, group, must(owner))) continue;
    const own: Group = { members: group.members, contested: claimants.size > 0 };
    for (const member of own.members) grouping.set(member, own);
  }
  // A mailbox by itself is nobody.
  const groups = [...new Set(grouping.values())].filter(({ members }) => [...members].some((one) => !isMailbox(one)));
  return { groups, shown };
}

/** False where it would bring a second value of a unique namespace to the person. */
function attach(grouping: Grouping, group: Group, owner: Group): boolean {
  if (!isAdmissible([...owner.members, ...group.members])) return false;
  for (const member of group.members) {
    owner.members.add(member);
    grouping.set(member, owner);
  }
  return true;
}

/** Where some claims are authenticated, only those count. */
function findClaims(
  weak: Identifier,
  evidence: readonly Evidence[],
  grouping: Grouping,
): { claimants: Set<Group>; stamp: Stamp | null } {
  const claims = evidence.flatMap(({ a, b, assurance, stamp }) => {
    const other = a === weak ? b : b === weak ? a : null;
    const claimant = other !== null && isKnown(other) ? grouping.get(other) : undefined;
    return claimant === undefined ? [] : [{ claimant, assurance, stamp }];
  });
  const authenticated = claims.filter(({ assurance }) => isAuthenticated(assurance));
  const counting = authenticated.length > 0 ? authenticated : claims;
  const claimants = new Set(counting.map(({ claimant }) => claimant));
  return { claimants, stamp: counting.reduce<Stamp | null>((first, { stamp }) => earlier(first, stamp), null) };
}

/** What the lines above it have seen to. */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("the oracle contradicts itself");
  return value;
}
