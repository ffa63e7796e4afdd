// A history, a piece of evidence that brings two of its people together (the bridge), and what takes it back.

import * as fc from "fast-check";
import { acceptEvent } from "#core/acceptance.ts";
import type { ChannelEvent, IdentifierClaim } from "#core/event.ts";
import { identifierKey, normaliseIdentifier } from "#core/identifier.ts";
import { createRegistry } from "#core/registry.ts";
import { rulingType } from "#core/ruling.ts";
import { configuration, hash, type History, VALUES } from "./histories.ts";
import type { RecordedEvent } from "./oracle.ts";

export const BRIDGES = ["linked", "told", "ordered", "typed", "logged-in", "replaced"] as const;
type BridgeKind = (typeof BRIDGES)[number];
const KNOWN = ["customer", "card", "crm-contact", "email", "payment-card", "social", "phone"];
const [WEAK, UNIQUE] = [
  ["cookie", "device"],
  ["customer", "card", "crm-contact"],
];
/** The namespaces of the two ends. */
const ENDS: Readonly<Record<BridgeKind, readonly [readonly string[], readonly string[]]>> = {
  linked: [KNOWN, KNOWN],
  told: [KNOWN, KNOWN],
  ordered: [KNOWN, KNOWN],
  typed: [WEAK, ["email", "phone"]],
  "logged-in": [WEAK, ["customer"]],
  replaced: [UNIQUE, UNIQUE],
};

const registry = createRegistry(configuration, hash);

function keyOf({ namespace, value }: IdentifierClaim): string {
  const configured = registry.namespaces.get(namespace);
  const text = configured === undefined ? null : normaliseIdentifier(configured, value, "FR");
  return identifierKey(registry, namespace, text ?? "");
}

function listKeys({ source, recordedAt, event }: RecordedEvent): string[] {
  const acceptance = acceptEvent(registry, source, recordedAt, event);
  return acceptance.ok ? acceptance.accepted.identifiers.map(({ key }) => key) : [];
}

type Pair = readonly [IdentifierClaim, IdentifierClaim];

function hasMailbox({ value }: IdentifierClaim): boolean {
  return value.endsWith("@gmail.com");
}

/** The people of histories, and one whom no history names. */
const PEOPLE = [0, 1, 2, 9];

function listPairs(kind: BridgeKind): Pair[] {
  const [ones, others] = ENDS[kind];
  const claimsOf = (namespace: string) =>
    PEOPLE.map((person) => ({ namespace, value: VALUES[namespace]?.(person) ?? "" }));
  const pairs = ones.flatMap((one) =>
    others.flatMap((other) => claimsOf(one).flatMap((a) => claimsOf(other).map((b): Pair => [a, b]))),
  );
  // Two values of a unique namespace share no profile unless one replaced the other.
  return pairs.filter(([a, b]) => {
    const isUnique = a.namespace === b.namespace && UNIQUE.includes(a.namespace);
    // A mailbox belongs to both addresses of an event: what ties them otherwise is not undone with what is said of the two.
    const isFolded = a.namespace === "email" && b.namespace === "email" && [a, b].some(hasMailbox);
    return a.value !== b.value && !isFolded && (kind === "replaced" ? isUnique : !isUnique);
  });
}

const PAIRS = new Map(BRIDGES.map((kind) => [kind, listPairs(kind)]));
const KEYS = new Map([...PAIRS.values()].flat(2).map((claim) => [claim.value, keyOf(claim)]));

export interface TakingBack {
  readonly kind: BridgeKind;
  readonly verdict: "cut" | "apart";
  readonly pair: Pair;
  /** Both ends known, or seen, by then. */
  readonly before: readonly RecordedEvent[];
  readonly bridge: RecordedEvent;
  readonly between: readonly RecordedEvent[];
  readonly taken: RecordedEvent;
  readonly lifted: RecordedEvent;
  readonly after: readonly RecordedEvent[];
  /** The bridge without its evidence: what it says of the one under whom its facts are kept; null: nothing. */
  readonly bare: RecordedEvent | null;
}

/**
 * Keys of addresses that were given up: what ties one to its mailbox is only what names it afterwards, a bridge too, and
 * says so also once what it says of the two is cut; nothing bare is that event without the address.
 */
