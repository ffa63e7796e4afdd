// Scores of a profile: what she is worth and how promising she is, each a whole number with the terms that it is made of.
// Pure functions of her facts, the latest valid orders and the parameters that the rules hold; of time as rules are, so
// that a score which passing time changes is told then.

import { compareText } from "./comparison.ts";
import type { LifetimeRules, Rules, ScoreRules } from "./configuration.ts";
import { chanceAlive, countPurchases, expectPurchases, expectSpend } from "./lifetime-value.ts";
import { scoreRfm, type RfmCuts } from "./rfm.ts";
import { isTrue } from "./rung.ts";
import { earlier, openRules } from "./segment.ts";
import type { Facts, ProfileView, ScoreName } from "./view.ts";

/** Terms that a lead score may have. */
export const LEAD_TERMS_MAX = 32;
/** Beyond it nothing is expected of anybody: thousandths of an order, minor units. */
export const EXPECTED_MAX = 1_000_000_000_000;

export interface Score {
  readonly name: ScoreName;
  readonly value: number;
  /** What it is made of; those of `lead` add up to it. */
  readonly terms: readonly ScoreTerm[];
}

export interface ScoreTerm {
  readonly term: string;
  readonly value: number;
}

/** What is asked of a view. */
export type Scored = Pick<ProfileView, "latestValidOrders"> & { readonly facts: Facts };

export interface ScoreCard {
  /** By name, and the view with them among its facts; until: when passing time alone may change one. */
  evaluate<T extends Scored>(
    view: T,
    atMs: number,
  ): { readonly scores: readonly Score[]; readonly view: T; readonly until: number | null };
}

const DAY_MS = 86_400_000;
const NONE: readonly Score[] = [];

export function compileScores({ scores: rules }: Rules): ScoreCard {
  if (rules === undefined) return { evaluate: (view) => ({ scores: NONE, view, until: null }) };
  const { rfm, lifetime } = rules;
  const scoreLead = compileLead(rules.lead);
  return {
    evaluate(view, atMs) {
      const { facts } = view;
      const lead = scoreLead(facts, atMs);
      const fixed = [
        ...scoreHistory(rules, facts),
        ...(rfm === undefined ? [] : scorePurchases(rfm, rules.currency, facts, atMs)),
        ...(lifetime === undefined ? [] : scoreLifetime(lifetime, rules.currency, view)),
      ];
      const scores = [...fixed, ...lead.scores].sort((a, b) => compareText(a.name, b.name));
      const until = earlier(lead.until, rfm === undefined ? null : nextBorder(rfm, facts, atMs));
      return { scores, view: { ...view, facts: { ...facts, scores: nameScores(scores) } }, until };
    },
  };
}

/** As rules read them; 0: there is none. */
export function nameScores(scores: readonly Score[]): Readonly<Record<ScoreName, number>> {
  const named = {
    alivePerMille: 0,
    expectedMinor: 0,
    expectedPerMille: 0,
    frequency: 0,
    historicMinor: 0,
    lead: 0,
    monetary: 0,
    recency: 0,
  };
  for (const { name, value } of scores) named[name] = value;
  return named;
}

function scoreHistory({ currency }: ScoreRules, { orders }: Facts): Score[] {
  const value = orders.spentMinor.get(currency) ?? 0;
  return [{ name: "historicMinor", value, terms: [{ term: "orders", value: orders.valid }] }];
}

/** Of whoever has bought. */
function scorePurchases(cuts: RfmCuts, currency: string, { orders }: Facts, atMs: number): Score[] {
  const { valid, latestAt } = orders;
  if (valid === 0) return [];
  const spentMinor = orders.spentMinor.get(currency) ?? 0;
  const recencyDays = Math.max(0, atMs - latestAt) / DAY_MS;
  const { recency, frequency, monetary } = scoreRfm(cuts, { recencyDays, orders: valid, spentMinor });
  return [
    { name: "recency", value: recency, terms: [{ term: "latestAt", value: latestAt }] },
    { name: "frequency", value: frequency, terms: [{ term: "orders", value: valid }] },
    { name: "monetary", value: monetary, terms: [{ term: "spentMinor", value: spentMinor }] },
  ];
}

/** When her latest order is older than the next border. */
function nextBorder({ recencyDays }: RfmCuts, { orders }: Facts, atMs: number): number | null {
  if (orders.valid === 0) return null;
  const borders = recencyDays.map((days) => orders.latestAt + days * DAY_MS);
  return borders.find((border) => border > atMs) ?? null;
}

/**
 * As of the instant of the fit, or of her latest order where that is later: so it changes with her and with the parameters,
 * never with the day of the look. Of a long history the latest orders tell how often, all of them how much.
 */
function scoreLifetime(rules: LifetimeRules, currency: string, { facts, latestValidOrders }: Scored): Score[] {
  const { valid, latestAt, spentMinor } = facts.orders;
  const isForeign = [...spentMinor.keys()].some((other) => other !== currency);
  const instants = latestValidOrders.map(({ at }) => at);
  const purchases = isForeign ? null : countPurchases(instants, Math.max(rules.asOfMs, latestAt));
  if (purchases === null) return [];
  const { repeats, recencyDays, ageDays } = purchases;
  const perOrder = (spentMinor.get(currency) ?? 0) / Math.max(1, valid);
  const meanMinor = (perOrder * instants.length) / (repeats + 1);
  const expected = expectPurchases(rules.purchases, purchases, rules.days);
  const spendMinor = expectSpend(rules.spend, repeats, meanMinor);
  const happened = [
    { term: "repeats", value: repeats },
    { term: "recencyDays", value: recencyDays },
    { term: "ageDays", value: ageDays },
  ];
  return [
    { name: "alivePerMille", value: whole(1_000 * chanceAlive(rules.purchases, purchases)), terms: happened },
    { name: "expectedPerMille", value: whole(1_000 * expected), terms: happened },
    {
      name: "expectedMinor",
      value: whole(expected * spendMinor),
      terms: [
        { term: "expectedPerMille", value: whole(1_000 * expected) },
        { term: "spendMinor", value: whole(spendMinor) },
      ],
    },
  ];
}

function whole(estimate: number): number {
  return Math.round(Math.min(EXPECTED_MAX, Math.max(0, estimate)));
}

/** Each term with its points where it holds, and with none where it does not. */
function compileLead(terms: ScoreRules["lead"]) {
  const asked = openRules();
  const conditions = terms.map(({ term, when, points }) => ({ term, points, holds: asked.parse(when) }));
  return (facts: Facts, atMs: number): { readonly scores: readonly Score[]; readonly until: number | null } => {
    if (conditions.length === 0) return { scores: NONE, until: null };
    const context = asked.begin(facts, atMs);
    const told = conditions.map(({ term, points, holds }) => ({ term, value: isTrue(holds, context) ? points : 0 }));
    const value = told.reduce((sum, one) => sum + one.value, 0);
    return { scores: [{ name: "lead", value, terms: told }], until: asked.until() };
  };
}
