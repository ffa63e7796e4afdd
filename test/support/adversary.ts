// A victim, whom the shop's own systems know, and an adversary, who writes whatever he likes into the topics of web and app.
// In a third of the scenarios he names her own identifiers, and in most of these he floods past limits (floods.ts).

import * as fc from "fast-check";
import type { Configuration } from "#core/configuration.ts";
import type { ChannelEvent, IdentifierClaim } from "#core/event.ts";
import { createFlood, FLOODS, type Flood } from "./floods.ts";
import { configuration } from "./histories.ts";
import type { RecordedEvent } from "./oracle.ts";

/** All sources number their orders and cases together, so that he can name her very orders and cases. */
const shop: Configuration = {
  ...configuration,
  sources: configuration.sources.map((source) => ({ ...source, orderIdScope: "shop", caseIdScope: "shop" })),
};

/** The shipped one, without any trust in what web and app say. */
export const distrustful: Configuration = {
  ...shop,
  sources: shop.sources.map((source) => {
    if (source.name !== "web" && source.name !== "app") return source;
    return { ...source, assurance: { "*": "claimed" }, assuranceByType: {}, trustedForOrders: false };
  }),
};

/** Web and app are trusted as shipped. */
export const trusting = shop;

export interface Scenario {
  readonly victim: readonly RecordedEvent[];
  /** Micro-batches: an event, or a flood. */
  readonly adversary: readonly (readonly RecordedEvent[])[];
  /** Whose turn is next, by place. */
  readonly turns: readonly boolean[];
  readonly namesVictim: boolean;
  readonly floods: readonly Flood[];
}

const START_MS = Date.UTC(2026, 0, 5);
export const HERS: readonly IdentifierClaim[] = [
  { namespace: "customer", value: "c-1" },
  { namespace: "card", value: "2099-1" },
  { namespace: "crm-contact", value: "m-1" },
  { namespace: "email", value: "victim@example.fr" },
  { namespace: "phone", value: "0612345671" },
  { namespace: "payment-card", value: "token-1" },
];
const PHONE = HERS.filter(({ namespace }) => namespace === "phone");
const PERSONAL = HERS.filter(({ namespace }) => namespace !== "phone");
export const HIS: readonly IdentifierClaim[] = [
  { namespace: "cookie", value: "ck-a" },
  { namespace: "cookie", value: "ck-b" },
  { namespace: "device", value: "app-a" },
  { namespace: "email", value: "adversary@example.net" },
  { namespace: "social", value: "@adversary" },
  { namespace: "customer", value: "c-666" },
];
const TYPES = [
  "page-viewed",
  "identified",
  "product-added",
  "checkout-started",
  "order-placed",
  "order-cancelled",
  "order-returned",
  "traits-changed",
  "consent-changed",
  "case-updated",
  "case-closed",
  "identifiers-linked",
  "identifiers-parted",
  "identifier-replaced",
  "identifier-released",
] as const;
const among = <T>(values: readonly T[]) => fc.constantFrom(...values);

/** Of a purpose that needs a proof, or of one that needs none; whatever the channel, or of one. */
function consent(proof: string) {
  return fc.record({
    purpose: among(["newsletter", "profiling", "calls"]),
    channel: among([null, "email"]),
    granted: fc.boolean(),
    proof: among([proof, proof, null]),
  });
}

/** What stands of a person beside traits: a subscription, a tier, a preference. */
const say = (whose: string) => ({
  subscription: { subscriptionId: "s1", status: whose },
  loyalty: { programId: "club", tier: whose },
  preferences: { size: whose },
  group: { kind: "household", groupId: "h1", role: whose, left: whose !== "Ana" },
});

/** What the shop knows her by: identifiers of which one at least names a profile (I6), or a phone alone, which does not. */
type KnownBy = "identifiers" | "phone";

