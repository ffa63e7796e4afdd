// What another rule set does to signals, to moves that still hold and to whom time moves (T1, T2, O5), by example.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Rules, SignalRule } from "#core/configuration.ts";
import type { Output } from "#core/effect.ts";
import type { ChannelEvent } from "#core/event.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { configuration, hash } from "#support/histories.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 2, 2);
const hour = (hours: number) => START_MS + hours * HOUR_MS;
const hoursOf = (at: number) => (at - START_MS) / HOUR_MS;

const cart = (dueAfter: number, sourceLateAfter = 0): SignalRule => ({
  signal: "abandoned-cart",
  after: ["cart-activity"],
  unless: ["valid-order"],
  yearly: null,
  while: null,
  dueAfterMs: dueAfter * HOUR_MS,
  sourceLateAfterMs: sourceLateAfter * HOUR_MS,
});

let versions = 0;
function rulesOf(change: Partial<Rules>): Rules {
  versions += 1;
  return { ...configuration.rules, signals: [], ...change, version: `v${versions}` };
}

let events = 0;
function tell(at: number, type: string, customer: string, parts: Partial<ChannelEvent> = {}): FoldEvent {
  events += 1;
  const identifiers = [{ namespace: "customer", value: customer }];
  const event = { eventId: `e${events}`, type, occurredAt: hour(at), identifiers, ...parts };
  return { source: "web", recordedAt: hour(at), event };
}

const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 1_000 }];
const buy = (at: number, customer: string, orderId: string) =>
  tell(at, "order-placed", customer, { order: { orderId, currency: "EUR", totalMinor: 1_000, lines } });

function open(rules: Rules): Fold {
  return new Fold({ configuration: { ...configuration, rules }, hash });
}

function listSignals(outputs: readonly Output[]): string[] {
  return outputs.flatMap((one) =>
    one.kind === "signal" ? [`${one.signal} due ${hoursOf(one.dueAt)} sent ${hoursOf(one.at)} ${one.certainty}`] : [],
  );
}

function listMoves(outputs: readonly Output[]): string[] {
  return outputs.flatMap((one) =>
    one.kind === "transition" || one.kind === "retraction"
      ? [`${one.kind === "retraction" ? "not " : ""}${one.from} -> ${one.to} ${one.cause} ${hoursOf(one.by.at)}`]
      : [],
  );
}

describe("a signal under other rules", () => {
  it("that is declared now is sent for what is still to come, and not for what was due before (O5)", async () => {
    const fold = open(rulesOf({}));
    await fold.add([tell(0, "product-added", "c-1")]);
    await fold.add([tell(20, "product-added", "c-2")]);
    await fold.putRules(rulesOf({ signals: [cart(24)] }), hour(30));
    await fold.advance(hour(200));
    deepEqual(listSignals(fold.outputs), ["abandoned-cart due 44 sent 44 source-late"]);
    // Nor by the next event of hers that is not of the cart; a cart of after opens one.
    await fold.add([tell(201, "page-viewed", "c-1")]);
    await fold.add([tell(202, "product-added", "c-1")]);
    await fold.advance(hour(400));
    deepEqual(listSignals(fold.outputs).slice(1), ["abandoned-cart due 226 sent 226 source-late"]);
  });

  it("that is not declared any more is not sent, and opens again where it is while its instant is to come", async () => {
    const fold = open(rulesOf({ signals: [cart(24)] }));
    await fold.add([tell(0, "product-added", "c-1")]);
    await fold.putRules(rulesOf({}), hour(2));
    await fold.advance(hour(10));
    await fold.putRules(rulesOf({ signals: [cart(24)] }), hour(12));
    await fold.advance(hour(100));
    deepEqual(listSignals(fold.outputs), ["abandoned-cart due 24 sent 24 source-late"]);
    const gone = open(rulesOf({ signals: [cart(24)] }));
    await gone.add([tell(0, "product-added", "c-1")]);
    await gone.putRules(rulesOf({}), hour(2));
    await gone.advance(hour(100));
    deepEqual(listSignals(gone.outputs), []);
  });

  it("is due when they say so: later, sooner, or at once where that has passed", async () => {
    for (const [dueAfter, sent] of [
      [48, 48],
      [12, 12],
      [4, 10],
    ] as const) {
      const fold = open(rulesOf({ signals: [cart(24)] }));
      await fold.add([tell(0, "product-added", "c-1")]);
      await fold.putRules(rulesOf({ signals: [cart(dueAfter)] }), hour(10));
      await fold.advance(hour(100));
      deepEqual(listSignals(fold.outputs), [`abandoned-cart due ${sent} sent ${sent} source-late`]);
    }
  });

  it("that waits for a source waits as long as they say", async () => {
    for (const [late, sent] of [
      [36, 60],
      [10, 34],
      [1, 30],
    ] as const) {
      const fold = open(rulesOf({ signals: [cart(24, 48)] }));
      await fold.add([tell(0, "product-added", "c-1")]);
      await fold.advance(hour(26));
      await fold.putRules(rulesOf({ signals: [cart(24, late)] }), hour(30));
      await fold.advance(hour(100));
      deepEqual(listSignals(fold.outputs), [`abandoned-cart due 24 sent ${sent} source-late`]);
    }
  });

  it("is not sent again by rules that change nothing about it", async () => {
    const fold = open(rulesOf({ signals: [cart(24)] }));
    await fold.add([tell(0, "product-added", "c-1")]);
    for (const at of [1, 30, 60]) await fold.putRules(rulesOf({ signals: [cart(24)] }), hour(at));
    await fold.advance(hour(100));
    equal(listSignals(fold.outputs).length, 1);
  });
});

