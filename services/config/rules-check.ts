// `rules check`: everything that is wrong with a rules file, and what is only odd: rules that fail for some facts, rungs
// that nobody was found for. What is odd is found by trying facts made of the numbers that the rules themselves name.

import { readFileSync } from "node:fs";
import type { Rules } from "#core/configuration.ts";
import { isCurrency } from "#core/currency.ts";
import { nameScores } from "#core/score.ts";
import { compileLadder, openRules } from "#core/segment.ts";
import { SCORE_NAMES, type Facts } from "#core/view.ts";
import { loadRules } from "./rules-file.ts";
import { SourceDocument } from "./document.ts";
import { ConfigurationError, type Problem } from "./problem.ts";

export interface RulesCheck {
  /** Null where it cannot be used. */
  readonly rules: Rules | null;
  readonly errors: readonly Problem[];
  /** It can be used, and will not do what it says for everybody. */
  readonly warnings: readonly Problem[];
}

type Path = readonly PropertyKey[];

const TRIED_MAX = 5_000;
const CURRENCIES_MAX = 8;

/** Never throws for what stands in the file. */
export function checkRulesFile(file: string): RulesCheck {
  try {
    const rules = loadRules(file);
    const document = new SourceDocument(file, readFileSync(file, "utf8"));
    return { rules, errors: [], warnings: findOddities(rules, document) };
  } catch (error) {
    if (error instanceof ConfigurationError) return { rules: null, errors: error.problems, warnings: [] };
    throw error;
  }
}

function findOddities(rules: Rules, document: SourceDocument): Problem[] {
  const tried = [...tryFacts(rules)];
  const ladder = compileLadder(rules);
  const instants = [0, Number.MAX_SAFE_INTEGER];
  const reached = new Set(tried.flatMap((facts) => instants.map((at) => ladder.evaluate(facts, at).segment)));
  const unreached = rules.ladder.flatMap(({ segment }, index) =>
    reached.has(segment)
      ? []
      : [
          document.problem(
            "rung-unreached",
            ["ladder", index, "when"],
            `nobody was found for "${segment}": of ${tried.length} sets of facts that were tried, an earlier rung took each that it would have; put it higher, or leave it out`,
          ),
        ],
  );
  const failing = listRules(rules, document).flatMap(({ path, when }) => {
    const message = findFailure(when, tried);
    return message === undefined ? [] : [document.problem("rule-fails", path, message)];
  });
  return [...unreached, ...failing];
}

function listRules(
  { ladder, audiences = [], signals, scores }: Rules,
  document: SourceDocument,
): { path: Path; when: string }[] {
  // Those that are not enabled stand in the file too.
  const declared = (document.value as { signals?: readonly { signal?: string }[] }).signals ?? [];
  const all = [
    ...ladder.flatMap(({ when, leaveWhen }, index) => [
      { path: ["ladder", index, "when"], when },
      { path: ["ladder", index, "leaveWhen"], when: leaveWhen },
    ]),
    ...audiences.map(({ when }, index) => ({ path: ["audiences", index, "when"], when })),
    ...(scores?.lead ?? []).map(({ when }, index) => ({ path: ["scores", "lead", index, "when"], when })),
    ...signals.map((rule) => {
      const index = declared.findIndex(({ signal }) => signal === rule.signal);
      return { path: ["signals", index, "while"], when: rule.while ?? undefined };
    }),
  ];
  return all.flatMap(({ path, when }) => (when === undefined ? [] : [{ path, when }]));
}

function findFailure(when: string, tried: readonly Facts[]): string | undefined {
  const asked = openRules();
  const holds = asked.parse(when);
  let failed = 0;
  let first = "";
  for (const facts of tried) {
    try {
      holds(asked.begin(facts, 0));
    } catch (error) {
      failed += 1;
      const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
      if (first === "") first = `${reason}, as where ${describe(facts)}`;
    }
  }
  if (failed === 0) return undefined;
  const how = failed === tried.length ? "always fails" : "fails for some facts";
  return `${how}, and then does not hold: ${first}; ask first for what it needs, as in \`a > 0 && b / a > 2\``;
}

function describe({ profile, orders }: Facts): string {
  return `profile.checkouts is ${profile.checkouts}, profile.cartsFilled ${profile.cartsFilled}, orders.valid ${orders.valid}`;
}

/** Each number that a rule names, and its neighbours; every combination, or as many as may be tried. */
function* tryFacts(rules: Rules): Generator<Facts> {
  const isScored = rules.scores !== undefined;
  const texts = [...rules.ladder, ...(rules.audiences ?? [])].map(({ when }) => when);
  const purses = listPurses(rules, texts);
  const named = texts.flatMap((when) => (when.match(/\b\d{1,15}\b/g) ?? []).map(Number));
  const numbers = [...new Set([0, 1, ...named.flatMap((number) => [Math.max(0, number - 1), number, number + 1])])];
  const sizes = [
    2,
    ...Array<number>(4).fill(numbers.length),
    numbers.length * purses.length + 1,
    isScored ? numbers.length : 1,
  ];
  const combinations = sizes.reduce((product, size) => product * size, 1);
  // A step that shares no factor with the sizes, so that what is skipped is skipped evenly.
  const step = combinations <= TRIED_MAX ? 1 : nextCoprime(Math.ceil(combinations / TRIED_MAX), combinations);
  for (
    let tried = 0, place = 0;
    tried < Math.min(combinations, TRIED_MAX);
    tried += 1, place = (place + step) % combinations
  ) {
    let rest = place;
    const [known = 0, contacts = 0, checkouts = 0, carts = 0, valid = 0, spent = 0, scored = 0] = sizes.map((size) => {
      const digit = rest % size;
      rest = Math.floor(rest / size);
      return digit;
    });
    const number = (index: number) => numbers[index] ?? 0;
    const minor = number(Math.floor((spent - 1) / purses.length));
    const purse = spent === 0 ? [] : (purses[(spent - 1) % purses.length] ?? []);
    const spentMinor = new Map(purse.map((currency) => [currency, minor]));
    yield {
      profile: {
        known: known === 1,
        contactPoints: number(contacts),
        checkouts: number(checkouts),
        cartsFilled: number(carts),
        firstAt: 1,
        lastAt: 1,
      },
      orders: { valid: number(valid), spentMinor, latestAt: number(valid) > 0 ? 1 : 0 },
      ...(isScored ? { scores: scoreAll(number(scored)) } : {}),
    };
  }
}

/** In what something may have been spent: each currency that the rules name, and several; where they name none, any will do. */
function listPurses({ scores }: Rules, texts: readonly string[]): readonly (readonly string[])[] {
  const named = texts.flatMap((when) => when.match(/\b[A-Z]{3}\b/g) ?? []).filter(isCurrency);
  const all = [...new Set([...named, ...(scores === undefined ? [] : [scores.currency])])].slice(0, CURRENCIES_MAX);
  if (all.length === 0) return [["EUR"]];
  return [...all.map((currency) => [currency]), ...(all.length > 1 ? [all] : [])];
}

function scoreAll(value: number) {
  return nameScores(SCORE_NAMES.map((name) => ({ name, value, terms: [] })));
}

function nextCoprime(from: number, to: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  for (let step = from; ; step += 1) if (divisor(step, to) === 1) return step;
}
