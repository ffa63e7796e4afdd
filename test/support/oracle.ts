// The design's sections 4, 5, 6 and 12 as one slow, obvious batch recomputation over the set of events: no components,
// no homes, no increments. Written from the design alone; it shares with the engine only the door (acceptEvent), the
// compiled ladder and the format of a profile id.

import { acceptEvent, type AcceptedEvent } from "#core/acceptance.ts";
import { createRegistry, type Registry } from "#core/registry.ts";
import { type Assurance, ASSURANCES, type Configuration, isAuthenticated } from "#core/configuration.ts";
import { isWithoutFacts } from "#core/declaration.ts";
import { compareStamps, compareText, type Stamp } from "#core/comparison.ts";
import type { ChannelEvent, OrderLine, OrderPart, Scalar } from "#core/event.ts";
import type { Hash } from "#core/identifier.ts";
import { profileId } from "#core/profile.ts";
import { compileLadder } from "#core/segment.ts";
import type { People } from "#services/wire/profile-reader.ts";

export interface RecordedEvent {
  readonly source: string;
  readonly recordedAt: number;
  readonly event: ChannelEvent;
}

export interface OracleOrder {
  readonly orderId: string;
  readonly status: string;
  readonly source: string;
  readonly currency: string;
  readonly totalMinor: number;
  readonly lines: readonly OrderLine[];
}

export interface OracleProfile {
  readonly profileId: string;
  readonly identifiers: readonly { key: string; namespace: string; value: string; state: string }[];
  readonly segment: string;
  readonly orders: readonly OracleOrder[];
  readonly validOrders: number;
  readonly spentMinor: Readonly<Record<string, number>>;
  readonly traits: Readonly<Record<string, { value: Scalar; source: string; at: number }>>;
  readonly counters: Readonly<Record<string, number>>;
  /** occurredAt of the cart activity that nothing has followed; null: none, or emptied, or followed by a valid order. */
  readonly abandonedAt: number | null;
}

export interface OraclePeople {
  readonly profiles: readonly OracleProfile[];
  readonly unattributedOrders: number;
  /** Distinct orders of sources trusted for orders: P4's right-hand side. */
  readonly orders: number;
}

const NEVER: Stamp = { t: Number.MAX_SAFE_INTEGER, source: "", eventId: "" };

interface Identifier {
  readonly key: string;
  namespace: string;
  value: string;
  readonly kind: string;
  strength: number;
  first: Stamp;
  firstAuthenticated: Stamp | null;
  quarantined: boolean;
  readonly limits: { readonly valuesMax?: number; readonly tiedUniquesMax: number; readonly tiedOthersMax: number };
  /** Whom an operator holds it apart from. */
  readonly apart: Set<Identifier>;
  /** Those that count as one value: itself and what replaced it or what it replaced. */
  values: Set<Identifier>;
}

interface Evidence {
  readonly a: Identifier;
  readonly b: Identifier;
  readonly assurance: Assurance;
  stamp: Stamp;
}

/** A person, or a weak identifier or cluster that is nobody's: what becomes a profile. */
interface Group {
  readonly members: Set<Identifier>;
  readonly contested: boolean;
}

