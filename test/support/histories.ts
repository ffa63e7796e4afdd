// Histories that collide: few people, few identifiers, few instants, so that devices are shared, addresses of others are
// typed, phones are contested, and orders are told by several sources in any order.

import * as fc from "fast-check";
import { PUBLIC_TEST_IDENTITY_KEY } from "#services/config/identity-key.ts";
import { OPERATOR_VERDICTS, rulingType } from "#core/ruling.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { createHash } from "#services/wire/hash.ts";
import type { Configuration } from "#core/configuration.ts";
import type { ChannelEvent, IdentifierClaim, OrderLine } from "#core/event.ts";
import { someParts, type Parts } from "./history-parts.ts";
import type { RecordedEvent } from "./oracle.ts";

export const { configuration } = loadConfiguration(undefined, {});
export const hash = createHash(PUBLIC_TEST_IDENTITY_KEY);

/** Takes more than a log-in to make one person of two known identifiers: the customer file and the call centre do. */
export const strictConfiguration: Configuration = {
  ...configuration,
  joinAssurance: "verified",
  sources: configuration.sources.map((source) =>
    source.name === "crm" || source.name === "call-centre" ? { ...source, assurance: { "*": "verified" } } : source,
  ),
};

/** Limits so low that a history of a dozen events meets them. */
export const narrowConfiguration: Configuration = {
  ...configuration,
  namespaces: configuration.namespaces.map((namespace) => {
    const tied = { tiedUniquesMax: 3, tiedOthersMax: 5 };
    if (namespace.name === "email" || namespace.name === "social") return { ...namespace, ...tied, valuesMax: 2 };
    if (namespace.name === "cookie" || namespace.name === "payment-card")
      return { ...namespace, ...tied, valuesMax: 1 };
    return { ...namespace, ...tied };
  }),
};

export const SCENARIOS = ["plain", "shared-device", "contested-phone", "typed", "crm", "orders", "crowd"] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface History {
  readonly scenario: Scenario;
  /** In an order of arrival; copies of one event among them. */
  readonly events: readonly RecordedEvent[];
}

const START_MS = Date.UTC(2026, 0, 5);
/** Few instants, so that record times are often equal. */
const INSTANTS = 12;
const STEP_MS = 3_600_000;
const PEOPLE = 3;

export const VALUES: Readonly<Record<string, (person: number) => string>> = {
  customer: (person) => `c-${person}`,
  card: (person) => `2099-${person}`,
  "crm-contact": (person) => `m-${person}`,
  // The first two have one mailbox, at a provider that folds.
  email: (person) => ["ana.b@gmail.com", "anab+home@gmail.com"][person] ?? `person${person}@example.fr`,
  "payment-card": (person) => `token-${person}`,
  social: (person) => `@handle${person}`,
  phone: (person) => `061234567${person}`,
  device: (person) => `app-${person}`,
  cookie: (person) => `ck-${person}`,
};

/** How likely a source names which namespace, in percent. */
const HABITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  web: { cookie: 85, customer: 30, email: 20, phone: 8, card: 6, "crm-contact": 6, social: 4 },
  app: { device: 85, cookie: 15, customer: 40, email: 10, card: 10 },
  store: { card: 50, customer: 25, phone: 45, email: 35, "payment-card": 25, "crm-contact": 8, cookie: 4 },
  "call-centre": { phone: 70, customer: 35, email: 35, "crm-contact": 10 },
  crm: { "crm-contact": 85, customer: 50, card: 30, email: 45, phone: 45, social: 8 },
  social: { social: 85, email: 25, cookie: 15 },
  email: { email: 92, cookie: 40, device: 10, customer: 5 },
};

/** What makes a scenario collide is named more often than elsewhere. */
const EAGER: Readonly<Partial<Record<Scenario, Readonly<Record<string, number>>>>> = {
  "shared-device": { cookie: 90, device: 90, customer: 65, email: 30 },
  "contested-phone": { phone: 90, customer: 50 },
  typed: { email: 70, cookie: 90 },
};

