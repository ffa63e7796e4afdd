// Each limit of the dossier: what is kept is a function of the set of events, however it comes and wherever it is
// merged, and each hit is told (O4, P1). Claims never drive out what was authenticated (I5).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { CART_LINES_MAX, CARTS_MAX } from "#core/cart.ts";
import { CASES_MAX } from "#core/case.ts";
import { COMPANIONS_MAX } from "#core/companion.ts";
import { CONSENTS_MAX } from "#core/consent.ts";
import { CALL_RULES, MESSAGE_STEP_RULES, NOTE_RULES } from "#core/correspondence.ts";
import { REACHES_MAX } from "#core/contact.ts";
import { MESSAGE_COUNTS_MAX, PRESSURE_DAYS_MAX } from "#core/message.ts";
import { CATEGORIES_MAX, CHANNELS_MAX } from "#core/habit.ts";
import { PLACES_MAX } from "#core/group.ts";
import { SEARCH_RULES, TIMELINE_RULES, TOUCH_RULES } from "#core/journey.ts";
import { INFERRED_MAX, STATED_MAX } from "#core/preference.ts";
import { RESTRICTIONS_MAX } from "#core/restriction.ts";
import { PROGRAMMES_MAX, SUBSCRIPTIONS_MAX } from "#core/standing.ts";
import type { Dossier } from "#core/dossier.ts";
import type { ChannelEvent } from "#core/event.ts";
import { FACET_LENGTH_MAX } from "#core/facet.ts";
import type { LimitKind } from "#core/limit.ts";
import { type Fact, foldFacts, mergeFragments } from "#support/fold-facts.ts";

interface Bound {
  readonly facet: keyof Dossier;
  readonly limit: LimitKind;
  readonly max: number;
  /** The nth event, which needs room of its own. */
  readonly tell: (n: number) => Partial<ChannelEvent>;
  readonly source?: (n: number) => string;
  readonly emails?: (n: number) => string[];
  /** Of the events 0 to max + 4, those that go. */
  readonly gone: "first" | "last";
}

const name = (n: number) => `n-${String(n).padStart(4, "0")}`;

const BOUNDS: readonly Bound[] = [
  {
    facet: "consents",
    limit: "consents",
    max: CONSENTS_MAX,
    tell: (n) => ({ consents: [{ purpose: name(n), granted: true, proof: "form" }] }),
    gone: "last",
  },
  {
    facet: "companions",
    limit: "companions",
    max: COMPANIONS_MAX,
    tell: () => ({}),
    emails: (n) => [name(n)],
    gone: "last",
  },
  {
    facet: "restrictions",
    limit: "restrictions",
    max: RESTRICTIONS_MAX,
    source: () => "operator",
    tell: (n) => ({ type: "restriction-changed", restriction: { restrictionId: name(n), lifted: true } }),
    gone: "last",
  },
  {
    facet: "cases",
    limit: "cases",
    max: CASES_MAX,
    tell: (n) => ({ case: { caseId: name(n) } }),
    gone: "first",
  },
  {
    facet: "messages",
    limit: "messages",
    max: MESSAGE_COUNTS_MAX,
    tell: (n) => ({ type: "message-opened", message: { messageId: "m", channel: name(n) } }),
    gone: "last",
  },
  {
    facet: "pressure",
    limit: "pressure-days",
    max: PRESSURE_DAYS_MAX,
    tell: (n) => ({ type: "message-sent", occurredAt: Date.UTC(2026, 0, 1 + n) }),
    gone: "first",
  },
  {
    facet: "reaches",
    limit: "reaches",
    max: REACHES_MAX,
    tell: () => ({ type: "message-clicked" }),
    emails: (n) => [name(n)],
    gone: "last",
  },
  {
    facet: "subscriptions",
    limit: "subscriptions",
    max: SUBSCRIPTIONS_MAX,
    tell: (n) => ({ subscription: { subscriptionId: name(n), status: "active" } }),
    gone: "first",
  },
  {
    facet: "loyalty",
    limit: "programmes",
    max: PROGRAMMES_MAX,
    tell: (n) => ({ loyalty: { programId: name(n), points: n } }),
    gone: "last",
  },
  {
    facet: "places",
    limit: "places",
    max: PLACES_MAX,
    tell: (n) => ({ group: { kind: "household", groupId: name(n) } }),
    gone: "last",
  },
  {
    facet: "stated",
    limit: "stated-preferences",
    max: STATED_MAX,
    tell: (n) => ({ type: "preference-stated", preferences: { [name(n)]: true } }),
    gone: "last",
  },
  {
    facet: "inferred",
    limit: "inferred-preferences",
    max: INFERRED_MAX,
    tell: (n) => ({ preferences: { size: name(n) } }),
    gone: "last",
  },
  {
    facet: "channels",
    limit: "channels",
    max: CHANNELS_MAX,
    tell: () => ({ type: "called" }),
    source: name,
    gone: "last",
  },
  {
    facet: "categories",
    limit: "categories",
    max: CATEGORIES_MAX,
    tell: (n) => ({ product: { productId: "p", category: name(n) } }),
    gone: "last",
  },
  {
    facet: "searches",
    limit: "searches",
    max: SEARCH_RULES.max,
    tell: (n) => ({ search: { query: name(n) } }),
    gone: "first",
  },
  {
    facet: "touches",
    limit: "touches",
    max: TOUCH_RULES.max,
    tell: (n) => ({ touch: { channel: "search", campaignId: name(n) } }),
    gone: "first",
  },
  {
    facet: "timeline",
    limit: "timeline",
    max: TIMELINE_RULES.max,
    tell: () => ({ type: "called" }),
    gone: "first",
  },
  {
    facet: "carts",
    limit: "carts",
    max: CARTS_MAX,
    tell: (n) => ({ cart: { cartId: name(n), lines: [] } }),
    gone: "first",
  },
  {
    facet: "calls",
    limit: "calls",
    max: CALL_RULES.max,
    tell: (n) => ({ type: "called", case: { caseId: name(n) } }),
    gone: "first",
  },
  {
    facet: "notes",
    limit: "notes",
    max: NOTE_RULES.max,
    tell: (n) => ({ type: "note-added", note: name(n) }),
    gone: "first",
  },
  {
    facet: "messageSteps",
    limit: "message-steps",
    max: MESSAGE_STEP_RULES.max,
    tell: (n) => ({ type: "message-opened", message: { messageId: name(n) } }),
    gone: "first",
  },
];

