// What the orders under one identifier add up to, kept as integers that an order's change moves by a difference; the
// latest valid orders are kept by instant, so that taking one back gives the next (P5: never a walk over the history).

import { compareText } from "./comparison.ts";
import type { OrderView } from "./order.ts";

export const LATEST_ORDERS_MAX = 16;

export interface OrderTotals {
  /** Orders of any status, and those that are valid. */
  count: number;
  valid: number;
  /** By currency, minor units: totals of valid orders less returned lines. */
  readonly spentMinor: Map<string, number>;
  /** Valid orders by instant, latest first, at most LATEST_ORDERS_MAX. */
  latestValid: { readonly at: number; readonly order: string; readonly backfill: boolean }[];
}

export function createOrderTotals(): OrderTotals {
  return { count: 0, valid: 0, spentMinor: new Map(), latestValid: [] };
}

/** Moves the totals from what the order added before (null: nothing) to what it adds now. */
export function moveOrder(totals: OrderTotals, key: string, before: OrderView | null, after: OrderView | null): void {
  applyOrder(totals, before, -1);
  applyOrder(totals, after, 1);
  if (before?.valid === true) totals.latestValid = totals.latestValid.filter((latest) => latest.order !== key);
  if (after?.valid === true) {
    totals.latestValid.push({ at: after.at, order: key, backfill: after.backfill });
    keepLatest(totals);
  }
}

/** Whether the move takes an order from the latest ones in whose place these totals know no other. */
export function uncoversOthers(
  { latestValid }: OrderTotals,
  key: string,
  before: OrderView | null,
  after: OrderView | null,
): boolean {
  if (before?.valid !== true || latestValid.length < LATEST_ORDERS_MAX) return false;
  if (after?.valid === true && after.at >= before.at) return false;
  return latestValid.some(({ order }) => order === key);
}

function applyOrder(totals: OrderTotals, view: OrderView | null, sign: 1 | -1): void {
  if (view === null) return;
  totals.count += sign;
  if (!view.valid) return;
  totals.valid += sign;
  addSpent(totals, view.currency, sign * view.spentMinor);
}

function addSpent(totals: OrderTotals, currency: string, minor: number): void {
  const spent = (totals.spentMinor.get(currency) ?? 0) + minor;
  if (spent === 0) totals.spentMinor.delete(currency);
  else totals.spentMinor.set(currency, spent);
}

function keepLatest(totals: OrderTotals): void {
  totals.latestValid.sort((a, b) => b.at - a.at || compareText(a.order, b.order));
  totals.latestValid.length = Math.min(totals.latestValid.length, LATEST_ORDERS_MAX);
}

/** Adds up the orders of two identifiers; no order is under both. */
export function mergeOrderTotals(into: OrderTotals, from: OrderTotals): void {
  into.count += from.count;
  into.valid += from.valid;
  for (const [currency, minor] of from.spentMinor) addSpent(into, currency, minor);
  if (from.latestValid.length === 0) return;
  into.latestValid = [...into.latestValid, ...from.latestValid];
  keepLatest(into);
}