function victimEvent(place: number, knownBy: KnownBy): fc.Arbitrary<RecordedEvent> {
  return fc
    .record({
      source: among(["crm", "store", "call-centre"]),
      identifiers:
        knownBy === "phone"
          ? fc.constant(PHONE)
          : fc
              .tuple(fc.subarray(PERSONAL, { minLength: 1 }), fc.subarray(PHONE))
              .map(([personal, phone]) => [...personal, ...phone]),
      type: among(["identified", "order-placed", "order-paid", "traits-changed", "consent-changed", "case-opened"]),
      city: among(["Nantes", "Rennes"]),
      orderId: among(["o1", "o2", "o3"]),
      consents: fc.array(consent("signed by Ana"), { maxLength: 2 }),
      standing: fc.boolean(),
      minute: fc.nat({ max: 300 }),
    })
    .map(({ source, identifiers, type, city, orderId, consents, standing, minute }) => {
      const lines = [{ productId: "p1", quantity: 1, unitPriceMinor: 40_000 }];
      const at = START_MS + minute * 60_000;
      return {
        source,
        recordedAt: at,
        event: {
          eventId: `v${place}`,
          type,
          occurredAt: at,
          identifiers,
          traits: { city, "~name": "Ana" },
          ...(consents.length === 0 ? {} : { consents }),
          ...(standing ? say("Ana's") : {}),
          ...(type.startsWith("case-") ? { case: { caseId: "k1", motive: "Ana's" } } : {}),
          ...(type.startsWith("order-") ? { order: { orderId, lines, currency: "EUR" } } : {}),
        },
      };
    });
}

function adversaryEvent(place: number, namesVictim: boolean): fc.Arbitrary<RecordedEvent> {
  return fc
    .record({
      source: among(["web", "app"]),
      his: fc.subarray([...HIS], { minLength: namesVictim ? 0 : 1, maxLength: 3 }),
      hers: namesVictim ? fc.subarray([...HERS], { minLength: 1, maxLength: 3 }) : fc.constant([]),
      type: among(TYPES),
      assurance: among([null, null, "authenticated", "operator"]),
      orderId: among(["o1", "o2", "o9"]),
      consents: fc.array(consent("signed by Mallory"), { maxLength: 2 }),
      minute: fc.nat({ max: 300 }),
    })
    .map(({ source, his, hers, type, assurance, orderId, consents, minute }) => {
      const at = START_MS + minute * 60_000;
      const traits = { city: "Elsewhere", "~name": "Mallory" };
      const [one, other] = [...hers, ...his];
      const event: ChannelEvent = {
        eventId: `a${place}`,
        type,
        occurredAt: at,
        identifiers: [...hers, ...his].map((claim) => ({ ...claim, assurance })),
        traits,
        ...say("Mallory's"),
        ...(consents.length === 0 ? {} : { consents }),
        ...(type.startsWith("case-") ? { case: { caseId: "k1", motive: "Mallory's" } } : {}),
        ...(type.startsWith("order-") ? { order: { orderId, lines: [], totalMinor: 1, currency: "EUR" } } : {}),
        ...(type.startsWith("identifier-") && one !== undefined
          ? { replaced: { namespace: one.namespace, old: one.value, new: other?.value ?? "" } }
          : {}),
      };
      return { source, recordedAt: at, event };
    });
}

const flood: fc.Arbitrary<{ readonly kinds: readonly Flood[]; readonly batches: readonly RecordedEvent[][] }> = fc
  .record({
    luck: fc.record(Object.fromEntries(Object.keys(FLOODS).map((kind) => [kind, fc.nat({ max: 99 })]))),
    hers: fc.subarray([...HERS], { minLength: 1 }),
    minute: fc.nat({ max: 300 }),
  })
  .map(({ luck, hers, minute }) => {
    const kinds = (Object.keys(FLOODS) as Flood[]).filter((kind) => (luck[kind] ?? 100) < FLOODS[kind]);
    return { kinds, batches: kinds.map((kind) => createFlood(kind, hers, START_MS + minute * 60_000)) };
  });

