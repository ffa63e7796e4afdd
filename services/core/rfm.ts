// RFM: how lately, how often and how much somebody bought, each a score of 1 to 5, explained by the number that it comes from.
// By fixed cuts it is a function of the person and the cuts; by quintiles, of the base that she is in.

export interface Buying {
  /** Since the latest valid order. */
  readonly recencyDays: number;
  readonly orders: number;
  /** Historic value: what was spent, in one currency. */
  readonly spentMinor: number;
}

/** Four rising borders of each: at or above the last is 5; of recency, below the first is 5. */
export interface RfmCuts {
  readonly recencyDays: readonly number[];
  readonly orders: readonly number[];
  readonly spentMinor: readonly number[];
}

export interface Rfm {
  readonly recency: number;
  readonly frequency: number;
  readonly monetary: number;
}

export const FIXED_CUTS: RfmCuts = {
  recencyDays: [30, 90, 180, 365],
  orders: [2, 3, 5, 10],
  spentMinor: [5_000, 15_000, 40_000, 100_000],
};

export function scoreRfm(cuts: RfmCuts, { recencyDays, orders, spentMinor }: Buying): Rfm {
  return {
    recency: 5 - countReached(cuts.recencyDays, recencyDays),
    frequency: 1 + countReached(cuts.orders, orders),
    monetary: 1 + countReached(cuts.spentMinor, spentMinor),
  };
}

function countReached(cuts: readonly number[], value: number): number {
  return cuts.filter((cut) => value >= cut).length;
}

/** The borders that part the base in fifths: equal numbers are never parted. */
export function cutQuintiles(base: readonly Buying[]): RfmCuts {
  const cut = (numbers: readonly number[]) => {
    const sorted = numbers.toSorted((a, b) => a - b);
    return [1, 2, 3, 4].map((fifth) => sorted[Math.ceil((sorted.length * fifth) / 5)] ?? Number.POSITIVE_INFINITY);
  };
  return {
    recencyDays: cut(base.map(({ recencyDays }) => recencyDays)),
    orders: cut(base.map(({ orders }) => orders)),
    spentMinor: cut(base.map(({ spentMinor }) => spentMinor)),
  };
}
