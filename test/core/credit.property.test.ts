// Credit against exact fractions: of each model the parts are whole, add up to one, and are nowhere a part or more away.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { compareText } from "#core/comparison.ts";
import { creditChannels, CREDIT_MODELS, WHOLE, type CreditModel } from "#core/credit.ts";
import { checkMet, runs } from "#support/property.ts";

const DAY_MS = 86_400_000;
const HALF_LIFE_DAYS = 7;

interface Stop {
  readonly at: number;
  readonly channel: string;
}

const journeys = fc
  .array(
    fc.record({ at: fc.nat({ max: 200 }).map((days) => days * DAY_MS), channel: fc.constantFrom("a", "b", "c") }),
    {
      maxLength: 32,
    },
  )
  .map((stops) => stops.toSorted((x, y) => x.at - y.at));

/** The share of each touch as a fraction, numerator and denominator. */
function shareOf(model: CreditModel, stops: readonly Stop[], place: number): [bigint, bigint] {
  const n = stops.length;
  switch (model) {
    case "first":
      return [place === 0 ? 1n : 0n, 1n];
    case "last":
      return [place === n - 1 ? 1n : 0n, 1n];
    case "linear":
      return [1n, BigInt(n)];
    case "position":
      if (n <= 2) return [1n, BigInt(n)];
      return place === 0 || place === n - 1 ? [2n, 5n] : [1n, 5n * BigInt(n - 2)];
    case "timeDecay": {
      const scale = 10 ** 15;
      const weights = stops.map(({ at }) =>
        BigInt(Math.round(scale * Math.pow(2, (at - (stops.at(-1)?.at ?? 0)) / DAY_MS / HALF_LIFE_DAYS))),
      );
      return [weights[place] ?? 0n, weights.reduce((sum, weight) => sum + weight)];
    }
  }
}

describe("credit of touches", () => {
  it("adds up to exactly one under each model, and is the exact share but for less than a part a touch", () => {
    let several = 0;
    fc.assert(
      fc.property(journeys, (stops) => {
        const credit = creditChannels(stops, HALF_LIFE_DAYS * DAY_MS);
        deepEqual(
          credit.map(({ channel }) => channel),
          [...new Set(stops.map(({ channel }) => channel))].sort(compareText),
        );
        equal(
          credit.reduce((sum, { touches }) => sum + touches, 0),
          stops.length,
        );
        if (credit.length > 1) several += 1;
        for (const model of CREDIT_MODELS) {
          const total = credit.reduce((sum, one) => sum + one[model], 0);
          equal(total, stops.length === 0 ? 0 : WHOLE, model);
          for (const one of credit) {
            const own = stops.flatMap(({ channel }, place) => (channel === one.channel ? [place] : []));
            const exact = own.reduce((sum, place) => {
              const [part, whole] = shareOf(model, stops, place);
              return sum + Number((part * 10n ** 12n) / whole) / 10 ** 6;
            }, 0);
            ok(Number.isSafeInteger(one[model]));
            ok(Math.abs(one[model] - exact) < own.length + 0.01, `${model}: ${one[model]} for ${exact}`);
          }
        }
      }),
      runs(1_000),
    );
    checkMet(several > 0);
  });

  it("gives what cannot be shared evenly to the latest", () => {
    const stops = ["a", "b", "c"].map((channel, i) => ({ channel, at: i }));
    deepEqual(
      creditChannels(stops, DAY_MS).map(({ linear }) => linear),
      [333_333, 333_333, 333_334],
    );
  });

  it("halves with each half-life, and is 40, 20, 40 by position", () => {
    const stops = ["a", "b", "c"].map((channel, i) => ({ channel, at: i * DAY_MS }));
    const credit = creditChannels(stops, DAY_MS);
    deepEqual(
      credit.map(({ timeDecay }) => timeDecay),
      [142_857, 285_714, 571_429],
    );
    deepEqual(
      credit.map(({ position }) => position),
      [400_000, 200_000, 400_000],
    );
  });
});