const WEIGHTS: Readonly<Record<Scenario, { readonly sources: Readonly<Record<string, number>>; orders: number }>> = {
  plain: { sources: { web: 4, app: 2, store: 2, "call-centre": 1, crm: 1, social: 1, email: 1 }, orders: 30 },
  "shared-device": { sources: { web: 5, app: 3, email: 1, store: 1 }, orders: 20 },
  "contested-phone": { sources: { store: 3, "call-centre": 3, crm: 2, web: 1 }, orders: 30 },
  typed: { sources: { web: 5, social: 2, email: 2, store: 1 }, orders: 10 },
  crm: { sources: { crm: 4, store: 2, web: 2, "call-centre": 1 }, orders: 20 },
  orders: { sources: { web: 3, store: 3, app: 1, "call-centre": 1, social: 1 }, orders: 90 },
  crowd: { sources: { store: 4, web: 3, crm: 1 }, orders: 10 },
};

const CALM_TYPES = [
  "page-viewed",
  "page-viewed",
  "product-viewed",
  "product-added",
  "cart-viewed",
  "checkout-started",
  "identified",
  "traits-changed",
  "something-of-their-own",
] as const;
const ORDER_TYPES = [
  "order-placed",
  "order-placed",
  "order-placed",
  "order-paid",
  "order-paid",
  "order-updated",
  "order-cancelled",
  "order-returned",
  "order-returned",
  "order-refunded",
] as const;
const JUNK = ["null", "0000000000", "test@test.com", "-1", "[object Object]"] as const;

interface Draft {
  readonly source: string;
  readonly recordedAt: number;
  readonly copies: readonly { readonly shift: number; readonly place: number }[];
  readonly event: Omit<ChannelEvent, "eventId">;
}

const percent = fc.nat({ max: 99 });

function among<T>(values: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...values);
}

const line: fc.Arbitrary<OrderLine> = fc.record({
  productId: among(["p1", "p2", "p3"]),
  quantity: among([1, 1, 1, 2, 3, 0, -1]),
  unitPriceMinor: among([1_00, 19_99, 250_00, 400_00, 0]),
});

const content = fc
  .record({
    lines: fc.array(line, { maxLength: 3 }),
    total: percent,
    status: among([null, null, null, "paid", "placed", "cancelled", "refunded", "shipped"]),
    currency: among(["EUR", "EUR", "EUR", " eur", "CHF", null]),
  })
  .map(({ lines, total, status, currency }) => ({
    status,
    lines: total < 9 ? null : lines,
    currency,
    totalMinor:
      total > 5 && total < 15
        ? null
        : total > 94
          ? -5_00
          : lines.reduce((sum, l) => sum + l.quantity * l.unitPriceMinor, 0),
  }));

/** Whose value of a namespace an event about `person` names. */
function ownerOf(scenario: Scenario, namespace: string, person: number, luck: number, other: number): number {
  if (scenario === "shared-device" && (namespace === "cookie" || namespace === "device")) return luck < 85 ? 0 : person;
  if (scenario === "contested-phone" && namespace === "phone") return luck < 85 ? 0 : person;
  if (scenario === "typed" && namespace === "email") return other;
  if (scenario === "crowd" && (namespace === "phone" || namespace === "email")) return luck < 80 ? 0 : person;
  return luck < 85 ? person : other;
}

