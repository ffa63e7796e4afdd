// Recency: of each type of event the latest instant at which one happened to a person, and whether that was told as
// history. A maximum by type, so any order of events gives the same (P1).

import type { ChannelEvent } from "./event.ts";
import { compareText } from "./comparison.ts";
import { isAnchorAuthenticated } from "./facet.ts";
import type { EventItem } from "./item.ts";

/** Types of claimed and of authenticated events, counted apart: no flood of claims drives out what was authenticated (I5). */
export const RECENT_TYPES_MAX = 64;

/** `<1 authenticated, 0 claimed><type>` to twice the instant, plus one where it was not told as history: of a tie that counts. */
export type Recency = Map<string, number>;

export interface Moment {
  readonly at: number;
  readonly backfill: boolean;
}

/** True where a type had to go: of too many those that sort last. */
export function foldRecency(recency: Recency, item: EventItem, { type, occurredAt }: ChannelEvent): boolean {
  const start = isAnchorAuthenticated(item) ? "1" : "0";
  const key = start + type;
  const present = recency.get(key);
  recency.set(key, Math.max(present ?? 0, 2 * occurredAt + Number(!item.backfill)));
  if (present !== undefined || recency.size <= RECENT_TYPES_MAX) return false;
  const keys = [...recency.keys()].filter((other) => other.startsWith(start));
  if (keys.length <= RECENT_TYPES_MAX) return false;
  recency.delete(keys.reduce((a, b) => (compareText(a, b) > 0 ? a : b)));
  return true;
}

export function mergeRecency(into: Recency, from: ReadonlyMap<string, number>): void {
  for (const [key, value] of from) into.set(key, Math.max(into.get(key) ?? 0, value));
}

/** The keys of these types, however they are vouched for. */
export function listRecencyKeys(types: readonly string[]): string[] {
  return types.flatMap((type) => [`1${type}`, `0${type}`]);
}

/** The latest under these keys; null: there was none. */
export function findLatest(recency: ReadonlyMap<string, number>, keys: readonly string[]): Moment | null {
  let latest = 0;
  for (const key of keys) latest = Math.max(latest, recency.get(key) ?? 0);
  return readMoment(latest);
}

/** The latest event of any type. */
export function findLatestOfAll(recency: ReadonlyMap<string, number>): Moment | null {
  return readMoment(Math.max(0, ...recency.values()));
}

function readMoment(value: number): Moment | null {
  return value === 0 ? null : { at: Math.floor(value / 2), backfill: value % 2 === 0 };
}
