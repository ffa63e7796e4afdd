// Scores: what an oracle makes of all orders and facts at once, as of any time; told where they change; read by rules;
// their parameters checked where they are written (P1, T2, S79, S81).

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Configuration, ScoreRules } from "#core/configuration.ts";
import { FIXED_CUTS } from "#core/rfm.ts";
import { compileScores, EXPECTED_MAX, LEAD_TERMS_MAX } from "#core/score.ts";
import { ConfigurationError } from "#services/config/problem.ts";
import { parseRules } from "#services/config/rules-file.ts";
import { findFaultOfRules } from "#services/config/rules-text.ts";
import { SCORE_NAMES } from "#core/view.ts";
import { writeRules } from "#core/rules-in-force.ts";
import { START_MS, tell } from "#support/fold-events.ts";
import { configuration } from "#support/histories.ts";
import { runs } from "#support/property.ts";
import { plainScores } from "#support/oracle-comparison.ts";
import { comesToTheOracles, comesToTheSameInClusters, DAY_MS, foldUntil } from "#support/passed-time.ts";

const scores: ScoreRules = {
  currency: "EUR",
  rfm: { ...FIXED_CUTS, recencyDays: [1, 3, 5, 9] },
  lifetime: {
    asOfMs: START_MS + 5 * DAY_MS,
    days: 90,
    purchases: { r: 0.8265419, alpha: 68.90512, a: 0.003437369, b: 6.745116 },
    spend: { p: 2.103382, q: 3.451179, v: 48_588.85 },
  },
  lead: [
    { term: "checkout", when: "profile.checkouts > 0", points: 20 },
    { term: "quiet", when: 'elapsed(profile.lastAt, "2d")', points: -15 },
    { term: "known", when: "profile.known", points: 5 },
    { term: "broken", when: "orders.valid / profile.checkouts > 0", points: 100 },
  ],
};
const [top, ...others] = configuration.rules.ladder;
const told: Configuration = {
  ...configuration,
  rules: {
    ...configuration.rules,
    ladder: [{ segment: top?.segment ?? "", when: "scores.recency == 5 && scores.lead > 20" }, ...others],
    audiences: [
      { audience: "promising", when: "scores.lead >= 20" },
      { audience: "fading", when: "scores.recency > 0 && scores.recency <= 2 && scores.expectedMinor > 0" },
    ],
    scores,
  },
};