function listGivenUp(events: readonly RecordedEvent[]): ReadonlySet<string> {
  const keys = events.flatMap(({ event: { type, replaced, identifiers } }) => {
    if (type !== "identifier-released") return [];
    const ends = replaced ? [{ namespace: replaced.namespace, value: replaced.old }] : identifiers;
    return ends.filter(({ namespace }) => namespace === "email").map(keyOf);
  });
  return new Set(keys);
}

interface Draw {
  readonly kind: BridgeKind;
  readonly verdict: "cut" | "apart";
  readonly place: number;
  readonly instant: number;
  readonly bought: readonly [boolean, boolean];
  /** How the other end is there before: said by who knows, typed, or, as the bridge may be the first to name it, not. */
  readonly introduced: "known" | "typed" | "unnamed";
  readonly cuts: readonly [number, number];
}

function say(source: string, recordedAt: number, event: Omit<ChannelEvent, "occurredAt">): RecordedEvent {
  return { source, recordedAt, event: { occurredAt: recordedAt, ...event } };
}

const lines = [{ productId: "p1", quantity: 1, unitPriceMinor: 40_000 }];
const order = (orderId: string) => ({ orderId, lines, currency: "EUR", totalMinor: 40_000 });

function listIntroductions(pair: Pair, { kind, bought, introduced }: Draw, at: number): RecordedEvent[] {
  const [one, other] = pair;
  const first = introduce(one, "one", bought[0], at - 120_000);
  // Only a link makes known whom it names.
  if (kind !== "linked" || introduced === "known") return [first, introduce(other, "other", bought[1], at - 60_000)];
  const typed = { eventId: "other", type: "page-viewed", identifiers: [{ ...other, assurance: "claimed" as const }] };
  return introduced === "typed" ? [first, say("web", at - 60_000, typed)] : [first];
}

/** Says an end alone, so that the bridge is not the first to say it. */
function introduce(claim: IdentifierClaim, eventId: string, bought: boolean, at: number): RecordedEvent {
  const identifiers = [claim];
  if (WEAK.includes(claim.namespace)) return say("web", at, { eventId, type: "checkout-started", identifiers });
  if (!bought) return say("crm", at, { eventId, type: "identified", identifiers });
  return say("crm", at, { eventId, type: "order-placed", identifiers, order: order(eventId) });
}

function build(kind: BridgeKind, pair: Pair, at: number, eventId = "bridge"): RecordedEvent {
  const identifiers = [...pair];
  const [{ namespace, value }, other] = pair;
  switch (kind) {
    case "linked":
      return say("operator", at, { eventId, type: rulingType("linked"), identifiers });
    case "told":
      return say("crm", at, { eventId, type: "traits-changed", identifiers, traits: { city: "bridge" } });
    case "ordered":
      return say("store", at, { eventId, type: "order-placed", identifiers, order: order(eventId) });
    case "typed":
    case "logged-in":
      return say("web", at, { eventId, type: "page-viewed", identifiers });
    case "replaced": {
      const replaced = { namespace, old: value, new: other.value };
      return say("crm", at, { eventId, type: "identifier-replaced", identifiers: [], replaced });
    }
  }
}

/** What is left of it: the same event, which names nobody but the one under whom its facts are kept. */
function strip(bridge: RecordedEvent, pair: Pair): RecordedEvent | null {
  if (bridge.source === "operator" || bridge.event.type === "identifier-replaced") return null;
  const acceptance = acceptEvent(registry, bridge.source, bridge.recordedAt, bridge.event);
  if (!acceptance.ok) throw new Error(acceptance.detail);
  const identifiers = pair.filter((claim) => KEYS.get(claim.value) === acceptance.accepted.anchor);
  return { ...bridge, event: { ...bridge.event, identifiers } };
}

