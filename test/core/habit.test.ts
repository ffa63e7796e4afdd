// What the person has, prefers and does, by example.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelEvent } from "#core/event.ts";
import { viewCadence, viewHabits } from "#core/habit.ts";
import { viewPreferences } from "#core/preference.ts";
import { viewLoyalty } from "#core/standing.ts";
import type { Dossier } from "#core/dossier.ts";
import { type Fact, foldFacts } from "#support/fold-facts.ts";

const AT = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;

let told = 0;
function tell(type: string, hour: number, parts: Partial<ChannelEvent> = {}): Fact {
  told += 1;
  return { event: { eventId: `e${told}`, type, occurredAt: AT + hour * HOUR_MS, identifiers: [], ...parts } };
}

function dossierOf(...facts: readonly Fact[]): Dossier {
  const { dossier } = foldFacts(facts).fragment;
  if (dossier === null) throw new Error("there is a dossier");
  return dossier;
}

const prefers = (type: string, hour: number, value: string | null) =>
  tell(type, hour, { preferences: { size: value } });

function preferred(...facts: readonly Fact[]) {
  const { stated, inferred } = dossierOf(...facts);
  return viewPreferences(stated, inferred).map(({ value, basis, evidence }) => `${String(value)} ${basis} ${evidence}`);
}

describe("a preference", () => {
  it("that was stated beats any number of inferences, and shows how many agree", () => {
    const inferred = [1, 2, 3].map((hour) => prefers("recommended", hour, "L"));
    deepEqual(preferred(...inferred, prefers("preference-stated", 0, "M")), ["M stated 0"]);
    deepEqual(preferred(...inferred, prefers("preference-stated", 0, "L")), ["L stated 3"]);
  });

  it("that was taken back leaves what is inferred", () => {
    const stated = prefers("preference-stated", 1, "M");
    deepEqual(preferred(stated, prefers("preference-stated", 2, null), prefers("called", 3, "L")), ["L inferred 1"]);
    deepEqual(preferred(stated, prefers("preference-stated", 2, null)), []);
  });

  it("is inferred from the most evidence, then from the latest", () => {
    const [one, two, late] = [prefers("called", 1, "L"), prefers("called", 2, "L"), prefers("called", 3, "M")];
    deepEqual(preferred(one, two, late), ["L inferred 2"]);
    deepEqual(preferred(one, late), ["M inferred 1"]);
  });
});

describe("a place in a loyalty programme", () => {
  it("keeps the tier that was said last when only points are said after it", () => {
    const gold = tell("loyalty-changed", 1, { loyalty: { programId: "club", tier: "gold", points: 10 } });
    const points = tell("loyalty-changed", 2, { loyalty: { programId: "club", points: 30 } });
    for (const facts of [
      [gold, points],
      [points, gold],
    ])
      deepEqual(
        viewLoyalty(dossierOf(...facts).loyalty).map(({ tier, points: last }) => [tier, last]),
        [["gold", 30]],
      );
  });

  it("takes no points that are not a safe integer (P2)", () => {
    const vast = tell("loyalty-changed", 1, { loyalty: { programId: "club", points: 2 ** 60 } });
    equal(viewLoyalty(dossierOf(vast).loyalty)[0]?.points, null);
  });
});

describe("a habit", () => {
  it("counts channels of what was done, not of what was looked at", () => {
    const { channels } = viewHabits(
      dossierOf(tell("called", 1), tell("page-viewed", 2), tell("product-viewed", 3, { product: { productId: "p" } })),
    );
    deepEqual(channels, [{ name: "crm", count: 1 }]);
  });

  it("has the hour with the most answers as the best, of several the earliest", () => {
    const answers = [20, 20, 9, 33].map((hour) => tell("message-clicked", hour));
    equal(viewHabits(dossierOf(...answers)).bestHour, 9);
    equal(viewHabits(dossierOf(...answers, tell("message-opened", 44))).bestHour, 20);
    equal(viewHabits(dossierOf(tell("called", 20))).bestHour, null);
  });

  it("has a cadence from the second valid order on: the median of the days between", () => {
    const days = (...list: number[]) => viewCadence(list.map((day) => AT + day * 24 * HOUR_MS));
    equal(days(3), null);
    deepEqual(days(10, 0), { orders: 2, medianDays: 10 });
    deepEqual(days(0, 10, 13), { orders: 3, medianDays: 3 });
    deepEqual(days(0, 1, 31, 33), { orders: 4, medianDays: 2 });
  });
});