function claims(scenario: Scenario, source: string): fc.Arbitrary<IdentifierClaim[]> {
  const habits = HABITS[source] ?? {};
  const people = scenario === "crowd" ? 8 : PEOPLE;
  const draws = Object.entries(habits).map(([namespace, chance]) =>
    fc.tuple(percent, percent, fc.nat({ max: people - 1 }), percent).map(([use, luck, other, oddity]) => {
      return { namespace, used: use < (EAGER[scenario]?.[namespace] ?? chance), luck, other, oddity };
    }),
  );
  return fc.tuple(fc.nat({ max: people - 1 }), fc.tuple(...draws), percent).map(([person, drawn, crowd]) => {
    const list: IdentifierClaim[] = drawn
      .filter(({ used }) => used)
      .map(({ namespace, luck, other, oddity }) => {
        const value = VALUES[namespace]?.(ownerOf(scenario, namespace, person, luck, other)) ?? "";
        if (oddity < 2) return { namespace, value: JUNK[oddity + (luck % 3)] ?? "null" };
        if (oddity < 4) return { namespace, value, role: "other" as const };
        if (namespace === "email" && oddity > 88) return { namespace: "email-sha256", value: hash.digest(value) };
        if (namespace === "email" && oddity > 76)
          return { namespace, value: value.replace("@gmail", luck % 3 === 0 ? "@googlemail" : `+${luck % 3}@gmail`) };
        if (oddity < 8) return { namespace, value, assurance: oddity < 6 ? "claimed" : "operator" };
        return { namespace, value: oddity < 12 ? ` "${value}" ` : value };
      });
    // A weak identifier tied to more than fifty others takes a few events that each name many.
    if (scenario === "crowd" && crowd < 25)
      for (let i = 0; i < 13; i += 1) list.push({ namespace: "social", value: `@many-${crowd}-${i}` });
    return list;
  });
}

function draft(scenario: Scenario): fc.Arbitrary<Draft> {
  const { sources, orders } = WEIGHTS[scenario];
  const anySource = fc.oneof(
    ...Object.entries(sources).map(([source, weight]) => ({ arbitrary: fc.constant(source), weight })),
  );
  const told = anySource.chain((source) =>
    fc
      .record({
        claims: claims(scenario, source),
        instant: fc.nat({ max: INSTANTS - 1 }),
        behind: among([5, 5, 5, 6, 12, 40]),
        ahead: percent,
        kind: percent,
        calm: among(CALM_TYPES),
        ordering: among(ORDER_TYPES),
        orderId: among(["o1", "o2", "o3"]),
        anonymous: percent,
        content,
        traits: fc.record({
          use: percent,
          name: among(["city", "name", "toString"]),
          value: among(["a", "b", 3, null]),
        }),
        parts: someParts,
        copies: fc.oneof(
          { arbitrary: fc.constant<Draft["copies"]>([]), weight: 9 },
          {
            arbitrary: fc.array(fc.record({ shift: among([0, 0, 1, 4, -2]), place: percent }), {
              minLength: 1,
              maxLength: 2,
            }),
            weight: 1,
          },
        ),
      })
      .map((draw) => assemble(source, orders, draw)),
  );
  return fc.oneof(
    { arbitrary: told, weight: 13 },
    { arbitrary: ruling(scenario), weight: 2 },
    { arbitrary: succession(scenario), weight: 1 },
  );
}

/** A card that was issued anew, a number that was given up: said by the customer file, for one or two of the people. */
function succession(scenario: Scenario): fc.Arbitrary<Draft> {
  const people = scenario === "crowd" ? 8 : PEOPLE;
  const namespaces = ["customer", "card", "email", "email", "phone"];
  return fc
    .record({
      type: among(["identifier-replaced", "identifier-released"]),
      namespace: among(namespaces),
      one: fc.nat({ max: people - 1 }),
      step: fc.integer({ min: 1, max: people - 1 }),
      instant: fc.nat({ max: INSTANTS - 1 }),
      named: among([true, false]),
    })
    .map(({ type, namespace, one, step, instant, named }): Draft => {
      const recordedAt = START_MS + instant * STEP_MS;
      const value = (person: number) => VALUES[namespace]?.(person) ?? "";
      const replaced = {
        namespace,
        old: value(one),
        new: type === "identifier-replaced" ? value((one + step) % people) : "",
      };
      const identifiers = named ? [{ namespace: "crm-contact", value: VALUES["crm-contact"]?.(one) ?? "" }] : [];
      return { source: "crm", recordedAt, copies: [], event: { type, occurredAt: recordedAt, identifiers, replaced } };
    });
}