function assemble(events: readonly RecordedEvent[], draw: Draw): TakingBack {
  const { kind, verdict, instant, cuts } = draw;
  const told = events.map((event) => new Set(listKeys(event)));
  const givenUp = listGivenUp(events);
  // What takes the bridge back takes all evidence between the two: there must be no other.
  const free = (PAIRS.get(kind) ?? []).filter(([one, other]) => {
    const [a, b] = [KEYS.get(one.value) ?? "", KEYS.get(other.value) ?? ""];
    return !givenUp.has(a) && !givenUp.has(b) && !told.some((keys) => keys.has(a) && keys.has(b));
  });
  const pair = free[draw.place % free.length];
  if (pair === undefined) throw new Error("a history named everybody with everybody");
  const times = events.map(({ recordedAt }) => recordedAt);
  const at = times[instant % times.length] ?? 0;
  const bridge = build(kind, pair, at);
  const latest = Math.max(...times);
  const rule = (eventId: string, type: string, after: number) =>
    say("operator", latest + after, { eventId, type, identifiers: [...pair] });
  const [from, to] = cuts.map((bit) => bit % (events.length + 1)).toSorted((a, b) => a - b) as [number, number];
  return {
    kind,
    verdict,
    pair,
    before: [...events.slice(0, from), ...listIntroductions(pair, draw, at)],
    bridge,
    between: events.slice(from, to),
    taken: rule("taken", rulingType(verdict), 60_000),
    lifted: rule("lifted", rulingType("lifted"), 120_000),
    after: events.slice(to),
    bare: strip(bridge, pair),
  };
}

/** A piece of evidence that is cut again. */
interface Merge {
  readonly bridge: RecordedEvent;
  readonly bare: RecordedEvent | null;
  readonly taken: RecordedEvent;
}

export const MERGES_PER_HISTORY = 40;
/** Of those that histories name, and of one whom none names: as many as the merges of one history are about. */
const ENDS_MAX = 12;
/** A replacement is told of in counters, also once it is cut. */
const CUTTABLE = BRIDGES.filter((kind) => kind !== "replaced");

/** Of pairs that nothing has named together, each once: what cuts a bridge cuts all evidence between the two. */
export function listMerges(
  events: readonly RecordedEvent[],
  draws: Iterator<number>,
): { readonly known: RecordedEvent[]; readonly merges: Merge[] } {
  const draw = (max: number) => (draws.next().value as number) % max;
  const told = events.map((event) => new Set(listKeys(event)));
  const givenUp = listGivenUp(events);
  const times = events.map(({ recordedAt }) => recordedAt);
  const used = new Set<string>();
  const ends = new Map<string, IdentifierClaim>();
  const merges: Merge[] = [];
  for (let tries = 0; merges.length < MERGES_PER_HISTORY; tries += 1) {
    const kind = CUTTABLE[draw(CUTTABLE.length)] as BridgeKind;
    const pairs = PAIRS.get(kind) ?? [];
    const pair = pairs[draw(pairs.length)] as Pair;
    // Where few pairs are left among them, more may have their part.
    const strangers = pair.filter(({ value }) => !ends.has(value)).length;
    if (ends.size + strangers > ENDS_MAX + tries / 200) continue;
    const keys = pair.map(({ value }) => KEYS.get(value) ?? "");
    const name = keys.toSorted().join(" ");
    if (used.has(name) || told.some((all) => keys.every((key) => all.has(key)))) continue;
    if (keys.some((key) => givenUp.has(key))) continue;
    used.add(name);
    for (const end of pair) ends.set(end.value, end);
    const place = merges.length;
    const at = times[draw(times.length)] ?? 0;
    const bridge = build(kind, pair, at, `bridge-${place}`);
    const taken = say("operator", Math.max(...times) + (place + 1) * 60_000, {
      eventId: `taken-${place}`,
      type: rulingType("cut"),
      identifiers: [...pair],
    });
    merges.push({ bridge, bare: strip(bridge, pair), taken });
  }
  const first = Math.min(...times);
  const known = [...ends.values()].map((end, n) =>
    introduce(end, `known-${n}`, draw(4) === 0, first - 60_000 * (n + 1)),
  );
  return { known, merges };
}

export function takingBack(told: fc.Arbitrary<History>): fc.Arbitrary<TakingBack> {
  const draw = fc.record<Draw>({
    kind: fc.constantFrom(...BRIDGES),
    verdict: fc.constantFrom<"cut" | "apart">("cut", "cut", "apart"),
    place: fc.nat(),
    instant: fc.nat(),
    bought: fc.tuple(fc.boolean(), fc.boolean()),
    introduced: fc.constantFrom<Draw["introduced"]>("known", "known", "typed", "unnamed"),
    cuts: fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 })),
  });
  return fc.tuple(told, fc.noShrink(draw)).map(([{ events }, drawn]) => assemble(events, drawn));
}
