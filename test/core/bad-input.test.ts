// Bad input, each with the rule of SPEC section 3 that it meets: never NaN, never a crash (Bad input).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { ChannelEvent, OrderPart } from "#core/event.ts";
import { AMOUNT_MINOR_MAX, ORDER_LINES_MAX } from "#core/money.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach } from "#support/fold-events.ts";
import { checkMet, runs } from "#support/property.ts";

const AT = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;
const LINES = [{ productId: "p", quantity: 2, unitPriceMinor: 1_000 }];

function tell(hour: number, type: string, more: Partial<ChannelEvent>): FoldEvent {
  const at = AT + hour * HOUR_MS;
  const identifiers = [{ namespace: "customer", value: "c" }];
  return {
    source: "crm",
    recordedAt: at,
    event: { eventId: `e${hour}`, type, occurredAt: at, identifiers, ...more },
  };
}

const ordered = (hour: number, type: string, order: Partial<OrderPart>, more: Partial<ChannelEvent> = {}) =>
  tell(hour, type, { order: { orderId: "o", ...order }, ...more });

async function fold(...events: FoldEvent[]) {
  const folded = await foldEach(events);
  const { profiles } = await folded.readPeople();
  const outcomes = folded.outcomes.map((one) => one.reason ?? one.outcome);
  const [profile] = profiles;
  return {
    outcomes,
    segment: profile?.segment,
    view: profile?.view,
    orders: profile?.view.orders.map(({ status, currency, totalMinor }) => `${status} ${totalMinor} ${currency}`),
  };
}

describe("an order", () => {
  it("with a negative quantity is folded, and is valid only with a line of positive quantity", async () => {
    const back = { productId: "q", quantity: -1, unitPriceMinor: 500 };
    const mixed = await fold(ordered(1, "order-placed", { lines: [...LINES, back] }));
    deepEqual([mixed.outcomes, mixed.orders, mixed.segment], [["folded"], ["placed 1500 EUR"], "one-buyer"]);
    const negative = await fold(ordered(1, "order-placed", { lines: [back] }));
    deepEqual([negative.outcomes, negative.orders, negative.segment], [["folded"], ["placed -500 EUR"], "prospect"]);
  });

  it("in a currency that there is not is a contract-violation; spelling does not matter, and none is the source's", async () => {
    // Events may be of a time when there still were francs.
    for (const currency of ["FRF", "BYR", "HRK"])
      deepEqual((await fold(ordered(1, "order-placed", { currency, lines: LINES }))).outcomes, ["folded"], currency);
    for (const currency of ["EURO", "ZZZ", "€", "12"]) {
      const { outcomes } = await fold(ordered(1, "order-placed", { currency, lines: LINES }));
      deepEqual(outcomes, ["contract-violation"], currency);
    }
    for (const currency of ["EUR", " eur", "", null])
      deepEqual((await fold(ordered(1, "order-placed", { currency, lines: LINES }))).orders, ["placed 2000 EUR"]);
    const cart = { cartId: "k", currency: "EURO" };
    deepEqual((await fold(tell(1, "product-added", { cart }))).outcomes, ["contract-violation"]);
  });

  it("without lines is an order that is not valid, whatever its total", async () => {
    for (const lines of [null, []]) {
      const { orders, segment } = await fold(ordered(1, "order-placed", { totalMinor: 5_000, lines }));
      deepEqual([orders, segment], [["placed 5000 EUR"], "prospect"]);
    }
  });

  it("in two currencies is worth what its best event says, and no amount of another is added or taken", async () => {
    const placed = ordered(1, "order-placed", { currency: "EUR", lines: LINES });
    const updated = ordered(2, "order-updated", { currency: "USD", totalMinor: 2_200 });
    const returned = (order: Partial<OrderPart>) => ordered(3, "order-returned", order);
    deepEqual((await fold(placed, updated)).orders, ["placed 2200 USD"]);
    const one = [{ productId: "p", quantity: 1, unitPriceMinor: 1_100 }];
    for (const order of [
      { currency: "USD", lines: one },
      { currency: "USD", totalMinor: 9_000 },
    ]) {
      const { orders, segment } = await fold(placed, returned(order));
      deepEqual([orders, segment], [["partly-returned 2000 EUR"], "one-buyer"]);
    }
    // Pieces are counted in whatever currency they were paid back.
    const both = [{ productId: "p", quantity: 2, unitPriceMinor: 1_100 }];
    deepEqual((await fold(placed, returned({ currency: "USD", lines: both }))).orders, ["returned 2000 EUR"]);
  });

  it("in another currency than its source's is returned and updated in its own by events that name none", async () => {
    const placed = ordered(1, "order-placed", { currency: "GBP", totalMinor: 10_000, lines: LINES });
    const returned = ordered(2, "order-returned", { totalMinor: 10_000 });
    deepEqual((await fold(placed, returned)).orders, ["returned 10000 GBP"]);
    const one = ordered(2, "order-returned", { lines: [{ productId: "p", quantity: 1, unitPriceMinor: 1_100 }] });
    deepEqual((await fold(placed, one)).orders, ["partly-returned 10000 GBP"]);
    deepEqual((await fold(placed, ordered(2, "order-updated", { totalMinor: 9_000 }))).orders, ["placed 9000 GBP"]);
  });

  it("of amounts beyond the limit, alone or added up, is a contract-violation", async () => {
    const vast = AMOUNT_MINOR_MAX + 1;
    for (const order of [
      { totalMinor: 2 ** 60 },
      { totalMinor: -(2 ** 60) },
      { totalMinor: vast },
      { totalMinor: Number.NaN },
      { totalMinor: 1.5 },
      { lines: [{ productId: "p", quantity: 1, unitPriceMinor: 2 ** 60 }] },
      { lines: [{ productId: "p", quantity: 2 ** 40, unitPriceMinor: 2 ** 40 }] },
      { lines: [{ productId: "p", quantity: 0.5, unitPriceMinor: 100 }] },
      { lines: Array.from({ length: 3 }, () => ({ productId: "p", quantity: -1, unitPriceMinor: vast / 2 })) },
    ])
      deepEqual((await fold(ordered(1, "order-placed", order))).outcomes, ["contract-violation"]);
    const most = [{ productId: "p", quantity: 1, unitPriceMinor: AMOUNT_MINOR_MAX }];
    deepEqual((await fold(ordered(1, "order-placed", { lines: most }))).orders, [`placed ${AMOUNT_MINOR_MAX} EUR`]);
  });

  it("of more than 2,000 lines is a contract-violation", async () => {
    const line = { productId: "p", quantity: 1, unitPriceMinor: 1 };
    const placed = (count: number) =>
      fold(ordered(1, "order-placed", { lines: Array.from({ length: count }, () => line) }));
    deepEqual((await placed(ORDER_LINES_MAX)).outcomes, ["folded"]);
    deepEqual((await placed(ORDER_LINES_MAX + 1)).outcomes, ["contract-violation"]);
  });

  it("that was cancelled and never placed is cancelled and not valid, also once it is heard to be placed", async () => {
    const cancelled = ordered(1, "order-cancelled", {});
    const alone = await fold(cancelled);
    deepEqual([alone.orders, alone.segment], [["cancelled 0 EUR"], "prospect"]);
    const placed = await fold(cancelled, ordered(2, "order-placed", { lines: LINES }));
    deepEqual([placed.orders, placed.segment], [["cancelled 2000 EUR"], "prospect"]);
  });
});