describe("scores", () => {
  it("are told with their terms where they change, by time alone too (T2)", async () => {
    const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 30_000 }];
    const order = { orderId: "o", lines, currency: "EUR", totalMinor: 30_000 };
    const events = [
      tell("web", 0, "checkout-started", { customer: "c" }),
      tell("web", 1, "order-placed", { customer: "c" }, { order }),
    ];
    const fold = await foldUntil(told, events, START_MS);
    for (let day = 1; day <= 30; day += 1) await fold.advance(START_MS + day * DAY_MS);
    const { outputs } = fold;
    const days = (at: number) => Math.floor((at - START_MS) / DAY_MS);
    const changes = outputs.flatMap((one) =>
      one.kind === "profile-changed"
        ? one.changes
            .filter(({ path }) => /^scores\.(recency|lead)$/.test(path))
            .map(({ path, before, after }) => `${days(one.cause.at)} ${path} ${before} ${after}`)
        : [],
    );
    deepEqual(changes, [
      "0 scores.lead null 25",
      "0 scores.lead 25 125",
      "0 scores.recency null 5",
      "1 scores.recency 5 4",
      "2 scores.lead 125 110",
      "3 scores.recency 4 3",
      "5 scores.recency 3 2",
      "9 scores.recency 2 1",
    ]);
    const last = outputs.findLast((one) => one.kind === "profile-state");
    deepEqual(plainScores(last?.state?.scores ?? []).find(({ name }) => name === "lead")?.terms, [
      { term: "checkout", value: 20 },
      { term: "quiet", value: -15 },
      { term: "known", value: 5 },
      { term: "broken", value: 100 },
    ]);
    const moves = outputs.flatMap((one) => (one.kind === "transition" ? [`${one.cause} ${one.to}`] : []));
    equal(moves.at(-2), `event ${top?.segment}`);
    match(moves.at(-1) ?? "", /^schedule /);
    const [decided] = outputs.flatMap((one) => (one.kind === "transition" ? [one] : [])).slice(-1);
    ok(decided?.decisive.includes("scores.recency"), String(decided?.decisive));
    equal(decided?.facts["scores.recency"], "4");
  });

  it("are the oracle's, in any history and as of any time, and what was said last (P1, T2)", async () => {
    const met = new Set<string>();
    await comesToTheOracles(told, 1_000, ({ outputs }, { profiles }) => {
      const said = new Map(
        outputs.flatMap((one) => (one.kind === "profile-state" ? [[one.profileId, one.state] as const] : [])),
      );
      for (const profile of profiles) {
        deepEqual(plainScores(said.get(profile.profileId)?.scores ?? []), profile.scores);
        for (const { name, value } of profile.scores) if (value !== 0) met.add(name);
      }
    });
    deepEqual([...met].toSorted(), SCORE_NAMES);
  });

  it("come to the same on any number of shards and resolvers, hand-overs between (I1)", async () => {
    await comesToTheSameInClusters(told, 200);
  });

  it("are whole numbers within their limit, whatever the parameters", () => {
    const positive = fc.double({ min: 0.001, max: 1_000, noNaN: true });
    const fitted = fc.record({
      asOfMs: fc.nat(4_000).map((day) => day * DAY_MS),
      days: fc.integer({ min: 1, max: 3_650 }),
      purchases: fc.record({
        r: positive,
        alpha: fc.double({ min: 0.001, max: 1e9, noNaN: true }),
        a: fc.oneof(positive, fc.constant(1)),
        b: positive,
      }),
      spend: fc.record({
        p: positive,
        q: fc.double({ min: 1, minExcluded: true, max: 1_000, noNaN: true }),
        v: fc.double({ min: 0.001, max: 1e12, noNaN: true }),
      }),
    });
    const bought = fc.array(fc.nat(4_000), { minLength: 1, maxLength: 16 });
    fc.assert(
      fc.property(fitted, bought, fc.nat(1_000_000), (lifetime, days, spentMinor) => {
        const instants = days.map((day) => day * DAY_MS + 1).toSorted((a, b) => b - a);
        const card = compileScores({ ...told.rules, scores: { currency: "EUR", lifetime, lead: [] } });
        const profile = { known: true, contactPoints: 0, checkouts: 0, cartsFilled: 0, firstAt: 0, lastAt: 0 };
        const spent = new Map([["EUR", spentMinor]]);
        const facts = { profile, orders: { valid: days.length, spentMinor: spent, latestAt: instants[0] ?? 0 } };
        const latestValidOrders = instants.map((at) => ({ at, order: String(at), backfill: false }));
        const { scores: all } = card.evaluate({ facts, latestValidOrders }, 0);
        equal(all.length, 4);
        for (const { name, value } of all.flatMap((one) => [one, ...one.terms.map((term) => ({ ...one, ...term }))]))
          ok(Number.isSafeInteger(value) && value >= 0 && value <= EXPECTED_MAX, `${name} ${value}`);
      }),
      runs(2_000),
    );
  });
});