/** An operator's word about two identifiers, most often of one person: then it is about evidence that there is. */
function ruling(scenario: Scenario): fc.Arbitrary<Draft> {
  const people = scenario === "crowd" ? 8 : PEOPLE;
  const namespaces = Object.keys(HABITS["crm"] ?? {});
  const person = fc.nat({ max: people - 1 });
  return fc
    .record({
      type: among(OPERATOR_VERDICTS.map(rulingType)),
      whose: fc.tuple(person, person, percent),
      ends: fc.tuple(percent, among(namespaces), among(namespaces), among(Object.keys(VALUES))),
      instant: fc.nat({ max: INSTANTS - 1 }),
    })
    .map(({ type, whose, ends, instant }): Draft => {
      const recordedAt = START_MS + instant * STEP_MS;
      const [mine, theirs, stranger] = whose;
      const [anything, a, b, any] = ends;
      const claim = (namespace: string, person: number) => ({ namespace, value: VALUES[namespace]?.(person) ?? "" });
      const one = claim(a, mine);
      const other = claim(anything < 40 ? any : b, stranger < 35 ? theirs : mine);
      return {
        source: "operator",
        recordedAt,
        copies: [],
        event: { type, occurredAt: recordedAt, identifiers: [one, other] },
      };
    });
}

function assemble(
  source: string,
  orders: number,
  draw: {
    claims: IdentifierClaim[];
    instant: number;
    behind: number;
    ahead: number;
    kind: number;
    calm: string;
    ordering: string;
    orderId: string;
    anonymous: number;
    content: { status: string | null; lines: OrderLine[] | null; currency: string | null; totalMinor: number | null };
    traits: { use: number; name: string; value: string | number | null };
    parts: Parts;
    copies: Draft["copies"];
  },
): Draft {
  const recordedAt = START_MS + draw.instant * STEP_MS;
  const isOrder = draw.kind < orders;
  const clicked = source === "email" && !isOrder && draw.anonymous < 80;
  const type = isOrder ? draw.ordering : clicked ? "message-clicked" : (draw.parts.type ?? draw.calm);
  const namesOrder = !isOrder && draw.kind > 94;
  const identifiers = isOrder && draw.anonymous < 25 ? [] : draw.claims;
  const isBare = draw.ordering === "order-paid" || draw.ordering === "order-cancelled" || draw.anonymous % 4 === 0;
  const isAhead = draw.ahead < 4 && draw.copies.length === 0;
  const { content: told } = draw;
  return {
    source,
    recordedAt,
    copies: draw.copies,
    event: {
      type,
      // Mostly in the past; now and then ahead of the log by more than it may be. Not where copies have record times of
      // their own: what an earlier copy that comes later clamps is not taken back.
      occurredAt: recordedAt - draw.behind * STEP_MS + (isAhead ? 20 * 60_000 : 0),
      identifiers: namesOrder ? [...identifiers, { namespace: "order", value: draw.orderId }] : identifiers,
      ...(isOrder ? { order: { orderId: draw.orderId, ...(isBare ? {} : told) } } : {}),
      ...(type.startsWith("cart") || type.startsWith("checkout") || type === "product-added"
        ? { cart: { cartId: "k", currency: told.currency, totalMinor: null, lines: told.lines } }
        : {}),
      ...draw.parts.parts,
      ...(draw.traits.use < 25 ? { traits: { [draw.traits.name]: draw.traits.value } } : {}),
    },
  };
}

/** Numbers the events, and puts the copies in: the same event, recorded again or earlier. */
function number(drafts: readonly Draft[]): RecordedEvent[] {
  const events = drafts.map(({ source, recordedAt, event }, place) => {
    return { source, recordedAt, event: { eventId: `e${place}`, ...event } };
  });
  for (const [place, { copies }] of drafts.entries()) {
    for (const copy of copies) {
      const original = events.find(({ event }) => event.eventId === `e${place}`);
      if (original === undefined) continue;
      const recordedAt = original.recordedAt + copy.shift * STEP_MS;
      events.splice(Math.floor((copy.place * events.length) / 100), 0, { ...original, recordedAt });
    }
  }
  return events;
}

