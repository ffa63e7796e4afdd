// What an adversary pours over a victim whose identifiers he knows: each flood passes a limit of SPEC.md section 7 that
// claims of web and app can reach. Each is one micro-batch, with all of his names for her in every event.

import { EVENT_TYPES_COUNTED_MAX, TRAIT_LENGTH_MAX, TRAITS_MAX } from "#core/fragment.ts";
import { DUPLICATE_WINDOW_EVENTS } from "#core/event-window.ts";
import { IDENTIFIERS_MAX, type ChannelEvent, type IdentifierClaim, type Scalar } from "#core/event.ts";
import { LISTED_IDENTIFIERS_MAX } from "#core/listing.ts";
import { CONSENTS_MAX } from "#core/consent.ts";
import { REACHES_MAX } from "#core/contact.ts";
import { FACET_LENGTH_MAX } from "#core/facet.ts";
import { PRESSURE_DAYS_MAX } from "#core/message.ts";
import { ORDER_EVENTS_MAX } from "#core/order.ts";
import { INFERRED_MAX, STATED_MAX } from "#core/preference.ts";
import { configuration } from "./histories.ts";
import type { RecordedEvent } from "./oracle.ts";

/** From light to heavy, with how many in a hundred of the scenarios that name her have it. */
export const FLOODS = {
  traits: 25,
  "trait-length": 15,
  identifiers: 15,
  "tied-uniques": 15,
  "tied-others": 10,
  values: 8,
  order: 6,
  types: 8,
  listed: 5,
  standing: 4,
  messages: 3,
  window: 4,
} as const;
export type Flood = keyof typeof FLOODS;

type Said = Partial<Omit<ChannelEvent, "identifiers">> & { readonly with?: readonly IdentifierClaim[] };

/** Values of a namespace, a few to an event that also names her. */
function nameMany(namespace: string, count: number): Said[] {
  const each = IDENTIFIERS_MAX - 6;
  return Array.from({ length: Math.ceil(count / each) }, (_, event) => ({
    with: Array.from({ length: each }, (_unused, place) => {
      const n = event * each + place;
      const number = String(n).padStart(3, "0");
      const value = namespace === "email" ? `his${number}@example.net` : `0611334${number}`;
      return { namespace, value: namespace === "email" || namespace === "phone" ? value : `his-${number}` };
    }),
  }));
}

function repeat(count: number, say: (place: number) => Said): Said[] {
  return Array.from({ length: count }, (_, place) => say(place));
}

function limitOf(name: "valuesMax" | "tiedUniquesMax" | "tiedOthersMax"): number {
  return configuration.namespaces.find((namespace) => namespace.name === "email")?.[name] ?? 0;
}

const SAY: Readonly<Record<Flood, () => Said[]>> = {
  traits: () => [
    { traits: Object.fromEntries(Array.from({ length: TRAITS_MAX + 12 }, (_, i): [string, Scalar] => [`a${i}`, i])) },
  ],
  "trait-length": () => [{ traits: { city: "x".repeat(TRAIT_LENGTH_MAX + 1) } }],
  identifiers: () => [
    { with: repeat(IDENTIFIERS_MAX, () => ({})).map((_, i) => ({ namespace: "cookie", value: `c${i}` })) },
  ],
  "tied-uniques": () => nameMany("customer", limitOf("tiedUniquesMax") + 1),
  "tied-others": () =>
    nameMany("cookie", limitOf("tiedOthersMax") + 1).map((said) => ({
      with: [...(said.with ?? []), { namespace: "social", value: "@his-hub" }],
    })),
  values: () => nameMany("email", limitOf("valuesMax") + 1),
  order: () =>
    repeat(ORDER_EVENTS_MAX + 6, () => ({
      type: "order-cancelled",
      order: { orderId: "o1", lines: [], totalMinor: 1, currency: "EUR" },
    })),
  types: () => repeat(EVENT_TYPES_COUNTED_MAX + 6, (place) => ({ type: `a-type-${place}` })),
  listed: () => nameMany("phone", LISTED_IDENTIFIERS_MAX + 1),
  standing: () => [
    // A word more of each than is kept, where the window of duplicates is not passed.
    ...repeat(STATED_MAX + 4, (place) => ({
      type: "preference-stated",
      preferences: { [`p${place}`]: place },
      case: { caseId: `his-${place}`, motive: "x".repeat(FACET_LENGTH_MAX + 1) },
      subscription: { subscriptionId: `his-${place}`, status: "active" },
      loyalty: { programId: `his-${place}`, tier: "gold" },
      search: { query: `his-${place}` },
      touch: { channel: "search", campaignId: `his-${place}` },
      product: { productId: "p1", category: `his-${place}` },
    })),
    ...repeat(Math.ceil((INFERRED_MAX + 4) / 8), (place) => ({
      preferences: Object.fromEntries(repeat(8, () => ({})).map((_, i) => [`q${place}-${i}`, place])),
    })),
    { consents: repeat(CONSENTS_MAX + 4, () => ({})).map((_, i) => ({ purpose: `a${i}`, granted: false })) },
  ],
  messages: () => [
    ...repeat(PRESSURE_DAYS_MAX + 4, (place) => ({
      type: "message-sent",
      occurredAt: Date.UTC(2025, 0, 1 + place),
      message: { messageId: `m${place}`, channel: `his-${place}` },
    })),
    ...repeat(REACHES_MAX + 4, (place) => ({
      type: "message-delivered",
      with: [{ namespace: "email", value: `his${place}@example.net` }],
    })),
  ],
  window: () => repeat(DUPLICATE_WINDOW_EVENTS + 4, () => ({ type: "page-viewed" })),
};

/** hers: what he knows of her. No device of his beside it, so that what he says is kept where her own events are. */
export function createFlood(flood: Flood, hers: readonly IdentifierClaim[], atMs: number): RecordedEvent[] {
  return SAY[flood]().map(({ with: others, ...said }, place) => {
    const recordedAt = atMs + place;
    const identifiers = [...hers, ...(others ?? [])];
    const event = {
      type: "identified",
      occurredAt: recordedAt,
      ...said,
      eventId: `${flood}-${atMs}-${place}`,
      identifiers,
    };
    return { source: "web", recordedAt, event };
  });
}