describe("a date", () => {
  it("of an event in 1900 or 2400 is occurred-at-out-of-range", async () => {
    for (const at of [Date.UTC(1900, 0, 1), Date.UTC(2400, 0, 1), Number.NaN]) {
      const event = tell(1, "identified", { occurredAt: at });
      deepEqual((await fold(event)).outcomes, ["occurred-at-out-of-range"]);
    }
  });

  it("of birth in 1900 or 2400 stays as it was told, and is implausible", async () => {
    for (const birthDate of ["1900-01-01", "01/01/1900", "2400-02-03"]) {
      const { view } = await fold(tell(1, "identified", { traits: { birthDate } }));
      deepEqual(
        view?.demographics.map(({ value, flag }) => [value, flag]),
        [[birthDate, "implausible"]],
      );
    }
  });
});

it("a consent without proof is kept, and is not granted", async () => {
  const consents = [{ purpose: "news", channel: "email", granted: true }];
  const { view } = await fold(tell(1, "consent-changed", { consents }));
  deepEqual(
    view?.consents.map(({ granted, proof }) => [granted, proof]),
    [[false, null]],
  );
});

it("no amount, quantity, status or currency makes a number that is none, or a crash", async () => {
  const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double(), fc.constantFrom(2 ** 60, -0, AMOUNT_MINOR_MAX));
  const line = fc.record({ productId: fc.constantFrom("p", "q", ""), quantity: number, unitPriceMinor: number });
  const order = fc.record({
    status: fc.constantFrom("paid", "cancelled", "__proto__", "", null),
    currency: fc.constantFrom("EUR", "USD", "usd", "???", null),
    totalMinor: fc.option(number),
    lines: fc.option(fc.array(line, { maxLength: 3 })),
  });
  const type = fc.constantFrom(
    "order-placed",
    "order-paid",
    "order-updated",
    "order-cancelled",
    "order-returned",
    "order-refunded",
    "order-toString",
  );
  let folded = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(type, order), { minLength: 1, maxLength: 5 }), async (told) => {
      const result = await fold(...told.map(([kind, part], hour) => ordered(hour, kind, part)));
      folded += result.outcomes.filter((outcome) => outcome === "folded").length;
      ok(result.outcomes.every((outcome) => outcome === "folded" || outcome === "contract-violation"));
      for (const { totalMinor, currency } of result.view?.orders ?? []) {
        ok(Number.isSafeInteger(totalMinor));
        equal(/^[A-Z]{3}$/.test(currency), true);
      }
    }),
    runs(500),
  );
  checkMet(folded > 50);
});