export function recomputePeople(
  events: readonly RecordedEvent[],
  configuration: Configuration,
  hash: Hash,
): OraclePeople {
  const registry = createRegistry(configuration, hash);
  const accepted = chooseDistinct(events).flatMap(({ source, recordedAt, event }) => {
    const acceptance = acceptEvent(registry, source, recordedAt, event);
    return acceptance.ok ? [acceptance.accepted] : [];
  });
  const verdicts = listVerdicts(accepted);
  const telling = accepted.filter((event) => !isWithoutFacts(event) || event.ruling?.verdict === "linked");
  const identifiers = listIdentifiers(registry, telling);
  const evidence = listEvidence(identifiers, telling).filter((one) => {
    const { a, b } = one;
    if (!isStanding(one, verdicts)) return false;
    const verdict = verdicts.get(pairOf(a.key, b.key))?.verdict;
    return verdict !== "cut" && verdict !== "apart";
  });
  for (const [pair, { verdict }] of verdicts) {
    const [a, b] = pair.split(" ").map((key) => identifiers.get(key));
    if (a === undefined || b === undefined) continue;
    if (verdict === "apart") a.apart.add(b);
    if (verdict === "apart") b.apart.add(a);
    if (verdict !== "replaced") continue;
    // All that replaced each other, directly or not, share one set.
    for (const one of b.values) a.values.add(one);
    for (const one of a.values) one.values = a.values;
  }
  markQuarantined(identifiers, evidence);
  const { groups, shown } = groupIdentifiers(
    [...identifiers.values()],
    evidence,
    ASSURANCES.indexOf(configuration.joinAssurance),
  );
  const orders = listOrders(registry, accepted);
  const attributed = new Set<OrderFacts>();
  const profiles = groups.map((group) => {
    const own = orders.filter((order) => [...group.members].some((member) => member.key === order.owner));
    for (const order of own) attributed.add(order);
    const facts = accepted.filter(
      (event) => !isWithoutFacts(event) && [...group.members].some((member) => member.key === event.anchor),
    );
    return describeGroup(registry, group, shown.get(group) ?? new Set(), own, facts);
  });
  return {
    profiles: profiles.sort((a, b) => compareText(a.profileId, b.profileId)),
    unattributedOrders: orders.length - attributed.size,
    orders: orders.length,
  };
}

/** P1: the first recorded of each (source, eventId), then the smallest bytes. */
function chooseDistinct(events: readonly RecordedEvent[]): RecordedEvent[] {
  const chosen = new Map<string, RecordedEvent>();
  for (const event of events) {
    const id = JSON.stringify([event.source, event.event.eventId]);
    const other = chosen.get(id);
    const order =
      other === undefined
        ? -1
        : event.recordedAt - other.recordedAt || compareText(JSON.stringify(event.event), JSON.stringify(other.event));
    if (order < 0) chosen.set(id, event);
  }
  return [...chosen.values()];
}

function pairOf(a: string, b: string): string {
  return [a, b].toSorted(compareText).join(" ");
}

interface Verdict {
  readonly verdict: string;
  readonly stamp: Stamp;
}

/** Of each pair the latest ruling; a release is about an identifier and itself. */
function listVerdicts(events: readonly AcceptedEvent[]): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const event of events.toSorted((x, y) => compareStamps(stampOf(x), stampOf(y)))) {
    const { ruling } = event;
    if (ruling !== null)
      verdicts.set(pairOf(ruling.one, ruling.other), { verdict: ruling.verdict, stamp: stampOf(event) });
  }
  return verdicts;
}

/** Not from before one of its ends was given up. */
function isStanding({ a, b, stamp }: Evidence, verdicts: ReadonlyMap<string, Verdict>): boolean {
  return [a, b].every(({ key }) => {
    const ruled = verdicts.get(pairOf(key, key));
    return ruled?.verdict !== "released" || compareStamps(stamp, ruled.stamp) > 0;
  });
}

function stampOf(event: AcceptedEvent): Stamp {
  return { t: event.recordedAt, source: event.source, eventId: event.event.eventId };
}

function earlier(a: Stamp | null, b: Stamp): Stamp {
  return a === null || compareStamps(b, a) < 0 ? b : a;
}

function listIdentifiers(registry: Registry, events: readonly AcceptedEvent[]): Map<string, Identifier> {
  const identifiers = new Map<string, Identifier>();
  for (const event of events) {
    for (const { key, namespace, value, assurance } of event.identifiers) {
      const { kind, strength } = must(registry.namespaces.get(namespace));
      const stamp = stampOf(event);
      const known = identifiers.get(key);
      const identifier: Identifier = known ?? {
        key,
        namespace,
        value,
        kind,
        strength,
        first: stamp,
        firstAuthenticated: null,
        quarantined: false,
        limits: must(registry.namespaces.get(namespace)),
        apart: new Set(),
        values: new Set(),
      };
      identifier.values.add(identifier);
      // An address and its digest are one; it is shown as the address as soon as anybody has said that.
      if (namespace === "email") Object.assign(identifier, { namespace, value, strength });
      identifier.first = earlier(identifier.first, stamp);
      // Devices never become known.
      if (kind !== "device" && isAuthenticated(assurance))
        identifier.firstAuthenticated = earlier(identifier.firstAuthenticated, stamp);
      identifiers.set(key, identifier);
    }
  }
  return identifiers;
}

