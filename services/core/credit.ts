// Credit for a move, shared among the touches that led to it under five models. Weights are whole millionths that add up
// to exactly one: the largest remainders are rounded up, of equal ones the latest touch's.

import { compareText } from "./comparison.ts";
import type { Touch } from "./journey.ts";

/** Of each model the parts of all channels add up to this. */
export const WHOLE = 1_000_000;

/** Weights are whole numbers up to here, so that a product with WHOLE is exact. */
const WEIGHT_MAX = 2 ** 32;

export interface ChannelCredit {
  readonly channel: string;
  readonly touches: number;
  readonly first: number;
  readonly last: number;
  readonly linear: number;
  /** 40 % the first, 40 % the last, 20 % those between; of two a half each. */
  readonly position: number;
  /** Halves with each half-life that a touch is older than the last one. */
  readonly timeDecay: number;
}

export const CREDIT_MODELS = ["first", "last", "linear", "position", "timeDecay"] as const;
export type CreditModel = (typeof CREDIT_MODELS)[number];

const ALL_OF_IT = { first: WHOLE, last: WHOLE, linear: WHOLE, position: WHOLE, timeDecay: WHOLE };

type Weigh = (touches: readonly Pick<Touch, "at">[], halfLifeMs: number) => number[];

const WEIGHTS: Readonly<Record<CreditModel, Weigh>> = {
  first: (touches) => touches.map((_, i) => Number(i === 0)),
  last: (touches) => touches.map((_, i) => Number(i === touches.length - 1)),
  linear: (touches) => touches.map(() => 1),
  // 0.4 to 0.2 / (n - 2), in whole numbers.
  position: ({ length }) =>
    Array.from({ length }, (_, i) => (length > 2 && (i === 0 || i === length - 1) ? 2 * (length - 2) : 1)),
  timeDecay(touches, halfLifeMs) {
    const lastAt = touches.at(-1)?.at ?? 0;
    return touches.map(({ at }) => Math.floor(WEIGHT_MAX * halve((lastAt - at) / halfLifeMs)));
  },
};

/** touches: the earliest first. By channel, in the one order. */
export function creditChannels(touches: readonly Pick<Touch, "at" | "channel">[], halfLifeMs: number): ChannelCredit[] {
  const [first] = touches;
  if (first === undefined) return [];
  // All models agree, and most moves have one touch.
  if (touches.length === 1) return [{ channel: first.channel, touches: 1, ...ALL_OF_IT }];
  const credits = new Map<string, { touches: number } & Record<CreditModel, number>>();
  for (const { channel } of touches) {
    const credit = credits.get(channel) ?? { touches: 0, first: 0, last: 0, linear: 0, position: 0, timeDecay: 0 };
    credits.set(channel, { ...credit, touches: credit.touches + 1 });
  }
  for (const model of CREDIT_MODELS) {
    const parts = apportion(WEIGHTS[model](touches, halfLifeMs));
    for (const [i, { channel }] of touches.entries()) {
      const credit = credits.get(channel);
      if (credit !== undefined) credit[model] += parts[i] ?? 0;
    }
  }
  return [...credits]
    .map(([channel, credit]) => ({ channel, ...credit }))
    .sort((a, b) => compareText(a.channel, b.channel));
}

/** WHOLE in the ratio of the weights, some of which are above nought. */
function apportion(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === 0) return weights.map(() => 0);
  const shares = weights.map((weight, place) => {
    const product = weight * WHOLE;
    const remainder = product % sum;
    return { place, part: (product - remainder) / sum, remainder };
  });
  const left = shares.reduce((rest, { part }) => rest - part, WHOLE);
  const raised = new Set(
    shares
      .toSorted((a, b) => b.remainder - a.remainder || b.place - a.place)
      .slice(0, left)
      .map(({ place }) => place),
  );
  return shares.map(({ part, place }) => part + Number(raised.has(place)));
}

/** 2 to the power of -x, by products and roots alone: these have one result on every machine, Math.pow has not. */
function halve(x: number): number {
  if (x >= 64) return 0;
  const whole = Math.floor(x);
  let result = 1;
  for (let i = 0; i < whole; i += 1) result /= 2;
  let rest = x - whole;
  for (let root = Math.SQRT1_2; rest > 0; root = Math.sqrt(root)) {
    rest *= 2;
    if (rest < 1) continue;
    result *= root;
    rest -= 1;
  }
  return result;
}
