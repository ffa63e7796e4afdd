// `weft rules check` and `rules diff`: each mistake is explained where it stands, nothing hangs or throws, and two versions
// are compared over the same events (S48).

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Rules } from "#core/configuration.ts";
import { findRulesFile } from "#services/config/configuration.ts";
import { formatProblem } from "#services/config/problem.ts";
import { checkRulesFile } from "#services/config/rules-check.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { compareRules, formatDifference } from "#services/fold/rules-diff.ts";
import { START_MS, tell } from "#support/fold-events.ts";
import { makeFolder } from "#support/folder.ts";
import { configuration, hash } from "#support/histories.ts";

const folder = makeFolder("rules");

const LAST = '  - { segment: rest, when: "true" }';
const ladder = (...rungs: string[]) => ["version: v1", "ladder:", ...rungs, LAST].join("\n");
const rung = (when: string, more = "") => `  - { segment: some, when: '${when}'${more} }`;

/** `<line>:<column> <code>: …` of everything that is said. */
function check(text: string): { errors: string[]; warnings: string[] } {
  const file = join(folder, "rules.yaml");
  writeFileSync(file, text);
  const { errors, warnings } = checkRulesFile(file);
  const say = (list: typeof errors) => list.map((problem) => formatProblem(problem).slice(file.length + 1));
  return { errors: say(errors), warnings: say(warnings) };
}

describe("rules check", () => {
  it("finds nothing in the shipped rules", () => {
    const { errors, warnings, rules } = checkRulesFile(findRulesFile());
    deepEqual([errors, warnings, rules?.version], [[], [], "default-1"]);
  });

  const mistakes: readonly [what: string, text: string, said: RegExp][] = [
    [
      "a name that nothing has",
      ladder(rung("orders.vaild >= 1")),
      /^3:\d+ rule-type: ladder\[0\]\.when: .*did you mean "valid"/,
    ],
    [
      "a comparison of types that do not compare",
      ladder(rung('orders.valid == "one"')),
      /^3:\d+ rule-type: ladder\[0\]\.when/,
    ],
    ["no condition", ladder(rung("orders.valid + 1")), /rule-type: .*expected an expression of type bool, found int/],
    ["no expression", ladder(rung("orders.valid >=")), /^3:\d+ rule-syntax: ladder\[0\]\.when/],
    [
      "a duration that is none",
      ladder(rung('elapsed(orders.latestAt, "90 days")')),
      /rule-type: .*expected a duration such as/,
    ],
    [
      "a hold that is none",
      ladder(rung("orders.valid > 1", ", holdFor: soon")),
      /wrong-value: ladder\[0\]\.holdFor: expected a duration/,
    ],
    [
      "a last rung that does not match all",
      ["version: v1", "ladder:", rung("orders.valid > 1")].join("\n"),
      /rule-order: .*takes everybody else/,
    ],
    [
      "a rung behind one that takes everybody",
      ladder(rung("true"), rung("orders.valid > 1").replace("some", "other")),
      /^3:\d+ rule-order/,
    ],
    [
      "a name used twice",
      ladder(rung("orders.valid > 2"), rung("orders.valid > 1")),
      /^4:\d+ duplicate-name: ladder\[1\]\.segment/,
    ],
    [
      "a move to nowhere",
      ladder(rung("orders.valid > 1", ", to: [rst]")),
      /unknown-name: ladder\[0\]\.to\[0\]: .*did you mean "rest"/,
    ],
    [
      "a list of too many",
      ladder(rung(`[${Array.from({ length: 1_000 }, (_, n) => n).join(", ")}].exists(n, n == orders.valid)`)),
      /rule-syntax/,
    ],
    [
      "loops of a million steps",
      ladder(rung(`${"[1,2,3,4,5,6,7,8,9,10].all(a, ".repeat(6)}orders.valid > 0${")".repeat(6)}`)),
      /rule-cost: ladder\[0\]\.when: its loops may take more than 10000 steps/,
    ],
    [
      "a pattern",
      ladder(rung('"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$")')),
      /rule-cost: .*`matches` is not for rules/,
    ],
    [
      "an unknown key",
      ladder(rung("orders.valid > 1", ", leaveWehn: x")),
      /unknown-key: ladder\[0\]\.leaveWehn: .*did you mean "leaveWhen"/,
    ],
    ["no YAML", "version: [", /yaml-syntax/],
    [
      "a list that holds itself",
      "version: a\nladder: &a [*a]",
      /^2:13 yaml-syntax: expected a value: the alias stands inside/,
    ],
    ["nothing", "", /wrong-value/],
    [
      "an audience of nothing",
      `${ladder()}\naudiences:\n  - { audience: a, when: profile.knwon }`,
      /^5:\d+ rule-type: audiences\[0\]\.when: .*did you mean "known"/,
    ],
    [
      "an audience twice",
      `${ladder()}\naudiences:\n  - { audience: a, when: profile.known }\n  - { audience: a, when: profile.known }`,
      /duplicate-name/,
    ],
    [
      "a signal after nothing",
      `${ladder()}\nsignals:\n  - { signal: s, dueAfter: 1d }`,
      /missing-key: signals\[0\]: expected either `after` or `yearly`/,
    ],
    [
      "a signal after a slip",
      `${ladder()}\nsignals:\n  - { signal: s, after: valid-oder, dueAfter: 1d }`,
      /unknown-name: signals\[0\]\.after: .*did you mean "valid-order"/,
    ],
    [
      "a signal about time",
      `${ladder()}\nsignals:\n  - { signal: s, after: called, while: 'elapsed(orders.latestAt, "1d")', dueAfter: 1d }`,
      /rule-type: signals\[0\]\.while: expected a condition without time/,
    ],
  ];
  for (const [what, text, said] of mistakes)
    it(`explains ${what}`, () => {
      const { errors } = check(text);
      ok(
        errors.some((line) => said.test(line)),
        errors.join("\n"),
      );
    });

  it("says of a rule that divides by zero for whom it does, and that it then does not hold", () => {
    const { errors, warnings } = check(ladder(rung("orders.valid / profile.checkouts > 2")));
    deepEqual(errors, []);
    match(
      warnings.join("\n"),
      /^3:\d+ rule-fails: ladder\[0\]\.when: fails for some facts, .*division by zero, as where profile\.checkouts is 0/,
    );
    match(check(ladder(rung("1 / 0 > orders.valid"))).warnings.join("\n"), /rule-fails: .*always fails/);
    deepEqual(check(ladder(rung("profile.checkouts > 0 && orders.valid / profile.checkouts > 2"))).warnings, []);
  });

  it("says which rung nobody reaches", () => {
    const shadowed = ladder(rung("orders.valid >= 2"), rung("orders.valid >= 5").replace("some", "more"));
    match(check(shadowed).warnings.join("\n"), /^4:\d+ rung-unreached: ladder\[1\]\.when: nobody was found for "more"/);
  });

  it("tries each currency that a rule names, alone and with others", () => {
    const spends = (currency: string) => `has(orders.spentMinor.${currency}) && orders.spentMinor.${currency} >= 1000`;
    deepEqual(check(ladder(rung(spends("CHF")))).warnings, []);
    deepEqual(check(ladder(rung(`${spends("CHF")} && ${spends("GBP")}`))).warnings, []);
    match(
      check(ladder(rung("orders.spentMinor.CHF >= 1000"))).warnings.join("\n"),
      /rule-fails: ladder\[0\]\.when: fails for some facts/,
    );
  });

  it("waits 36 hours for a late source where a signal says nothing of it", () => {
    const file = join(folder, "late.yaml");
    writeFileSync(file, `${ladder()}\nsignals:\n  - { signal: abandoned-cart, dueAfter: 24h }`);
    deepEqual(checkRulesFile(file).rules?.signals, configuration.rules.signals);
  });

  it("takes abandoned-cart by its name alone for what it is as shipped", () => {
    const file = join(folder, "bare.yaml");
    writeFileSync(file, `${ladder()}\nsignals:\n  - { signal: abandoned-cart, dueAfter: 24h, sourceLateAfter: 36h }`);
    deepEqual(checkRulesFile(file).rules?.signals, configuration.rules.signals);
  });

  it("says that a file is not there", () => {
    const { errors } = checkRulesFile(join(folder, "none.yaml"));
    deepEqual(
      errors.map(({ code }) => code),
      ["file-unreadable"],
    );
  });
});

