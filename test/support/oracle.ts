// The design's sections 4, 5, 6 and 12 as one slow, obvious batch recomputation over the set of events: no components,
// no homes, no increments. Written from the design alone; it shares with the engine only the door (acceptEvent), the
// compiled ladder and the format of a profile id.

import { acceptEvent, type AcceptedEvent } from "#core/acceptance.ts";
import { compareStamps, compareText } from "#core/comparison.ts";
import { ASSURANCES, type Configuration } from "#core/configuration.ts";
import { isWithoutFacts } from "#core/declaration.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import type { Hash } from "#core/identifier.ts";
import { profileId } from "#core/profile.ts";
import { createRegistry, type Registry } from "#core/registry.ts";
import { nameScores, type Score } from "#core/score.ts";
import { compileCondition, compileLadder } from "#core/segment.ts";
import {
  type Group,
  groupIdentifiers,
  type Identifier,
  isGivenUp,
  isKnown,
  isMailbox,
  isStanding,
  listEvidence,
  listIdentifiers,
  listVerdicts,
  markQuarantined,
  must,
  pairOf,
} from "./oracle-identity.ts";
import { forget, type Refusal } from "./oracle-erasure.ts";
import { listDemographics } from "./oracle-demographics.ts";
import { describeDossier } from "./oracle-dossier.ts";
import { describeGroups } from "./oracle-groups.ts";
import { listOrders, type OracleOrder, type OrderFacts } from "./oracle-orders.ts";
import { describeScores } from "./oracle-scores.ts";
import { listOpenSignals } from "./oracle-signals.ts";
import {
  chooseTraits,
  listOthers,
  type OracleTraits,
  shareFilled,
  shareVouched,
  sortSurvivors,
} from "./oracle-traits.ts";

export interface RecordedEvent {
  readonly source: string;
  readonly recordedAt: number;
  readonly event: ChannelEvent;
  readonly backfill?: boolean;
}

export interface OracleProfile {
  readonly profileId: string;
  readonly identifiers: readonly { key: string; namespace: string; value: string; state: string }[];
  readonly segment: string;
  readonly audiences: readonly string[];
  readonly scores: readonly Score[];
  readonly orders: readonly OracleOrder[];
  readonly validOrders: number;
  readonly spentMinor: Readonly<Record<string, number>>;
  readonly traits: OracleTraits;
  readonly counters: Readonly<Record<string, number>>;
  /** What each signal is open for, as long as none was sent; of yearly ones the days between the last record and `untilMs`. */
  readonly open: (untilMs: number) => Readonly<Record<string, readonly number[]>>;
  readonly dossier: Readonly<Record<string, unknown>>;
  /** Those that she is the subject of, each with what it calls her. */
  readonly events: readonly { source: string; eventId: string; identifiers: readonly string[] }[];
}

export interface OraclePeople {
  readonly profiles: readonly OracleProfile[];
  readonly unattributedOrders: number;
  /** Distinct orders of sources trusted for orders: P4's right-hand side. */
  readonly orders: number;
  /** Keys of identifiers that name nobody any more. */
  readonly givenUp: ReadonlySet<string>;
}

