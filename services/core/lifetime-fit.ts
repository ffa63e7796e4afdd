// The parameters of the models of lifetime-value.ts that make what a base of customers did the likeliest. They are sought as
// logarithms, for each is positive; the same base gives the same parameters.

import {
  logLikelihood,
  logLikelihoodOfSpend,
  type PurchaseModel,
  type Purchases,
  type SpendModel,
} from "./lifetime-value.ts";
import { minimise } from "./nelder-mead.ts";

/** Customers of equal numbers are counted together. */
export function fitPurchases(base: readonly Purchases[]): PurchaseModel {
  const counted = new Map<string, { readonly one: Purchases; count: number }>();
  for (const one of base) {
    const name = `${one.repeats} ${one.recencyDays} ${one.ageDays}`;
    const present = counted.get(name);
    if (present === undefined) counted.set(name, { one, count: 1 });
    else present.count += 1;
  }
  const ageMax = base.reduce((most, { ageDays }) => Math.max(most, ageDays), 1);
  const read = (at: readonly number[]): PurchaseModel => {
    const [r = 0, alpha = 0, a = 0, b = 0] = at.map(Math.exp);
    return { r, alpha: alpha * ageMax, a, b };
  };
  const cost = (at: readonly number[]) => {
    let sum = 0;
    for (const { one, count } of counted.values()) sum -= count * logLikelihood(read(at), one);
    return sum / base.length;
  };
  return read(minimise(cost, [0, -1, -1, 0.5]).at);
}

/** Of those who came back: how often, and what they spent on average each time. */
export function fitSpend(base: readonly { readonly repeats: number; readonly mean: number }[]): SpendModel {
  const scale = base.reduce((sum, { mean }) => sum + mean, 0) / base.length;
  const read = (at: readonly number[]): SpendModel => {
    const [p = 0, q = 0, v = 0] = at.map(Math.exp);
    return { p, q, v };
  };
  const cost = (at: readonly number[]) =>
    -base.reduce((sum, { repeats, mean }) => sum + logLikelihoodOfSpend(read(at), repeats, mean / scale), 0) /
    base.length;
  const { p, q, v } = read(minimise(cost, [0.5, 0.5, 0]).at);
  return { p, q, v: v * scale };
}