function isKnown(identifier: Identifier): boolean {
  return identifier.firstAuthenticated !== null;
}

function listEvidence(identifiers: ReadonlyMap<string, Identifier>, events: readonly AcceptedEvent[]): Evidence[] {
  const evidence = new Map<string, Evidence>();
  for (const event of events) {
    for (const x of event.identifiers) {
      for (const y of event.identifiers) {
        if (x.key >= y.key) continue;
        const [a, b] = [must(identifiers.get(x.key)), must(identifiers.get(y.key))];
        const assurance = combineAssurance(a, x.assurance, b, y.assurance);
        const id = JSON.stringify([a.key, b.key, event.source, assurance]);
        const known = evidence.get(id) ?? { a, b, assurance, stamp: stampOf(event) };
        known.stamp = earlier(known.stamp, stampOf(event));
        evidence.set(id, known);
      }
    }
  }
  return [...evidence.values()];
}

/** The lower of the two ends; a device takes the other end's; two devices claim. */
function combineAssurance(a: Identifier, ofA: Assurance, b: Identifier, ofB: Assurance): Assurance {
  if (a.kind === "device" && b.kind === "device") return "claimed";
  if (a.kind === "device") return ofB;
  if (b.kind === "device") return ofA;
  return ASSURANCES.indexOf(ofA) < ASSURANCES.indexOf(ofB) ? ofA : ofB;
}

/** I4, from the evidence alone. */
function markQuarantined(identifiers: ReadonlyMap<string, Identifier>, evidence: readonly Evidence[]): void {
  for (const identifier of identifiers.values()) {
    const uniques = new Set<Identifier>();
    const neighbours = new Set<Identifier>();
    for (const { a, b, assurance } of evidence) {
      if (a !== identifier && b !== identifier) continue;
      const other = a === identifier ? b : a;
      neighbours.add(other);
      if (other.kind === "unique" && isAuthenticated(assurance)) uniques.add(other);
    }
    identifier.quarantined = isKnown(identifier)
      ? uniques.size > identifier.limits.tiedUniquesMax
      : neighbours.size > identifier.limits.tiedOthersMax;
  }
}