const OVER = 5;

function listFacts({ max, tell, source = () => "crm", emails = () => [] }: Bound): Fact[] {
  return Array.from({ length: max + OVER }, (_, n) => ({
    event: { eventId: name(n), type: "page-viewed", occurredAt: Date.UTC(2026, 0, 1) + n, identifiers: [], ...tell(n) },
    source: source(n),
    emails: emails(n),
  }));
}

describe("the dossier", () => {
  for (const bound of BOUNDS) {
    it(`keeps ${bound.max} ${bound.facet}, the same in whatever order they come, and tells each left out as ${bound.limit} (O4, P1)`, () => {
      const facts = listFacts(bound);
      // Whatever else is bounded may be met as well.
      const hits = (limits: readonly LimitKind[]) => limits.filter((limit) => limit === bound.limit);
      const { fragment, limits } = foldFacts(facts);
      const kept = bound.gone === "last" ? facts.slice(0, bound.max) : facts.slice(OVER);
      const facet = fragment.dossier?.[bound.facet];
      ok(facet);
      equal("size" in facet ? facet.size : facet.length, bound.max);
      deepEqual(
        hits(limits),
        Array.from({ length: OVER }, () => bound.limit),
      );
      deepEqual(facet, foldFacts(kept).fragment.dossier?.[bound.facet]);
      const backwards = foldFacts(facts.toReversed());
      deepEqual(backwards.fragment.dossier?.[bound.facet], facet);
      deepEqual(hits(backwards.limits), hits(limits));
      // Twice the same set, as two homes may know it: what is not counted stays what it is.
      if (Array.isArray(facet)) deepEqual(mergeFragments(fragment, fragment).dossier?.[bound.facet], facet);
      const [evens, odds] = [0, 1].map((rest) => foldFacts(facts.filter((_, n) => n % 2 === rest)).fragment);
      ok(evens && odds);
      deepEqual(mergeFragments(evens, odds).dossier?.[bound.facet], facet);
      deepEqual(mergeFragments(odds, evens).dossier?.[bound.facet], facet);
    });
  }

  it("cuts a long text and tells it", () => {
    const purpose = "p".repeat(FACET_LENGTH_MAX + 1);
    const { fragment, limits } = foldFacts([
      {
        event: { eventId: "1", type: "told", occurredAt: 0, identifiers: [], consents: [{ purpose, granted: false }] },
      },
    ]);
    deepEqual(limits, ["facet-length"]);
    deepEqual(
      [...(fragment.dossier?.consents.values() ?? [])].map((consent) => consent.purpose.length),
      [FACET_LENGTH_MAX],
    );
  });

  it("keeps the first lines of a cart and tells the others", () => {
    const lines = Array.from({ length: CART_LINES_MAX + 1 }, (_, n) => {
      return { productId: name(n), quantity: 1, unitPriceMinor: 100 };
    });
    const event = { eventId: "1", type: "product-added", occurredAt: 0, identifiers: [], cart: { cartId: "k", lines } };
    const { fragment, limits } = foldFacts([{ event }]);
    deepEqual(limits, ["cart-lines"]);
    const [cart] = fragment.dossier?.carts.values() ?? [];
    deepEqual(cart?.content?.lines, lines.slice(0, CART_LINES_MAX));
  });

  it("bounds one event that brings more than there is room for", () => {
    const consents = Array.from({ length: CONSENTS_MAX + OVER }, (_, n) => ({ purpose: name(n), granted: false }));
    const { fragment, limits } = foldFacts([
      { event: { eventId: "1", type: "told", occurredAt: 0, identifiers: [], consents } },
    ]);
    equal(fragment.dossier?.consents.size, CONSENTS_MAX);
    equal(limits.length, OVER);
  });

  it("is none for whoever only looks at pages", () => {
    const event = { eventId: "1", type: "page-viewed", occurredAt: 0, identifiers: [] };
    equal(foldFacts([{ event }]).fragment.dossier, null);
  });
});
