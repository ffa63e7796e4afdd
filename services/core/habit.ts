// Habits, counted: on which channels the person acts, what kinds of product she looks at and buys, at which hours she
// answers, and how often she buys.

import { sortedEntries } from "./comparison.ts";
import type { ChannelEvent } from "./event.ts";
import { cutText, NOTHING_TOLD, type RegisterRules, type Registers, type Telling } from "./facet.ts";
import { isViewing } from "./journey.ts";

export const CHANNELS_MAX = 64;
export const CATEGORIES_MAX = 64;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** The hours of a day, as keys. */
const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));

const add = (a: number, b: number): number => a + b;
export const CHANNEL_RULES: RegisterRules<number> = {
  join: add,
  max: CHANNELS_MAX,
  keep: "first",
  classed: false,
  limit: "channels",
};
export const CATEGORY_RULES: RegisterRules<number> = { ...CHANNEL_RULES, max: CATEGORIES_MAX, limit: "categories" };
/** By hour of the day (UTC), two digits: never more than there are. */
export const HOUR_RULES: RegisterRules<number> = { ...CHANNEL_RULES, max: HOURS.length };

export interface Habits {
  readonly channels: Registers<number>;
  readonly categories: Registers<number>;
  readonly hours: Registers<number>;
}

/** What a promotion may lead to. */
const ANSWERS: ReadonlySet<string> = new Set(["message-opened", "message-clicked", "order-placed"]);

export function readHabits({ told, type, channel, limits }: Telling, event: ChannelEvent): Habits {
  const category = event.product?.category ?? "";
  const hour = HOURS[Math.floor((told.at % DAY_MS) / HOUR_MS)] as string;
  return {
    channels: isViewing(type) ? NOTHING_TOLD : new Map([[channel, 1]]),
    categories: category === "" ? NOTHING_TOLD : new Map([[cutText(category, limits), 1]]),
    hours: ANSWERS.has(type) ? new Map([[hour, 1]]) : NOTHING_TOLD,
  };
}

export interface Share {
  readonly name: string;
  readonly count: number;
}

export interface HabitView {
  /** Events other than views. */
  readonly channels: readonly Share[];
  readonly categories: readonly Share[];
  /** Answers by hour of the day (UTC): 24 of them, or none where there is no answer. */
  readonly hours: readonly number[];
  /** The hour with the most answers, of several the earliest. */
  readonly bestHour: number | null;
}

export function viewHabits({ channels, categories, hours }: Habits): HabitView {
  const shares = { channels: listShares(channels), categories: listShares(categories) };
  if (hours.size === 0) return { ...shares, hours: [], bestHour: null };
  const buckets = HOURS.map((hour) => hours.get(hour) ?? 0);
  return { ...shares, hours: buckets, bestHour: buckets.indexOf(Math.max(...buckets)) };
}

function listShares(counts: Registers<number>): Share[] {
  return sortedEntries(counts).map(([name, count]) => ({ name, count }));
}

/** How many days lie between a valid order and the next: the median, of an even number the lower. */
export interface Cadence {
  readonly orders: number;
  readonly medianDays: number;
}

/** Null of fewer than two. Instants of valid orders, in any order. */
export function viewCadence(instants: readonly number[]): Cadence | null {
  const sorted = instants.toSorted((a, b) => a - b);
  const gaps = sorted.slice(1).map((at, place) => at - (sorted[place] as number));
  const median = gaps.toSorted((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)];
  return median === undefined ? null : { orders: sorted.length, medianDays: Math.floor(median / DAY_MS) };
}
