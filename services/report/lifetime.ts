// Scores over the base of a fold: RFM by quintiles and by fixed cuts, and what customers may be expected to buy and be worth.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compareText } from "#core/comparison.ts";
import { fitPurchases, fitSpend } from "#core/lifetime-fit.ts";
import { chanceAlive, countPurchases, expectPurchases, expectSpend, type Purchases } from "#core/lifetime-value.ts";
import { cutQuintiles, FIXED_CUTS, scoreRfm, type Buying, type RfmCuts } from "#core/rfm.ts";
import type { ProfileLine } from "#services/wire/profile-reader.ts";
import type { Row } from "./ledger.ts";
import type { Sheet } from "./sheet.ts";

const DAY_MS = 86_400_000;
/** How far ahead purchases are expected. */
const AHEAD_DAYS = 90;

type Order = Pick<ProfileLine["view"]["orders"][number], "valid" | "at" | "currency" | "totalMinor">;

/** What scores read of a line of profiles.jsonl. */
export interface Buyer {
  readonly profileId: string;
  readonly view: { readonly orders: readonly Order[] };
}

interface Customer extends Buying {
  readonly profileId: string;
  readonly purchases: Purchases;
  /** Of a day with purchases after the first; null: there is none. */
  readonly meanMinor: number | null;
}

export interface Base {
  /** The most used, the one that is looked at. */
  readonly currency: string;
  /** The latest order's. */
  readonly at: number;
  readonly customers: readonly Customer[];
}

export function readBuyers(folder: string): Buyer[] {
  const lines = readFileSync(join(folder, "profiles.jsonl"), "utf8").split("\n");
  return lines.flatMap((line) => (line === "" ? [] : (JSON.parse(line) as Buyer)));
}

export function readBase(buyers: readonly Buyer[]): Base {
  const counts = new Map<string, number>();
  let at = 0;
  for (const { view } of buyers)
    for (const order of view.orders) {
      if (!order.valid) continue;
      counts.set(order.currency, (counts.get(order.currency) ?? 0) + 1);
      at = Math.max(at, Date.parse(order.at));
    }
  const [most] = [...counts].toSorted(([a, one], [b, other]) => other - one || compareText(a, b));
  const currency = most?.[0] ?? "";
  return { currency, at, customers: buyers.flatMap((buyer) => readCustomer(buyer, currency, at) ?? []) };
}

function readCustomer({ profileId, view }: Buyer, currency: string, at: number): Customer | null {
  // What costs nothing is no purchase.
  const bought = view.orders.filter((order) => order.valid && order.currency === currency && order.totalMinor > 0);
  const purchases = countPurchases(
    bought.map((order) => Date.parse(order.at)),
    at,
  );
  if (purchases === null) return null;
  const spentMinor = bought.reduce((sum, { totalMinor }) => sum + totalMinor, 0);
  const dayOf = (order: Order) => Math.floor(Date.parse(order.at) / DAY_MS);
  const first = Math.min(...bought.map(dayOf));
  const laterMinor = bought.reduce((sum, order) => sum + (dayOf(order) > first ? order.totalMinor : 0), 0);
  return {
    profileId,
    purchases,
    recencyDays: purchases.ageDays - purchases.recencyDays,
    orders: bought.length,
    spentMinor,
    meanMinor: purchases.repeats === 0 ? null : laterMinor / purchases.repeats,
  };
}

export function reportRfm({ currency, customers }: Base): Sheet[] {
  const describe = (name: string, cuts: RfmCuts): Sheet => {
    const cells = new Map<string, { recency: number; frequency: number; customers: number; spentMinor: number }>();
    for (const customer of customers) {
      const { recency, frequency } = scoreRfm(cuts, customer);
      const cell = cells.get(`${recency}${frequency}`) ?? { recency, frequency, customers: 0, spentMinor: 0 };
      cell.customers += 1;
      cell.spentMinor += customer.spentMinor;
      cells.set(`${recency}${frequency}`, cell);
    }
    const rows: Row[] = [...cells].toSorted(([a], [b]) => compareText(b, a)).map(([, cell]) => ({ ...cell }));
    return {
      name: `rfm-${name}`,
      title: `Recency and frequency by ${name}, spent in minor units of ${currency}`,
      rows,
    };
  };
  const quintiles = cutQuintiles(customers);
  const cuts = Object.entries(quintiles).map(([of, borders]: [string, readonly number[]]) => {
    return { of, cuts: borders.filter(Number.isFinite).join(", ") };
  });
  return [
    describe("quintiles", quintiles),
    describe("fixed-cuts", FIXED_CUTS),
    { name: "rfm-cuts", title: "Quintiles, as `scores.rfm` of the rules takes them", rows: cuts },
  ];
}

/** Fits BG/NBD and Gamma-Gamma to the base; each customer's value with the terms that it is made of. */
export function reportLifetime({ currency, at, customers }: Base): Sheet[] {
  const returning = customers.flatMap(({ purchases: { repeats }, meanMinor }) =>
    meanMinor === null || meanMinor <= 0 ? [] : [{ repeats, mean: meanMinor }],
  );
  if (returning.length === 0)
    return [{ name: "clv-parameters", title: "Nobody has come back: nothing to fit", rows: [] }];
  const model = fitPurchases(customers.map(({ purchases }) => purchases));
  const spend = fitSpend(returning);
  const write = (value: number) => value.toPrecision(7);
  const fitted = Object.entries({ ...model, ...spend }).map(([name, value]) => ({ name, value: write(value) }));
  const parameters = [
    { name: "asOf", value: new Date(at).toISOString() },
    { name: "days", value: String(AHEAD_DAYS) },
    ...fitted,
  ];
  const valued = customers.map(({ profileId, purchases, meanMinor }) => {
    const expected = expectPurchases(model, purchases, AHEAD_DAYS);
    const spendMinor = expectSpend(spend, purchases.repeats, meanMinor ?? 0);
    const row = {
      profileId,
      ...purchases,
      meanMinor: Math.round(meanMinor ?? 0),
      alive: chanceAlive(model, purchases).toFixed(3),
      expected: expected.toFixed(3),
      spendMinor: Math.round(spendMinor),
      valueMinor: Math.round(expected * spendMinor),
    };
    return row;
  });
  valued.sort((a, b) => b.valueMinor - a.valueMinor || compareText(a.profileId, b.profileId));
  const title = `Expected in ${AHEAD_DAYS} days, minor units of ${currency}: value is expected purchases by spend`;
  return [
    {
      name: "clv-parameters",
      title: `BG/NBD (r, alpha, a, b; days) and Gamma-Gamma (p, q, v; minor units), ${customers.length} customers, as \`scores.lifetime\` of the rules takes them`,
      rows: parameters,
    },
    { name: "clv-customers", title, rows: valued },
  ];
}
