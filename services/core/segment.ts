// The lifecycle ladder: ordered CEL rules over the facts of a view; the first that holds wins and the last matches all,
// so a profile is in exactly one segment at every instant.

import { Environment } from "@marcbachmann/cel-js";
import type { Rules } from "./configuration.ts";
import type { Facts } from "./view.ts";

/** Structural bounds of one rule: a rule cannot loop, and cannot be larger than this. */
export const RULE_LIMITS = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 64,
  maxMapEntries: 64,
  maxCallArguments: 8,
} as const;

export function createRuleEnvironment(): Environment {
  return new Environment({ limits: RULE_LIMITS })
    .registerVariable({
      name: "profile",
      schema: { known: "bool", contactPoints: "int", checkouts: "int", cartsFilled: "int" },
    })
    .registerVariable({ name: "orders", schema: { valid: "int", spentMinor: "map<string, int>" } });
}

/** Facts whose answer is remembered: most people look like many others. */
const ANSWERS_MAX = 10_000;

export interface Ladder {
  readonly version: string;
  /** The segment, and the rule that put it there. A rule that fails to evaluate does not hold. */
  evaluate(facts: Facts): { readonly segment: string; readonly rule: string };
  /** Of two segments the one higher on the ladder has the greater height; one that is not on it is below all. */
  heightOf(segment: string | null): number;
}

const compiled = new WeakMap<Rules, Ladder>();

/** The same rules are compiled once in a process. */
export function compileLadder(rules: Rules): Ladder {
  const ladder = compiled.get(rules) ?? compile(rules);
  compiled.set(rules, ladder);
  return ladder;
}

function compile(rules: Rules): Ladder {
  const environment = createRuleEnvironment();
  const rungs = rules.ladder.map(({ segment, when }) => ({ segment, when, holds: environment.parse(when) }));
  const last = rungs.at(-1);
  if (last === undefined) throw new Error("the ladder has no rung");
  const heights = new Map<string | null, number>(rungs.map(({ segment }, place) => [segment, rungs.length - place]));
  let answers = new Map<string, { segment: string; rule: string }>();
  return {
    version: rules.version,
    evaluate(facts) {
      const key = writeFacts(facts);
      const known = answers.get(key);
      if (known !== undefined) return known;
      const context = toCel(facts);
      const rung = rungs.find(({ holds }) => isTrue(holds, context)) ?? last;
      const answer = { segment: rung.segment, rule: rung.when };
      if (answers.size >= ANSWERS_MAX) answers = new Map();
      answers.set(key, answer);
      return answer;
    },
    heightOf: (segment) => heights.get(segment) ?? 0,
  };
}

/** All that a rule can read. */
function writeFacts({ profile, orders }: Facts): string {
  let text = `${profile.known} ${profile.contactPoints} ${profile.checkouts} ${profile.cartsFilled} ${orders.valid}`;
  for (const [currency, minor] of orders.spentMinor) text += ` ${JSON.stringify(currency)} ${minor}`;
  return text;
}

function isTrue(holds: (context: Record<string, unknown>) => unknown, context: Record<string, unknown>): boolean {
  try {
    return holds(context) === true;
  } catch {
    return false;
  }
}

/** CEL's int is a BigInt in this library. */
function toCel({ profile, orders }: Facts): Record<string, unknown> {
  return {
    profile: {
      known: profile.known,
      contactPoints: BigInt(profile.contactPoints),
      checkouts: BigInt(profile.checkouts),
      cartsFilled: BigInt(profile.cartsFilled),
    },
    orders: {
      valid: BigInt(orders.valid),
      spentMinor: new Map([...orders.spentMinor].map(([currency, minor]) => [currency, BigInt(minor)])),
    },
  };
}