const several = <T>(max: number, create: (place: number) => fc.Arbitrary<T>) =>
  fc.integer({ min: 1, max }).chain((n) => fc.tuple(...Array.from({ length: n }, (_, place) => create(place))));

function scenarioOf(knownBy: KnownBy): fc.Arbitrary<Scenario> {
  return among([true, false, false]).chain((namesVictim) =>
    fc
      .record({
        victim: several(6, (place) => victimEvent(place, knownBy)),
        // Told again, with a record time before: a window of duplicates that was flooded has forgotten the first.
        copies: fc.subarray([0, 1, 2, 3, 4, 5], { maxLength: 2 }),
        events: several(8, (place) => adversaryEvent(place, namesVictim)),
        flood: namesVictim ? flood : fc.constant({ kinds: [], batches: [] }),
        where: fc.nat({ max: 8 }),
        turns: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
      })
      .map(({ victim, copies, events, flood: { kinds, batches }, where, turns }) => {
        const again = copies.flatMap((place) => victim[place] ?? []);
        return {
          victim: [...victim, ...again.map((told) => ({ ...told, recordedAt: told.recordedAt - 60_000 }))],
          adversary: [
            ...events.slice(0, where).map((one) => [one]),
            ...batches,
            ...events.slice(where).map((one) => [one]),
          ],
          turns,
          namesVictim,
          floods: kinds,
        };
      }),
  );
}

export const scenario = scenarioOf("identifiers");

/** The shop has told of her, and he pours each flood over two of her names: so that every run has them all. */
export const flooded: readonly Scenario[] = (Object.keys(FLOODS) as Flood[]).map((kind) => {
  const consents = [{ purpose: "newsletter", granted: true, proof: "signed by Ana" }];
  const order = { orderId: "o1", lines: [{ productId: "p1", quantity: 1, unitPriceMinor: 40_000 }], currency: "EUR" };
  const event = {
    type: "order-placed",
    occurredAt: START_MS,
    traits: { city: "Nantes" },
    ...say("Ana's"),
    consents,
    order,
  };
  const told = { source: "crm", recordedAt: START_MS, event: { ...event, eventId: "v0", identifiers: PERSONAL } };
  const victim = [told, { ...told, recordedAt: START_MS - 60_000 }];
  const hers = PERSONAL.filter(({ namespace }) => namespace === "email" || namespace === "card");
  const adversary = [createFlood(kind, hers, START_MS + 60_000)];
  return { victim, adversary, turns: [false, true], namesVictim: true, floods: [kind] };
});
export const scenarioByPhone = scenarioOf("phone");

export interface Turn {
  readonly isHers: boolean;
  readonly events: readonly RecordedEvent[];
}

/** Both logs as one, each in its order. */
export function mingle({ victim, adversary, turns }: Scenario): Turn[] {
  const left = victim.map((event) => ({ isHers: true, events: [event] }));
  const right = adversary.map((events) => ({ isHers: false, events }));
  const mingled: Turn[] = [];
  for (let turn = 0; left.length > 0 || right.length > 0; turn += 1) {
    const next =
      turns[turn % turns.length] === true ? (right.shift() ?? left.shift()) : (left.shift() ?? right.shift());
    if (next !== undefined) mingled.push(next);
  }
  return mingled;
}

/** As profiles show it. */
export const valueOf = ({ namespace, value }: IdentifierClaim) =>
  namespace === "phone" ? `+33${value.slice(1)}` : value;

const KEYS = new Set(HERS.map((claim) => `${claim.namespace} ${valueOf(claim)}`));

/** Whether the identifier, as profiles show it, is one that the victim was given by the shop. */
export function isHers({ namespace, value }: { readonly namespace: string; readonly value: string }): boolean {
  return KEYS.has(`${namespace} ${value}`);
}
