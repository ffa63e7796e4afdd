// A victim, whom the shop's own systems know, and an adversary, who writes whatever he likes into the topics of web and app.
// In a third of the scenarios he names her own identifiers, some of them with more traits than a fragment keeps or many visits.

import * as fc from "fast-check";
import type { Configuration } from "#core/configuration.ts";
import type { ChannelEvent, IdentifierClaim, Scalar } from "#core/event.ts";
import { configuration } from "./histories.ts";
import type { RecordedEvent } from "./oracle.ts";

/** The shipped one, without any trust in what web and app say. */
export const distrustful: Configuration = {
  ...configuration,
  sources: configuration.sources.map((source) => {
    if (source.name !== "web" && source.name !== "app") return source;
    return { ...source, assurance: { "*": "claimed" }, assuranceByType: {}, trustedForOrders: false };
  }),
};

export interface Scenario {
  readonly victim: readonly RecordedEvent[];
  readonly adversary: readonly RecordedEvent[];
  /** Which of the merged events is the adversary's next, by place. */
  readonly turns: readonly boolean[];
  readonly namesVictim: boolean;
}

const START_MS = Date.UTC(2026, 0, 5);
const HERS: readonly IdentifierClaim[] = [
  { namespace: "customer", value: "c-1" },
  { namespace: "card", value: "2099-1" },
  { namespace: "crm-contact", value: "m-1" },
  { namespace: "email", value: "victim@example.fr" },
  { namespace: "phone", value: "0612345671" },
  { namespace: "payment-card", value: "token-1" },
];
const isPersonal = ({ namespace }: IdentifierClaim) => namespace !== "phone";
const HIS: readonly IdentifierClaim[] = [
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
  "identifiers-linked",
  "identifiers-parted",
  "identifier-replaced",
  "identifier-released",
] as const;
const FLOOD_TRAITS = 140;
const FLOOD_EVENTS = 60;

const among = <T>(values: readonly T[]) => fc.constantFrom(...values);

function victimEvent(place: number): fc.Arbitrary<RecordedEvent> {
  return fc
    .record({
      source: among(["crm", "store", "call-centre"]),
      // By I6 who is known by a phone alone is named by the earliest identifier, be it a claimed one: so never alone.
      identifiers: fc
        .tuple(
          fc.subarray(HERS.filter(isPersonal), { minLength: 1 }),
          fc.subarray(HERS.filter((one) => !isPersonal(one))),
        )
        .map(([personal, others]) => [...personal, ...others]),
      type: among(["identified", "order-placed", "order-paid", "traits-changed"]),
      city: among(["Nantes", "Rennes"]),
      orderId: among(["o1", "o2", "o3"]),
      minute: fc.nat({ max: 300 }),
    })
    .map(({ source, identifiers, type, city, orderId, minute }) => {
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
      minute: fc.nat({ max: 300 }),
      flood: among([false, false, false, true]),
    })
    .map(({ source, his, hers, type, assurance, orderId, minute, flood }) => {
      const at = START_MS + minute * 60_000;
      const traits: Record<string, Scalar> = { city: "Elsewhere", "~name": "Mallory" };
      if (flood && namesVictim) for (let i = 0; i < FLOOD_TRAITS; i += 1) traits[`a${i}`] = i;
      const [one, other] = [...hers, ...his];
      const event: ChannelEvent = {
        eventId: `a${place}`,
        type,
        occurredAt: at,
        identifiers: [...hers, ...his].map((claim) => ({ ...claim, assurance })),
        traits,
        ...(type.startsWith("order-") ? { order: { orderId, lines: [], totalMinor: 1, currency: "EUR" } } : {}),
        ...(type.startsWith("identifier-") && one !== undefined
          ? { replaced: { namespace: one.namespace, old: one.value, new: other?.value ?? "" } }
          : {}),
      };
      return { source, recordedAt: at, event };
    });
}

/** Many visits on a few cookies that each name all of hers, of as many types as are counted by name. */
function createFlood(): RecordedEvent[] {
  return Array.from({ length: FLOOD_EVENTS }, (_, place) => {
    const at = START_MS + place * 60_000;
    const identifiers = [...HERS, { namespace: "cookie", value: `flood-${place % 8}` }];
    const event = { eventId: `f${place}`, type: `type-${place}`, occurredAt: at, identifiers };
    return { source: "web", recordedAt: at, event };
  });
}

export const scenario: fc.Arbitrary<Scenario> = among([true, false, false]).chain((namesVictim) =>
  fc
    .record({
      victim: fc
        .integer({ min: 1, max: 6 })
        .chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => victimEvent(i)))),
      adversary: fc
        .integer({ min: 1, max: 8 })
        .chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => adversaryEvent(i, namesVictim)))),
      turns: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
      floods: among([false, false, false, false, true]),
    })
    .map(({ victim, adversary, turns, floods }) => {
      return {
        victim,
        adversary: floods && namesVictim ? [...adversary, ...createFlood()] : adversary,
        turns,
        namesVictim,
      };
    }),
);

/** Both logs as one, each in its order. */
export function mingle({ victim, adversary, turns }: Scenario): RecordedEvent[] {
  const [left, right] = [[...victim], [...adversary]];
  const events: RecordedEvent[] = [];
  for (let turn = 0; left.length > 0 || right.length > 0; turn += 1) {
    const next =
      turns[turn % turns.length] === true ? (right.shift() ?? left.shift()) : (left.shift() ?? right.shift());
    if (next !== undefined) events.push(next);
  }
  return events;
}

const KEYS = new Set(
  HERS.map(({ namespace, value }) => `${namespace} ${value === "0612345671" ? "+33612345671" : value}`),
);

/** Whether the identifier, as profiles show it, is one that the victim was given by the shop. */
export function isHers({ namespace, value }: { readonly namespace: string; readonly value: string }): boolean {
  return KEYS.has(`${namespace} ${value}`);
}
