// The oracle's scores: of all orders and facts at once, as SPEC.md section 3 has them.

import type { Rules } from "#core/configuration.ts";
import { chanceAlive, expectPurchases, expectSpend } from "#core/lifetime-value.ts";
import type { Score } from "#core/score.ts";
import { compileLadder } from "#core/segment.ts";
import type { Facts } from "#core/view.ts";
import type { OrderFacts } from "./oracle-orders.ts";

const DAY_MS = 86_400_000;

/** The latest valid orders tell how often; of equal instants any. */
const LATEST = 16;

export function describeScores(rules: Rules, facts: Facts, orders: readonly OrderFacts[], atMs: number): Score[] {
  const { scores } = rules;
  if (scores === undefined) return [];
  const { currency, rfm, lifetime, lead } = scores;
  const bought = orders.filter(({ valid }) => valid).toSorted((a, b) => b.at - a.at);
  const spent = (of: readonly OrderFacts[]) => of.reduce((sum, { spentMinor }) => sum + spentMinor, 0);
  const spentMinor = spent(bought.filter(({ order }) => order.currency === currency));
  const told: Score[] = [
    { name: "historicMinor", value: spentMinor, terms: [{ term: "orders", value: bought.length }] },
  ];
  const [latest] = bought;
  if (rfm !== undefined && latest !== undefined) {
    const rise = (cuts: readonly number[], value: number) =>
      cuts.reduce((sum, cut) => (value >= cut ? sum + 1 : sum), 1);
    const days = (atMs - latest.at) / DAY_MS;
    told.push(
      { name: "recency", value: 6 - rise(rfm.recencyDays, days), terms: [{ term: "latestAt", value: latest.at }] },
      { name: "frequency", value: rise(rfm.orders, bought.length), terms: [{ term: "orders", value: bought.length }] },
      { name: "monetary", value: rise(rfm.spentMinor, spentMinor), terms: [{ term: "spentMinor", value: spentMinor }] },
    );
  }
  const isOurs = bought.every(({ order, spentMinor: minor }) => order.currency === currency || minor === 0);
  if (lifetime !== undefined && latest !== undefined && isOurs) {
    const window = bought.slice(0, LATEST);
    const days = [...new Set(window.map(({ at }) => Math.floor(at / DAY_MS)))];
    const [first, last] = [Math.min(...days), Math.max(...days)];
    const repeats = days.length - 1;
    const ageDays = Math.floor(Math.max(lifetime.asOfMs, latest.at) / DAY_MS) - first;
    const purchases = { repeats, recencyDays: last - first, ageDays };
    const mean = ((spentMinor / bought.length) * window.length) / days.length;
    const expected = expectPurchases(lifetime.purchases, purchases, lifetime.days);
    const spend = expectSpend(lifetime.spend, repeats, mean);
    const terms = Object.entries(purchases).map(([term, value]) => ({ term, value }));
    told.push(
      { name: "alivePerMille", value: Math.round(1_000 * chanceAlive(lifetime.purchases, purchases)), terms },
      { name: "expectedPerMille", value: Math.round(1_000 * expected), terms },
      {
        name: "expectedMinor",
        value: Math.round(expected * spend),
        terms: [
          { term: "expectedPerMille", value: Math.round(1_000 * expected) },
          { term: "spendMinor", value: Math.round(spend) },
        ],
      },
    );
  }
  const terms = lead.map(({ term, when, points }) => {
    const ladder = [
      { segment: "yes", when },
      { segment: "no", when: "true" },
    ];
    const { segment } = compileLadder({ ...rules, ladder }).evaluate(facts, atMs);
    return { term, value: segment === "yes" ? points : 0 };
  });
  const value = terms.reduce((sum, one) => sum + one.value, 0);
  if (terms.length > 0) told.push({ name: "lead", value, terms });
  return told.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