/** atMs: the shard's time, for rules that depend on it. isHeld: what a source that vouches for nothing might have told. linksStay: see forget. */
export function recomputePeople(
  events: readonly RecordedEvent[],
  configuration: Configuration,
  hash: Hash,
  atMs = 0,
  requests: readonly ErasureRequest[] = [],
  isHeld: (source: string, recordedAt: number) => boolean = () => false,
  linksStay = false,
): OraclePeople {
  const registry = createRegistry(configuration, hash);
  const sources = configuration.sources.map((one) => ({ ...one, assurance: {}, assuranceByType: {} }));
  const doubted = createRegistry({ ...configuration, sources }, hash);
  const history = new Set<AcceptedEvent>();
  const loaded = new Set<AcceptedEvent>();
  const told = chooseDistinct(events).flatMap(({ source, recordedAt, event, backfill }) => {
    const acceptance = acceptEvent(isHeld(source, recordedAt) ? doubted : registry, source, recordedAt, event);
    if (acceptance.ok && backfill === true) loaded.add(acceptance.accepted);
    return acceptance.ok ? [acceptance.accepted] : [];
  });
  const { accepted, hidden, refused, lastingFacts, lastingOrders } = forget(registry, told, requests, linksStay);
  for (const [place, event] of accepted.entries()) if (loaded.has(told[place] as AcceptedEvent)) history.add(event);
  const latestMs = Math.max(0, ...events.map(({ recordedAt }) => recordedAt));
  const verdicts = listVerdicts(accepted);
  const telling = accepted.filter((event) => !isWithoutFacts(event) || event.ruling?.verdict === "linked");
  const identifiers = listIdentifiers(registry, telling, verdicts);
  const evidence = listEvidence(identifiers, telling).filter((one) => {
    const { a, b } = one;
    if (!isStanding(one, verdicts)) return false;
    const verdict = verdicts.get(pairOf(a.key, b.key))?.verdict;
    // What an operator linked and lifted again is as if it had never been said.
    if (verdict === "lifted" && one.source === "operator") return false;
    return verdict !== "cut" && verdict !== "apart";
  });
  for (const [pair, { verdict, stamp }] of verdicts) {
    const [a, b] = pair.split(" ").map((key) => identifiers.get(key));
    if (a === undefined || b === undefined) continue;
    if (verdict === "apart") a.apart.add(b);
    if (verdict === "apart") b.apart.add(a);
    const ruled = verdicts.get(pairOf(a.key, b.key))?.verdict;
    if (verdict !== "replaced" || ruled === "cut" || ruled === "apart") continue;
    if (!isStanding({ a, b, stamp }, verdicts)) continue;
    // All that replaced each other, directly or not, share one set.
    for (const one of b.values) a.values.add(one);
    for (const one of a.values) one.values = a.values;
  }
  const joinLevel = ASSURANCES.indexOf(configuration.joinAssurance);
  markQuarantined(identifiers, evidence, joinLevel);
  const { groups, shown } = groupIdentifiers([...identifiers.values()], evidence, joinLevel);
  const orders = listOrders(registry, accepted.filter(lastingOrders), history).filter(
    ({ owner }) => owner === null || !hidden.has(owner),
  );
  const attributed = new Set<OrderFacts>();
  /** Of a person that was erased in part: whether who claims a shareable identifier is still there. */
  const isClaimant = ({ members }: Group) => [...members].some((one) => isKnown(one) && one.kind !== "shareable");
  const visible = (all: Iterable<Identifier> = []) => new Set([...all].filter(({ key }) => !hidden.has(key)));
  const profiles = groups.flatMap((whole) => {
    // Who was erased weighs like anybody, and is on no profile.
    const group = { ...whole, members: new Set([...whole.members].filter(({ key }) => !hidden.has(key))) };
    const keepers = [...group.members].filter(({ key }) => !isGivenUp(key, verdicts));
    if (keepers.every(isMailbox)) return [];
    const own = orders.filter((order) => keepers.some((member) => member.key === order.owner));
    for (const order of own) attributed.add(order);
    const anchors = new Set([...keepers, ...own].map(({ key }) => key));
    const events = accepted.filter(
      (event) => lastingFacts(event) && !isWithoutFacts(event) && anchors.has(event.anchor),
    );
    const facts = accepted.filter(
      (event) => lastingFacts(event) && !isWithoutFacts(event) && keepers.some((member) => member.key === event.anchor),
    );
    const refusals = keepers.flatMap(({ key }) => refused.get(key) ?? []);
    const contested = visible(isClaimant(group) ? shown.get(whole) : []);
    return [
      {
        facts,
        profile: {
          ...describeGroup(registry, group, keepers, contested, own, facts, refusals, history, latestMs, atMs),
          events: events.map(({ source, event: { eventId }, identifiers: named }) => {
            const hers = named.filter(({ key }) =>
              [...group.members].some((one) => one.key === key && !isMailbox(one)),
            );
            return { source, eventId, identifiers: hers.map((one) => `${one.namespace}:${one.value}`).toSorted() };
          }),
        },
      },
    ];
  });
  const linked = describeGroups(profiles.map(({ facts, profile: { profileId } }) => ({ profileId, facts })));
  return {
    profiles: profiles
      .map(({ profile }) => ({ ...profile, dossier: { ...profile.dossier, groups: linked.get(profile.profileId) } }))
      .sort((a, b) => compareText(a.profileId, b.profileId)),
    unattributedOrders: orders.length - attributed.size,
    orders: orders.length,
    givenUp: new Set([...identifiers.keys()].filter((key) => isGivenUp(key, verdicts))),
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

function describeGroup(
  registry: Registry,
  group: Group,
  keepers: readonly Identifier[],
  contested: ReadonlySet<Identifier>,
  orders: readonly OrderFacts[],
  facts: readonly AcceptedEvent[],
  refusals: readonly Refusal[],
  history: ReadonlySet<AcceptedEvent>,
  latestMs: number,
  atMs: number,
): Omit<OracleProfile, "events"> {
  const members = [...group.members];
  const spentMinor: Record<string, number> = {};
  for (const { valid, order, spentMinor: minor } of orders)
    if (valid && minor !== 0) spentMinor[order.currency] = (spentMinor[order.currency] ?? 0) + minor;
  const validOrders = orders.filter(({ valid }) => valid).length;
  const count = (holds: (event: ChannelEvent) => boolean) => facts.filter(({ event }) => holds(event)).length;
  const survivors = sortSurvivors(registry, facts);
  const traits = chooseTraits(survivors);
  const dossier = describeDossier(registry, members, facts, orders, refusals);
  const times = facts.map(({ event }) => event.occurredAt);
  const withoutScores = {
    profile: {
      known: members.some(isKnown),
      contactPoints: facts.filter((event) => leavesContact(registry, event)).length,
      checkouts: count(({ type }) => type === "checkout-started"),
      cartsFilled: count(({ type }) => type === "product-added"),
      firstAt: times.length === 0 ? 0 : Math.min(...times),
      lastAt: Math.max(0, ...times),
    },
    orders: {
      valid: validOrders,
      spentMinor: new Map(Object.entries(spentMinor)),
      latestAt: Math.max(0, ...orders.flatMap(({ valid, at }) => (valid ? [at] : []))),
    },
  };
  const { rules } = registry.configuration;
  const scores = describeScores(rules, withoutScores, orders, atMs);
  const rulesRead = { ...withoutScores, ...(rules.scores === undefined ? {} : { scores: nameScores(scores) }) };
  const { segment } = compileLadder(rules).evaluate(rulesRead, atMs);
  return {
    profileId: nameGroup(registry, keepers),
    identifiers: [
      ...members
        .filter((i) => !isMailbox(i))
        .map((i) => describe(i, i.quarantined ? "quarantined" : group.contested ? "contested" : "owned")),
      ...[...contested].map((i) => describe(i, "contested")),
    ].sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.value, b.value)),
    segment,
    scores,
    audiences: (rules.audiences ?? [])
      .filter(({ audience, when }) => {
        const ladder = [
          { segment: audience, when },
          { segment: "-", when: "true" },
        ];
        return compileLadder({ ...rules, ladder }).evaluate(rulesRead, atMs).segment === audience;
      })
      .map(({ audience }) => audience)
      .toSorted(compareText),
    orders: orders.map(({ order }) => order),
    validOrders,
    spentMinor,
    traits,
    counters: countTypes(facts),
    open: (untilMs) =>
      listOpenSignals(
        {
          registry,
          facts,
          orders,
          isHistory: (event) => history.has(event),
          traitOf: (name) => {
            const told = listDemographics(registry, survivors).find(({ field }) => field === name);
            return told?.flag === "implausible" ? null : (told?.value ?? null);
          },
          holds: (condition) => compileCondition(condition)(rulesRead),
        },
        latestMs,
        untilMs,
      ),
    dossier: {
      ...dossier,
      completeness: shareFilled(
        registry,
        traits,
        dossier.contacts.map(({ kind }) => kind),
      ),
      confidence: shareVouched(registry, survivors, dossier.contacts),
      demographics: listDemographics(registry, survivors),
      others: listOthers(survivors),
    },
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
  const others = members.filter((i) => !isMailbox(i));
  const [naming] = (authenticated.length > 0 ? authenticated : others).toSorted(
    (a, b) => compareStamps(at(a), at(b)) || compareText(a.namespace, b.namespace) || compareText(a.value, b.value),
  );
  return profileId(registry.hash, must(naming).key);
}

function countTypes(facts: readonly AcceptedEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { event } of facts) counts[event.type] = (counts[event.type] ?? 0) + 1;
  return counts;
}
