// What a customer may be expected to buy and to be worth: BG/NBD (Fader, Hardie, Lee 2005) says how often she comes back and
// whether she still does, Gamma-Gamma (Fader, Hardie 2013) what she spends when she does. Pure functions of three numbers
// of hers and of parameters that a fit found over the base (lifetime-fit.ts).

/** In one unit of time, here days; repeat purchases are days with a valid order after the first such day. */
export interface Purchases {
  readonly repeats: number;
  /** From the first to the last purchase. */
  readonly recencyDays: number;
  /** From the first purchase to the instant of the look. */
  readonly ageDays: number;
}

/** How often people buy (r, alpha) and after how many purchases they stop (a, b). */
export interface PurchaseModel {
  readonly r: number;
  readonly alpha: number;
  readonly a: number;
  readonly b: number;
}

/** How spending per purchase (p) differs between people (q, v). */
export interface SpendModel {
  readonly p: number;
  readonly q: number;
  readonly v: number;
}

const DAY_MS = 86_400_000;

/** instants: of valid orders, in any order. Null: none, or none before the look. */
export function countPurchases(instants: readonly number[], at: number): Purchases | null {
  const today = Math.floor(at / DAY_MS);
  const days = [...new Set(instants.map((instant) => Math.floor(instant / DAY_MS)))].filter((day) => day <= today);
  if (days.length === 0) return null;
  const first = Math.min(...days);
  return { repeats: days.length - 1, recencyDays: Math.max(...days) - first, ageDays: today - first };
}

/** Of one customer; what a fit makes as great as it can. */
export function logLikelihood({ r, alpha, a, b }: PurchaseModel, { repeats, recencyDays, ageDays }: Purchases): number {
  const common =
    logGamma(r + repeats) -
    logGamma(r) +
    r * Math.log(alpha) +
    logGamma(a + b) +
    logGamma(b + repeats) -
    logGamma(b) -
    logGamma(a + b + repeats);
  const alive = -(r + repeats) * Math.log(alpha + ageDays);
  if (repeats === 0) return common + alive;
  const gone = Math.log(a) - Math.log(b + repeats - 1) - (r + repeats) * Math.log(alpha + recencyDays);
  const greater = Math.max(alive, gone);
  return common + greater + Math.log(Math.exp(alive - greater) + Math.exp(gone - greater));
}

/** That she has not stopped buying. Who never came back had no occasion to stop: 1. */
export function chanceAlive({ r, alpha, a, b }: PurchaseModel, { repeats, recencyDays, ageDays }: Purchases): number {
  if (repeats === 0) return 1;
  const odds = Math.log(a / (b + repeats - 1)) + (r + repeats) * Math.log((alpha + ageDays) / (alpha + recencyDays));
  return 1 / (1 + Math.exp(odds));
}

/** Purchases in so many days from the look on. */
export function expectPurchases(model: PurchaseModel, purchases: Purchases, days: number): number {
  const { r, alpha, b } = model;
  const { repeats, ageDays } = purchases;
  // At one the formula is a quotient of two nothings; beside it, it is what it is there.
  const a = Math.abs(model.a - 1) < 1e-6 ? 1 + 1e-6 : model.a;
  const z = days / (alpha + ageDays + days);
  const share = scaledHypergeometric(r + repeats, b + repeats, a + b + repeats - 1, z);
  return Math.max(0, ((a + b + repeats - 1) / (a - 1)) * (1 - share) * chanceAlive(model, purchases));
}

/** Of one customer who came back and spent so much on average; what a fit makes as great as it can. */
export function logLikelihoodOfSpend({ p, q, v }: SpendModel, repeats: number, mean: number): number {
  const shape = p * repeats;
  return (
    logGamma(shape + q) -
    logGamma(shape) -
    logGamma(q) +
    q * Math.log(v) +
    (shape - 1) * Math.log(mean) +
    shape * Math.log(repeats) -
    (shape + q) * Math.log(repeats * mean + v)
  );
}

/** What a purchase of hers is worth: her own mean weighed against the base's. */
export function expectSpend({ p, q, v }: SpendModel, repeats: number, mean: number): number {
  const weight = (p * repeats) / (p * repeats + q - 1);
  return (1 - weight) * ((v * p) / (q - 1)) + weight * mean;
}

/** Lanczos (g 7, 9 terms): exact to some fifteen digits. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const sum = LANCZOS.reduce((total, term, place) => total + (place === 0 ? term : term / (x - 1 + place)), 0);
  const base = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(sum);
}

const TERMS_MAX = 10_000;

/** Gauss's 2F1 for 0 <= z < 1 by its series, times (1 - z)^a: the one may be beyond all numbers where the other is nearly 0. */
function scaledHypergeometric(a: number, b: number, c: number, z: number): number {
  let term = Math.exp(a * Math.log1p(-z));
  let sum = term;
  for (let n = 0; n < TERMS_MAX; n += 1) {
    const ratio = (((a + n) * (b + n)) / ((c + n) * (n + 1))) * z;
    term *= ratio;
    sum += term;
    if (ratio < 1 && Math.abs(term) <= 1e-14 * Math.abs(sum)) break;
  }
  return sum;
}