describe("a segment under other rules", () => {
  const { ladder } = configuration.rules;

  it("is left as a change of rules, which retracts nothing (U3)", async () => {
    const fold = open(rulesOf({}));
    await fold.add([buy(0, "c-1", "o1")]);
    await fold.add([buy(1, "c-1", "o2")]);
    await fold.putRules(rulesOf({ ladder: ladder.filter(({ segment }) => segment !== "multi-buyer") }), hour(5));
    await fold.putRules(rulesOf({ ladder }), hour(6));
    deepEqual(listMoves(fold.outputs), [
      "null -> one-buyer event 0",
      "one-buyer -> multi-buyer event 1",
      "multi-buyer -> prospect rule-change 5",
      "prospect -> multi-buyer rule-change 6",
    ]);
  });

  it("whose move loses its reason is still retracted after a change that leaves it on the ladder (U3)", async () => {
    const fold = open(rulesOf({}));
    await fold.add([buy(10, "c-1", "o1")]);
    await fold.add([buy(11, "c-1", "o2")]);
    await fold.putRules(rulesOf({ audiences: [{ audience: "known", when: "profile.known" }] }), hour(20));
    // The second order was cancelled before it was told: she never was a multi-buyer.
    const cancelled = tell(9, "order-cancelled", "c-1", { order: { orderId: "o2" } });
    await fold.add([{ ...cancelled, recordedAt: hour(21) }]);
    deepEqual(listMoves(fold.outputs), [
      "null -> one-buyer event 10",
      "one-buyer -> multi-buyer event 11",
      "multi-buyer -> one-buyer late-data 21",
      "not one-buyer -> multi-buyer late-data 21",
    ]);
  });

  it("that time ends, ends by rules that came before its instant, and by none that went (T2)", async () => {
    const timed = rulesOf({
      ladder: [
        { segment: "quiet", when: 'elapsed(profile.lastAt, "50h")' },
        { segment: "active", when: "true" },
      ],
    });
    const fold = open(rulesOf({}));
    await fold.add([tell(0, "page-viewed", "c-1")]);
    await fold.putRules(timed, hour(10));
    await fold.advance(hour(100));
    deepEqual(listMoves(fold.outputs), [
      "null -> prospect event 0",
      "prospect -> active rule-change 10",
      "active -> quiet schedule 50",
    ]);
    const gone = open(timed);
    await gone.add([tell(0, "page-viewed", "c-1")]);
    await gone.putRules(rulesOf({}), hour(10));
    await gone.advance(hour(100));
    deepEqual(listMoves(gone.outputs), ["null -> active event 0", "active -> prospect rule-change 10"]);
  });

  it("and audiences are told in one change of the profile", async () => {
    const fold = open(rulesOf({}));
    await fold.add([buy(0, "c-1", "o1")]);
    const said = fold.outputs.length;
    const audiences = [{ audience: "buyers", when: "orders.valid > 0" }];
    await fold.putRules(rulesOf({ audiences, ladder: [{ segment: "all", when: "true" }] }), hour(1));
    deepEqual(
      fold.outputs
        .slice(said)
        .map((one) => (one.kind === "profile-changed" ? one.changes.map(({ path }) => path) : one.kind)),
      ["transition", ["audiences.buyers", "segment"], "profile-state"],
    );
  });
});