export function historyOf(scenario: Scenario, minLength: number, maxLength: number): fc.Arbitrary<History> {
  return fc
    .array(draft(scenario), { minLength, maxLength, size: "max" })
    .map((drafts) => ({ scenario, events: number(drafts) }));
}

/** More than a third share devices or contest identifiers. */
export function history(minLength: number, maxLength: number): fc.Arbitrary<History> {
  const weights: Readonly<Record<Scenario, number>> = {
    plain: 3,
    "shared-device": 5,
    "contested-phone": 5,
    typed: 3,
    crm: 2,
    orders: 3,
    crowd: 1,
  };
  return fc.oneof(
    ...SCENARIOS.map((scenario) => ({
      arbitrary: historyOf(scenario, minLength, maxLength),
      weight: weights[scenario],
    })),
  );
}

/** What campaigns are made of: most of 5 to 20 events, some of up to 60. */
export const usual: fc.Arbitrary<History> = fc.oneof(
  { arbitrary: history(5, 20), weight: 19 },
  { arbitrary: history(20, 60), weight: 1 },
);

/** Where a bit is set, a batch ends. */
export const bits = fc.array(fc.boolean(), { minLength: 7, maxLength: 7 });

export function cut<T>(list: readonly T[], ends: readonly boolean[]): T[][] {
  const batches: T[][] = [[]];
  for (const [place, value] of list.entries()) {
    batches.at(-1)?.push(value);
    if (ends[place % ends.length] === true) batches.push([]);
  }
  return batches.filter((batch) => batch.length > 0);
}

/** Two people of many cookies and devices, most of them nobody else's, among what else happens to them. */
export function visits(minLength: number, maxLength: number): fc.Arbitrary<History> {
  const visit = fc
    .record({
      visitor: fc.nat({ max: 39 }),
      other: fc.nat({ max: 39 }),
      person: fc.nat({ max: 1 }),
      instant: fc.nat({ max: INSTANTS - 1 }),
      kind: percent,
      type: among(CALM_TYPES),
    })
    .map(({ visitor, other, person, instant, kind, type }): Draft => {
      const recordedAt = START_MS + instant * STEP_MS;
      const nameOf = (place: number) =>
        place % 4 === 0
          ? { namespace: "device", value: `app-v${place}` }
          : { namespace: "cookie", value: `ck-v${place}` };
      const named = (namespace: string, whose: number) => ({ namespace, value: VALUES[namespace]?.(whose) ?? "" });
      // Mostly each visitor is one person's.
      const owner = kind % 10 === 0 ? person : visitor % 2;
      const beside =
        kind < 50
          ? [named("customer", owner)]
          : kind < 70
            ? []
            : kind < 80
              ? [nameOf(other)]
              : kind < 90
                ? [named("email", owner)]
                : [named("phone", owner)];
      const event = { type, occurredAt: recordedAt - 5 * STEP_MS, identifiers: [nameOf(visitor), ...beside] };
      return { source: "web", recordedAt, copies: [], event };
    });
  // What an operator says of two visitors, and now and then of one and a person.
  const said = fc
    .record({ visit, other: visit, verdict: among(["apart", "apart", "cut", "lifted"] as const) })
    .map(({ visit: { recordedAt, event }, other, verdict }): Draft => {
      const identifiers = [event.identifiers[0], other.event.identifiers.at(-1)].flatMap((one) => one ?? []);
      return {
        source: "operator",
        recordedAt,
        copies: [],
        event: { ...event, type: rulingType(verdict), identifiers },
      };
    });
  const drafts = fc.oneof(
    { arbitrary: visit, weight: 90 },
    { arbitrary: draft("plain"), weight: 10 },
    { arbitrary: said, weight: 2 },
  );
  return fc
    .array(drafts, { minLength, maxLength, size: "max" })
    .map((list) => ({ scenario: "plain", events: number(list) }));
}
