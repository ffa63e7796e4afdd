// Random rule sets over few conditions, so that people often belong elsewhere under the next one, and as often do not.

import * as fc from "fast-check";
import type { Rules } from "#core/configuration.ts";
import type { RulesItem } from "#core/item.ts";
import { writeRules } from "#core/rules-in-force.ts";
import { digestRules } from "#services/wire/rules.ts";
import { configuration } from "./histories.ts";

const CONDITIONS = [
  "orders.valid >= 2",
  "orders.valid == 1",
  "profile.known",
  "profile.contactPoints > 0",
  "profile.checkouts > 0",
  "profile.cartsFilled > 0",
  'has(orders.spentMinor.EUR) && orders.spentMinor["EUR"] >= 2000',
] as const;
/** As of the shard's time. */
const TIMED = ['elapsed(profile.lastAt, "2h")', 'elapsed(profile.firstAt, "5h")'] as const;
const NAMES = ["gold", "silver", "bronze", "tin", "paper"] as const;

/** isTimed: some ask how much time has passed. */
export function ruleSet(isTimed: boolean): fc.Arbitrary<Rules> {
  const condition = fc.constantFrom(...CONDITIONS, ...(isTimed ? TIMED : []));
  const audience = fc.record({ audience: fc.constantFrom(...NAMES), when: condition });
  const signal = fc.record({ dueAfterMs: fc.constantFrom(3_600_000, 86_400_000), sourceLateAfterMs: fc.constant(0) });
  return fc
    .record({
      names: fc.shuffledSubarray([...NAMES], { minLength: 1 }),
      conditions: fc.array(condition, { minLength: NAMES.length, maxLength: NAMES.length }),
      audiences: fc.uniqueArray(audience, { maxLength: 2, selector: (one) => one.audience }),
      signals: fc.array(signal, { maxLength: 1 }),
    })
    .map(({ names, conditions, audiences, signals }) => {
      const ladder = names.map((segment, place) => ({ segment, when: conditions[place] as string }));
      const rules = {
        ...configuration.rules,
        ladder: [...ladder, { segment: "rest", when: "true" }],
        audiences,
        signals: signals.map((times) => ({
          ...times,
          signal: "abandoned-cart",
          after: ["cart-activity"],
          unless: ["valid-order"],
          yearly: null,
          while: null,
        })),
      };
      return { ...rules, version: digestRules(writeRules(rules)).slice(0, 8) };
    });
}

export function toRulesItem(rules: Rules, sequence: number, recordedAt: number): RulesItem {
  const text = writeRules(rules);
  return { kind: "rules", sequence, recordedAt, version: rules.version, digest: digestRules(text), rules: text };
}