describe("parameters of scores", () => {
  const file = (...lines: string[]) =>
    ["version: v1", "ladder:", '  - { segment: rest, when: "true" }', ...lines].join("\n");
  const problemsOf = (text: string) => {
    try {
      parseRules("rules.yaml", text);
    } catch (error) {
      ok(error instanceof ConfigurationError, String(error));
      return error.problems.map(({ code, path, message }) => `${code} ${path}: ${message}`);
    }
    return [];
  };
  const lifetime = "  lifetime: { asOf: 2026-03-01, r: 1, alpha: 60, a: 0.1, b: 2, p: 2, q: 3, v: 4000 }";

  it("stand in the rules, which the log takes as they are", () => {
    const lead = "  lead: [{ term: cart, when: profile.cartsFilled > 0, points: 10 }]";
    const rules = parseRules("rules.yaml", file("scores:", "  currency: EUR", "  rfm: {}", lifetime, lead));
    deepEqual(rules.scores, {
      currency: "EUR",
      rfm: FIXED_CUTS,
      lead: [{ term: "cart", when: "profile.cartsFilled > 0", points: 10 }],
      lifetime: {
        asOfMs: Date.UTC(2026, 2, 1),
        days: 90,
        purchases: { r: 1, alpha: 60, a: 0.1, b: 2 },
        spend: { p: 2, q: 3, v: 4_000 },
      },
    });
    equal(findFaultOfRules(writeRules(rules)), undefined);
    match(
      findFaultOfRules(
        writeRules({ ...rules, scores: { currency: "EUR", lead: [{ term: "t", when: "no", points: 1 }] } }),
      ) ?? "",
      /no/,
    );
  });

  const mistakes: readonly [what: string, lines: readonly string[], said: RegExp][] = [
    ["a currency that there is not", ["scores: { currency: EUX }"], /wrong-value scores\.currency/],
    ["borders that fall", ["scores: { currency: EUR, rfm: { orders: [5, 4, 3, 2] } }"], /four rising numbers/],
    ["three borders", ["scores: { currency: EUR, rfm: { orders: [1, 2, 3] } }"], /scores\.rfm\.orders/],
    ["a date that is none", ["scores:", "  currency: EUR", lifetime.replace("2026-03-01", "1 March")], /ISO 8601/],
    ["a q of one", ["scores:", "  currency: EUR", lifetime.replace("q: 3", "q: 1")], /scores\.lifetime\.q/],
    ["a parameter below nought", ["scores:", "  currency: EUR", lifetime.replace("r: 1", "r: -1")], /lifetime\.r/],
    [
      "a term twice",
      [
        "scores: { currency: EUR, lead: [{ term: t, when: profile.known, points: 1 }, { term: t, when: profile.known, points: 2 }] }",
      ],
      /duplicate-name scores\.lead\[1\]\.term/,
    ],
    [
      "a term over scores",
      ["scores: { currency: EUR, lead: [{ term: t, when: scores.recency > 1, points: 1 }] }"],
      /rule-type scores\.lead\[0\]\.when: expected a condition over/,
    ],
    [
      "a term that does not check",
      ["scores: { currency: EUR, lead: [{ term: t, when: profile.knwon, points: 1 }] }"],
      /rule-type scores\.lead\[0\]\.when: .*did you mean "known"/,
    ],
    [
      "more terms than may be",
      [
        "scores:",
        "  currency: EUR",
        "  lead:",
        ...Array.from(
          { length: LEAD_TERMS_MAX + 1 },
          (_, n) => `    - { term: t${n}, when: profile.known, points: 1 }`,
        ),
      ],
      /wrong-value scores\.lead/,
    ],
    [
      "scores that are not declared",
      ["audiences: [{ audience: a, when: scores.lead > 1 }]"],
      /unknown-name audiences\[0\]\.when: no scores are declared/,
    ],
    [
      "a score that there is not",
      ["audiences: [{ audience: a, when: scores.laed > 1 }]", "scores: { currency: EUR }"],
      /rule-type audiences\[0\]\.when: .*did you mean "lead"/,
    ],
    [
      "a signal that is open while a score holds",
      ["signals: [{ signal: s, after: called, dueAfter: 1d, while: scores.lead > 1 }]", "scores: { currency: EUR }"],
      /rule-type signals\[0\]\.while: expected a condition without time/,
    ],
  ];
  for (const [what, lines, said] of mistakes)
    it(`explains ${what}`, () => {
      const problems = problemsOf(file(...lines));
      ok(
        problems.some((problem) => said.test(problem)),
        problems.join("\n"),
      );
    });
});
