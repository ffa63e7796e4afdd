// The facts that decide a rule, against a logic of three values over rules made at random: with nothing but them known
// the rule answers as it did, and without any one of them it cannot.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { findDecisive } from "#core/decisive.ts";
import { compileLadder, createRuleEnvironment } from "#core/segment.ts";
import type { Facts } from "#core/view.ts";
import { configuration } from "#support/histories.ts";
import { runs } from "#support/property.ts";

const NAMES = ["contactPoints", "checkouts", "cartsFilled"] as const;
type Name = (typeof NAMES)[number];
type Values = Readonly<Partial<Record<Name, number>>>;

type Rule =
  | { readonly kind: "above"; readonly name: Name; readonly bound: number }
  | { readonly kind: "same"; readonly one: Name; readonly other: Name }
  | { readonly kind: "and" | "or"; readonly one: Rule; readonly other: Rule }
  | { readonly kind: "not"; readonly one: Rule };

const name = fc.constantFrom(...NAMES);
const { rule } = fc.letrec<{ rule: Rule }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ kind: fc.constant("above" as const), name, bound: fc.nat({ max: 2 }) }),
    fc.record({ kind: fc.constant("same" as const), one: name, other: name }),
    fc.record({ kind: fc.constantFrom("and" as const, "or" as const), one: tie("rule"), other: tie("rule") }),
    fc.record({ kind: fc.constant("not" as const), one: tie("rule") }),
  ),
}));

function write(told: Rule): string {
  switch (told.kind) {
    case "above":
      return `profile.${told.name} > ${told.bound}`;
    case "same":
      return `profile.${told.one} == profile.${told.other}`;
    case "and":
    case "or":
      return `(${write(told.one)} ${told.kind === "and" ? "&&" : "||"} ${write(told.other)})`;
    case "not":
      return `!(${write(told.one)})`;
  }
}

/** null: not known. */
function answer(told: Rule, values: Values): boolean | null {
  switch (told.kind) {
    case "above": {
      const value = values[told.name];
      return value === undefined ? null : value > told.bound;
    }
    case "same": {
      const [one, other] = [values[told.one], values[told.other]];
      return one === undefined || other === undefined ? null : one === other;
    }
    case "not": {
      const one = answer(told.one, values);
      return one === null ? null : !one;
    }
    case "and":
    case "or": {
      const ends = told.kind === "or";
      const sides = [answer(told.one, values), answer(told.other, values)];
      return sides.includes(ends) ? ends : sides.includes(null) ? null : !ends;
    }
  }
}

function pick(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(Object.entries(values).filter(([known]) => names.includes(`profile.${known}`)));
}

const values = fc.record({ contactPoints: fc.nat(3), checkouts: fc.nat(3), cartsFilled: fc.nat(3) });
const none: Facts = {
  profile: { known: false, contactPoints: 0, checkouts: 0, cartsFilled: 0, firstAt: 0, lastAt: 0 },
  orders: { valid: 0, spentMinor: new Map(), latestAt: 0 },
};

describe("the decisive facts", () => {
  it("decide alone, and none of them can be left out", () => {
    const environment = createRuleEnvironment();
    const sizes = new Set<number>();
    fc.assert(
      fc.property(rule, values, (told, known) => {
        const holds = environment.parse(write(told));
        const full = answer(told, known);
        const context = Object.fromEntries(Object.entries(known).map(([one, value]) => [one, BigInt(value)]));
        equal(holds({ profile: context }), full);
        const decisive = findDecisive([{ holds, answer: full === true }], { profile: context });
        equal(answer(told, pick(known, decisive)), full, "they decide");
        for (const one of decisive)
          equal(
            answer(
              told,
              pick(
                known,
                decisive.filter((other) => other !== one),
              ),
            ),
            null,
            `${one} is needed`,
          );
        sizes.add(decisive.length);
      }),
      runs(2_000),
    );
    ok(sizes.size > 1);
  });

  it("of the shipped ladder are the orders of an ambassador, and what made a prospect one", () => {
    const ladder = compileLadder(configuration.rules);
    const rich: Facts = { ...none, orders: { valid: 5, spentMinor: new Map([["EUR", 100_000]]), latestAt: 1 } };
    deepEqual(ladder.findDecisive(rich, 0, "multi-buyer", "ambassador"), ["orders.spentMinor", "orders.valid"]);
    const filler: Facts = { ...none, profile: { ...none.profile, cartsFilled: 2 } };
    deepEqual(ladder.findDecisive(filler, 0, "visitor", "prospect"), ["profile.cartsFilled"]);
    deepEqual(ladder.findDecisive(none, 0, null, "visitor"), []);
  });

  it("on the way down say what the segment above lost", () => {
    const ladder = compileLadder(configuration.rules);
    const poor: Facts = { ...none, orders: { valid: 5, spentMinor: new Map([["EUR", 99_999]]), latestAt: 1 } };
    deepEqual(ladder.findDecisive(poor, 0, "ambassador", "multi-buyer"), ["orders.spentMinor", "orders.valid"]);
    deepEqual(ladder.findDecisive(none, 0, "prospect", "visitor"), [
      "profile.cartsFilled",
      "profile.checkouts",
      "profile.contactPoints",
      "profile.known",
    ]);
  });
});
