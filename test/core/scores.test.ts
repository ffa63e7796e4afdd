// Scores: RFM by fixed cuts and by quintiles, BG/NBD and Gamma-Gamma against a published implementation (Scores).
// Reference: PyPI lifetimes 0.11.3 (numpy 2.4.6, scipy 1.17.1), BetaGeoFitter and GammaGammaFitter without penalty, run once.

import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { fitPurchases, fitSpend } from "#core/lifetime-fit.ts";
import { chanceAlive, countPurchases, expectPurchases, expectSpend, type Purchases } from "#core/lifetime-value.ts";
import { cutQuintiles, FIXED_CUTS, scoreRfm } from "#core/rfm.ts";
import { checkRulesFile } from "#services/config/rules-check.ts";
import { readBase, reportLifetime, reportRfm, type Buyer } from "#services/report/lifetime.ts";
import { makeFolder } from "#support/folder.ts";
import { runs } from "#support/property.ts";

const SHIPPED = readFileSync(resolve(import.meta.dirname, "../../services/config/default/rules.yaml"), "utf8");

const DAY_MS = 86_400_000;

function near(actual: number, expected: number, share: number, what = ""): void {
  ok(Math.abs(actual - expected) <= share * Math.abs(expected), `${what} ${actual} is not ${expected}`);
}

/** What lifetimes fitted to the UCI Online Retail invoices: 4,338 customers up to 2011-12-09, days, pounds. */
const RETAIL = { r: 0.8265419, alpha: 68.9051229750169, a: 0.003437368739484903, b: 6.7451155401615726 };
const RETAIL_SPEND = { p: 2.10338224319226, q: 3.4511788356279864, v: 485.8885003914018 };

/** The base that both were given: six hundred customers who buy at three rates and stop with three chances. */
const BASE: readonly Purchases[] = simulate(600);

function simulate(customers: number): Purchases[] {
  let state = 12_345;
  const draw = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state + 1) / 2_147_483_649;
  };
  return Array.from({ length: customers }, (_, n) => {
    const ageDays = 100 + ((n * 37) % 300);
    const rate = [0.004, 0.015, 0.05][n % 3] ?? 0;
    const stops = [0.03, 0.25, 0.6][Math.floor(n / 3) % 3] ?? 0;
    let repeats = 0;
    let recencyDays = 0;
    for (;;) {
      const next = recencyDays + Math.ceil(-Math.log(draw()) / rate);
      if (next > ageDays) break;
      recencyDays = next;
      repeats += 1;
      if (draw() < stops) break;
    }
    return { repeats, recencyDays, ageDays };
  });
}

const SPEND = BASE.flatMap(({ repeats }, n) => (repeats === 0 ? [] : [{ repeats, mean: 20 + ((n * 97) % 130) }]));

/** Of lifetimes, for BASE and SPEND. */
const REFERENCE = {
  purchases: { r: 1.098572207017634, alpha: 46.59967255290261, a: 0.5516398373516941, b: 1.2083440366898022 },
  spend: { p: 4.308552430580374, q: 6.7843958937626665, v: 117.74214367808585 },
};

describe("expected purchases and value", () => {
  it("are those of lifetimes for its parameters", () => {
    const vectors = [
      [{ repeats: 0, recencyDays: 0, ageDays: 100 }, 0.44031472179355435, 1],
      [{ repeats: 3, recencyDays: 200, ageDays: 250 }, 1.0788483900896875, 0.99924571],
      [{ repeats: 20, recencyDays: 360, ageDays: 370 }, 4.268516058543091, 0.99978428],
    ] as const;
    for (const [purchases, expected, alive] of vectors) {
      near(expectPurchases(RETAIL, purchases, 90), expected, 1e-6);
      near(chanceAlive(RETAIL, purchases), alive, 1e-7);
    }
    near(expectSpend(RETAIL_SPEND, 3, 300), 332.7182902944087, 1e-9);
    near(expectSpend(RETAIL_SPEND, 20, 450), 448.1800679935988, 1e-9);
  });

  it("are fitted to the parameters that lifetimes finds, within one in ten thousand", () => {
    for (const [name, value] of Object.entries(fitPurchases(BASE)))
      near(value, REFERENCE.purchases[name as "r"], 1e-4, name);
    for (const [name, value] of Object.entries(fitSpend(SPEND))) near(value, REFERENCE.spend[name as "p"], 1e-4, name);
  });

  it("are never NaN nor below zero, and a chance is one", () => {
    const positive = fc.double({ min: 0.01, max: 50, noNaN: true });
    const alpha = fc.double({ min: 1, max: 500, noNaN: true });
    const model = fc.record({ r: positive, alpha, a: fc.oneof(positive, fc.constant(1)), b: positive });
    const purchases = fc
      .record({ repeats: fc.nat({ max: 200 }), more: fc.nat({ max: 4_000 }), since: fc.nat({ max: 4_000 }) })
      .map(({ repeats, more, since }) => {
        const recencyDays = repeats === 0 ? 0 : repeats + more;
        return { repeats, recencyDays, ageDays: recencyDays + since };
      });
    fc.assert(
      fc.property(model, purchases, (parameters, one) => {
        const alive = chanceAlive(parameters, one);
        ok(alive >= 0 && alive <= 1);
        const expected = expectPurchases(parameters, one, 90);
        ok(Number.isFinite(expected) && expected >= 0, String(expected));
      }),
      runs(2_000),
    );
  });

  it("count days with a purchase, in any order, copies or not", () => {
    const day = (n: number) => Date.UTC(2026, 0, 1 + n);
    deepEqual(countPurchases([day(9), day(2), day(2) + 5, day(5)], day(20)), {
      repeats: 2,
      recencyDays: 7,
      ageDays: 18,
    });
    equal(countPurchases([], day(1)), null);
  });
});