describe("rules diff", () => {
  const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 100 }];
  const buy = (minute: number, customer: string): FoldEvent =>
    tell(
      "web",
      minute,
      "order-placed",
      { customer },
      { order: { orderId: `o${minute}`, lines, currency: "EUR", totalMinor: 100 } },
    );
  const events = [buy(0, "a"), buy(1, "a"), buy(2, "b"), tell("web", 3, "product-added", { customer: "c" })];

  async function outcome(rules: Rules) {
    const fold = new Fold({ configuration: { ...configuration, rules }, hash });
    for (const event of events) await fold.add([event]);
    await fold.advance(START_MS + 10 * 86_400_000);
    return { rules, profiles: (await fold.readPeople()).profiles, outputs: fold.outputs };
  }
  const { rules } = configuration;

  it("of the same rules is nothing", async () => {
    const { segments, transitions, signals, declarations } = compareRules(
      await outcome(rules),
      await outcome(rules),
      5,
    );
    deepEqual(
      [segments, transitions, signals, declarations],
      [[], { added: [], removed: [] }, { added: [], removed: [] }, []],
    );
  });

  it("tells who moved, and what would have been said more and less", async () => {
    const other: Rules = {
      ...rules,
      version: "next",
      ladder: rules.ladder.map((one) =>
        one.segment === "multi-buyer"
          ? { ...one, when: "orders.valid >= 3" }
          : one.segment === "one-buyer"
            ? { ...one, when: "orders.valid >= 1" }
            : one,
      ),
      audiences: [{ audience: "buyers", when: "orders.valid > 0" }],
      signals: [],
    };
    const difference = compareRules(await outcome(rules), await outcome(other), 1);
    const counts = (list: readonly { what: string; count: number }[]) =>
      list.map(({ what, count }) => `${count} ${what}`);
    deepEqual(counts(difference.segments), ["1 multi-buyer -> one-buyer"]);
    deepEqual(counts(difference.audiences), ["2 +buyers"]);
    deepEqual(counts(difference.transitions.removed), ["1 one-buyer -> multi-buyer"]);
    deepEqual(counts(difference.transitions.added), []);
    deepEqual(counts(difference.signals.removed), ["1 abandoned-cart (source-late)"]);
    deepEqual(difference.declarations, [
      "audience buyers added",
      "segment multi-buyer changed",
      "segment one-buyer changed",
      "signal abandoned-cart removed",
    ]);
    equal(difference.audiences[0]?.examples.length, 1);
    match(formatDifference(difference), /rules default-1 and next over 3 profiles/);
  });
});