/** I3: no namespace of kind unique with two values, nor more than its limit; and nobody whom an operator holds apart. */
function isAdmissible(members: readonly Identifier[]): boolean {
  return members.every((member) => {
    if (members.some((other) => member.apart.has(other))) return false;
    const values = new Set(members.filter((one) => one.namespace === member.namespace).map((one) => one.values));
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
function groupIdentifiers(
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
    for (const { a, b } of strong) {
      const other = a === shareable ? b : b === shareable ? a : null;
      if (other === null || other.kind === "shareable") continue;
      const claimant = must(grouping.get(other));
      if (![...claimant.members].some((member) => member.apart.has(shareable))) claimants.add(claimant);
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
  return { groups: [...new Set(grouping.values())], shown };
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

interface OrderFacts {
  readonly owner: string | null;
  /** When it was placed or paid first. */
  readonly at: number;
  readonly order: OracleOrder;
  readonly valid: boolean;
  readonly spentMinor: number;
}

/** Orders of the sources trusted for them, by (origin, orderId). */
function listOrders(registry: Registry, events: readonly AcceptedEvent[]): OrderFacts[] {
  const byKey = new Map<string, AcceptedEvent[]>();
  for (const event of events) {
    const trusted = must(registry.sources.get(event.source)).trustedForOrders;
    if (!trusted || event.order === null || !event.event.type.startsWith("order-")) continue;
    byKey.set(event.order.key, [...(byKey.get(event.order.key) ?? []), event]);
  }
  return [...byKey.values()].map((told) => describeOrder(registry, told));
}

function describeOrder(registry: Registry, told: readonly AcceptedEvent[]): OrderFacts {
  const recorded = told.toSorted((a, b) => compareStamps(stampOf(a), stampOf(b)));
  const naming = recorded.filter((event) => event.identifiers.length > 0);
  const owner = (naming.find(({ event }) => event.type === "order-placed") ?? naming[0])?.anchor ?? null;
  const has = (type: string, status: string) =>
    told.some(
      ({ event }) => event.type === type || (event.type !== "order-returned" && event.order?.status === status),
    );
  const { lines, totalMinor, currency, source } = chooseContent(registry, recorded);
  const returns = told.filter(({ event }) => event.type === "order-returned").map(({ event }) => must(event.order));
  const placed = has("order-placed", "placed") || has("order-paid", "paid");
  const returnedMinor = returns.reduce((sum, part) => sum + sumReturned(part, totalMinor), 0);
  const whole = returns.length > 0 && (!placed || isWhollyReturned(lines, totalMinor, returns, returnedMinor));
  const cancelled = has("order-cancelled", "cancelled");
  const valid = placed && !cancelled && !whole && totalMinor >= 0 && lines.some(({ quantity }) => quantity > 0);
  const statuses: [boolean, string][] = [
    [cancelled, "cancelled"],
    [has("order-refunded", "refunded"), "refunded"],
    [whole, "returned"],
    [returns.length > 0, "partly-returned"],
    [has("order-paid", "paid"), "paid"],
    [true, "placed"],
  ];
  const [, status] = must(statuses.find(([holds]) => holds));
  const orderId = must(must(recorded[0]).event.order).orderId;
  const order = { orderId, status, source, currency, totalMinor, lines };
  const says = (event: ChannelEvent) => event.type === "order-placed" || event.type === "order-paid";
  const at = Math.min(
    ...(placed ? told.filter(({ event }) => says(event)) : told).map(({ event }) => event.occurredAt),
  );
  return { owner, at, order, valid, spentMinor: valid ? Math.max(0, totalMinor - returnedMinor) : 0 };
}

/** The lines are the best ones told; the money is that of the best event that speaks of lines or money. */
function chooseContent(registry: Registry, recorded: readonly AcceptedEvent[]) {
  const types = ["order-placed", "order-paid", "order-updated"];
  const best = recorded
    .filter(({ event }) => types.includes(event.type))
    .toSorted((a, b) => compareSurvivors(registry, a, b) || compareText(b.source, a.source) || compareIds(b, a));
  const withLines = best.find(({ event }) => isPresent(event.order?.lines));
  const withMoney = best.find(({ event }) => isPresent(event.order?.lines) || isPresent(event.order?.totalMinor));
  const basis = withMoney ?? must(recorded[0]);
  const sold = basis.event.order?.lines ?? [];
  return {
    lines: withLines?.event.order?.lines ?? sold,
    totalMinor:
      basis.event.order?.totalMinor ?? sold.reduce((sum, line) => sum + line.quantity * line.unitPriceMinor, 0),
    currency: basis.event.order?.currency ?? must(registry.sources.get(basis.source)).currency,
    source: basis.source,
  };
}

/** What a return takes off: its lines, else its total, else everything. */
function sumReturned({ lines, totalMinor }: OrderPart, ofOrder: number): number {
  const sum = (lines ?? []).reduce((minor, line) => minor + Math.abs(line.quantity * line.unitPriceMinor), 0);
  return (lines ?? []).length > 0 ? sum : Math.abs(totalMinor ?? ofOrder);
}

function isWhollyReturned(
  lines: readonly OrderLine[],
  totalMinor: number,
  returns: readonly OrderPart[],
  returnedMinor: number,
): boolean {
  const blanket = returns.filter((part) => (part.lines ?? []).length === 0);
  if (blanket.some((part) => Math.abs(part.totalMinor ?? totalMinor) >= totalMinor)) return true;
  if (returnedMinor >= totalMinor && totalMinor > 0) return true;
  return lines.every(({ productId, quantity }) => {
    const ordered = lines.filter((line) => line.productId === productId && line.quantity > 0);
    const back = returns.flatMap((part) => part.lines ?? []).filter((line) => line.productId === productId);
    const sum = (list: readonly OrderLine[]) => list.reduce((total, line) => total + Math.abs(line.quantity), 0);
    return quantity <= 0 || sum(back) >= sum(ordered);
  });
}

/** P3: source rank, then latest occurredAt; whoever sorts adds the fixed tie-break. */
function compareSurvivors(registry: Registry, a: AcceptedEvent, b: AcceptedEvent): number {
  const rank = (event: AcceptedEvent) => must(registry.sources.get(event.source)).rank;
  return rank(a) - rank(b) || b.event.occurredAt - a.event.occurredAt;
}

function compareIds(a: AcceptedEvent, b: AcceptedEvent): number {
  return compareText(a.event.eventId, b.event.eventId);
}

function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function describeGroup(
  registry: Registry,
  group: Group,
  contested: ReadonlySet<Identifier>,
  orders: readonly OrderFacts[],
  facts: readonly AcceptedEvent[],
): OracleProfile {
  const members = [...group.members];
  const spentMinor: Record<string, number> = {};
  for (const { valid, order, spentMinor: minor } of orders)
    if (valid && minor !== 0) spentMinor[order.currency] = (spentMinor[order.currency] ?? 0) + minor;
  const validOrders = orders.filter(({ valid }) => valid).length;
  const count = (holds: (event: ChannelEvent) => boolean) => facts.filter(({ event }) => holds(event)).length;
  const { segment } = compileLadder(registry.configuration.rules).evaluate({
    profile: {
      known: members.some(isKnown),
      contactPoints: facts.filter((event) => leavesContact(registry, event)).length,
      checkouts: count(({ type }) => type === "checkout-started"),
      cartsFilled: count(({ type }) => type === "product-added"),
    },
    orders: { valid: validOrders, spentMinor: new Map(Object.entries(spentMinor)) },
  });
  return {
    profileId: nameGroup(registry, members),
    identifiers: [
      ...members.map((i) => describe(i, i.quarantined ? "quarantined" : group.contested ? "contested" : "owned")),
      ...[...contested].map((i) => describe(i, "contested")),
    ].sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.value, b.value)),
    segment,
    orders: orders.map(({ order }) => order),
    validOrders,
    spentMinor,
    traits: chooseTraits(registry, facts),
    counters: countTypes(facts),
    abandonedAt: findAbandonedCart(facts, orders),
  };
}

/** An address or a number, named as an identifier or as a trait. */
function leavesContact(registry: Registry, { identifiers, event }: AcceptedEvent): boolean {
  const isContact = (name: string) => registry.namespaces.get(name)?.contact === true;
  const traits = Object.entries(event.traits ?? {}).filter(([, value]) => value !== null);
  return [...identifiers.map(({ namespace }) => namespace), ...traits.map(([name]) => name)].some(isContact);
}

function describe({ key, namespace, value }: Identifier, state: string) {
  return { key, namespace, value, state };
}

/** I6: of the earliest authenticated unique or personal identifier, else of the earliest one. */
function nameGroup(registry: Registry, members: readonly Identifier[]): string {
  const authenticated = members.filter((i) => isKnown(i) && (i.kind === "unique" || i.kind === "personal"));
  const at = (i: Identifier) => (authenticated.length > 0 ? must(i.firstAuthenticated) : i.first);
  const [naming] = (authenticated.length > 0 ? authenticated : [...members]).toSorted(
    (a, b) => compareStamps(at(a), at(b)) || compareText(a.namespace, b.namespace) || compareText(a.value, b.value),
  );
  return profileId(registry.hash, must(naming).key);
}

/** I5: what arrives by a claim overrides nothing authenticated; then P3. */
function chooseTraits(registry: Registry, facts: readonly AcceptedEvent[]): OracleProfile["traits"] {
  const isClaimed = (event: AcceptedEvent) =>
    !event.identifiers.some(({ key, assurance }) => key === event.anchor && isAuthenticated(assurance));
  const sorted = facts.toSorted(
    (a, b) =>
      Number(isClaimed(a)) - Number(isClaimed(b)) ||
      compareSurvivors(registry, a, b) ||
      compareText(a.source, b.source) ||
      compareIds(b, a),
  );
  const traits: Record<string, { value: Scalar; source: string; at: number }> = Object.create(null);
  for (const { source, event } of sorted)
    for (const [name, value] of Object.entries(event.traits ?? {}))
      if (!Object.hasOwn(traits, name)) traits[name] = { value, source, at: event.occurredAt };
  return traits;
}

/** Section 12: the last cart or checkout activity, unless it emptied the cart or a valid order follows it. */
function findAbandonedCart(facts: readonly AcceptedEvent[], orders: readonly OrderFacts[]): number | null {
  const types = ["product-added", "product-removed", "cart-viewed", "checkout-started"];
  const [last] = facts
    .filter(({ event }) => types.includes(event.type))
    .toSorted((a, b) => b.event.occurredAt - a.event.occurredAt || compareText(b.source, a.source) || compareIds(b, a));
  if (last === undefined) return null;
  const { type, cart, occurredAt } = last.event;
  const emptied = (type === "product-removed" || type === "cart-viewed") && cart?.lines?.every((l) => l.quantity <= 0);
  const followed = orders.some(({ valid, at }) => valid && at >= occurredAt);
  return emptied === true || followed ? null : occurredAt;
}

function countTypes(facts: readonly AcceptedEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { event } of facts) counts[event.type] = (counts[event.type] ?? 0) + 1;
  return counts;
}

/** Both answers in one shape, sorted, so that they can be compared. */
export interface ComparablePeople {
  readonly unattributedOrders: number;
  readonly profiles: readonly unknown[];
}

export function comparePeople(people: People): ComparablePeople {
  return {
    unattributedOrders: people.unattributedOrders,
    profiles: people.profiles.map(({ profileId, identifiers, segment, view }) => {
      const traits = Object.entries(view.traits).map(([name, { value, source, at }]) => [
        name,
        { value, source, at: Date.parse(at) },
      ]);
      const { orders, counters } = view;
      return comparable({ profileId, identifiers, segment, orders, counters, traits });
    }),
  };
}

export function compareOracle({ unattributedOrders, profiles }: OraclePeople): ComparablePeople {
  return {
    unattributedOrders,
    profiles: profiles.map(({ profileId, identifiers, segment, orders, counters, traits }) =>
      comparable({ profileId, identifiers, segment, orders, counters, traits: Object.entries(traits) }),
    ),
  };
}

function comparable(profile: {
  profileId: string;
  identifiers: readonly { namespace: string; value: string; state: string }[];
  segment: string | null;
  orders: readonly OracleOrder[];
  counters: Readonly<Record<string, number>>;
  traits: readonly (readonly unknown[])[];
}) {
  return {
    ...profile,
    identifiers: profile.identifiers.map((i) => `${i.namespace}:${i.value} ${i.state}`).toSorted(compareText),
    orders: profile.orders
      .map(({ orderId, status, source, currency, totalMinor, lines }) => {
        const sold = lines.map((line) => [line.productId, line.quantity, line.unitPriceMinor]);
        return JSON.stringify([orderId, status, source, currency, totalMinor, sold]);
      })
      .toSorted(compareText),
    counters: Object.entries(profile.counters).toSorted(([a], [b]) => compareText(a, b)),
    traits: profile.traits.toSorted(([a], [b]) => compareText(String(a), String(b))),
  };
}

/** What the lines above it have seen to. */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("the oracle contradicts itself");
  return value;
}