describe("RFM", () => {
  it("scores by fixed cuts, a border belonging to the better side of money and the worse of time", () => {
    deepEqual(scoreRfm(FIXED_CUTS, { recencyDays: 29, orders: 10, spentMinor: 100_000 }), {
      recency: 5,
      frequency: 5,
      monetary: 5,
    });
    deepEqual(scoreRfm(FIXED_CUTS, { recencyDays: 365, orders: 1, spentMinor: 4_999 }), {
      recency: 1,
      frequency: 1,
      monetary: 1,
    });
    deepEqual(scoreRfm(FIXED_CUTS, { recencyDays: 30, orders: 2, spentMinor: 5_000 }), {
      recency: 4,
      frequency: 2,
      monetary: 2,
    });
  });

  it("parts a base in fifths, and equal ones never", () => {
    const base = Array.from({ length: 100 }, (_, n) => ({ recencyDays: n, orders: 1, spentMinor: n * 100 }));
    const cuts = cutQuintiles(base);
    const scores = base.map((one) => scoreRfm(cuts, one));
    for (const score of [1, 2, 3, 4, 5]) {
      equal(scores.filter(({ recency }) => recency === score).length, 20);
      equal(scores.filter(({ monetary }) => monetary === score).length, 20);
    }
    equal(new Set(scores.map(({ frequency }) => frequency)).size, 1);
  });
});

describe("reports of scores", () => {
  const order = (day: number, totalMinor: number, valid = true, currency = "EUR") => {
    return { valid, at: new Date(Date.UTC(2026, 0, 1) + day * DAY_MS).toISOString(), currency, totalMinor };
  };
  const buyers: Buyer[] = Array.from({ length: 40 }, (_, n) => ({
    profileId: `p${n}`,
    view: {
      orders: [
        order(n, 1_000 + n),
        order(2 * n, 2_000, true, "USD"),
        order(90, 5_000, false),
        ...(n % 2 === 0 ? [order(n + 20, 3_000 + 10 * n), order(n + 31, 2_500)] : []),
      ],
    },
  }));

  it("look at valid orders of the most used currency, and count every customer once", () => {
    const base = readBase([...buyers, { profileId: "visitor", view: { orders: [] } }]);
    deepEqual([base.currency, base.customers.length], ["EUR", 40]);
    deepEqual(base.customers[2], {
      profileId: "p2",
      purchases: { repeats: 2, recencyDays: 31, ageDays: 76 },
      recencyDays: 45,
      orders: 3,
      spentMinor: 6_522,
      meanMinor: 2_760,
    });
    const [quintiles, fixed, cuts] = reportRfm(base);
    deepEqual(
      cuts?.rows.map(({ of }) => of),
      ["recencyDays", "orders", "spentMinor"],
    );
    for (const rows of [quintiles?.rows ?? [], fixed?.rows ?? []])
      equal(
        rows.reduce((sum, { customers }) => sum + Number(customers), 0),
        40,
      );
  });

  it("say the same of a base in any order, and each value by its terms", () => {
    const [parameters, customers] = reportLifetime(readBase(buyers));
    deepEqual(
      parameters?.rows.map(({ name }) => name),
      ["asOf", "days", "r", "alpha", "a", "b", "p", "q", "v"],
    );
    const folder = makeFolder("scores");
    const file = join(folder, "rules.yaml");
    // Of a base as small as this one the fit has no bounds.
    const found: Readonly<Record<string, number>> = { ...RETAIL, ...RETAIL_SPEND };
    const lines = parameters?.rows.map(({ name, value }) => `${name}: ${found[String(name)] ?? value}`);
    const lifetime = lines?.join(", ");
    writeFileSync(file, `${SHIPPED}\nscores: { currency: EUR, lifetime: { ${lifetime} } }\n`);
    deepEqual(checkRulesFile(file).errors, [], "rules take them as they are printed");
    equal(customers?.rows.length, 40);
    for (const { expected, spendMinor, valueMinor } of customers?.rows ?? [])
      near(Number(valueMinor), Number(expected) * Number(spendMinor), 0.01);
    equal(reportLifetime(readBase([]))[0]?.rows.length, 0);
  });
});
