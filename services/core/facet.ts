// Facets: what a fragment keeps beyond its counters, each a value that is never written into. A facet is read out of
// one event and merged; merging is commutative and associative, and its bound keeps what the set of keys or instants
// says. So any order of events gives the same facet, and a profile's facets are its fragments' merged (P1).

import { isAuthenticated } from "./configuration.ts";
import { compareText } from "./comparison.ts";
import type { EventItem } from "./item.ts";
import type { LimitKind } from "./limit.ts";

/** Texts in facets are cut beyond it: they are names, not prose. */
export const FACET_LENGTH_MAX = 512;

/** When something was so, and which event says so. */
export interface Told {
  readonly at: number;
  readonly source: string;
  readonly eventId: string;
}

/** One event, as facets are read out of it. */
export interface Telling {
  readonly told: Told;
  readonly type: string;
  readonly channel: string;
  /** What the event's anchor was asserted with; claims only add, and are kept apart (I5). */
  readonly authenticated: boolean;
  /** Told as history. */
  readonly backfill: boolean;
  readonly limits: LimitKind[];
}

export function isAnchorAuthenticated(item: EventItem): boolean {
  const anchored = item.identifiers.find((identifier) => identifier.key === item.anchor);
  return anchored !== undefined && isAuthenticated(anchored.assurance);
}

export function compareTold(a: Told, b: Told): number {
  return a.at - b.at || compareText(a.source, b.source) || compareText(a.eventId, b.eventId);
}

/** Of two tellings the later; of a tie by a fixed order. */
export function laterOf<T extends Told>(a: T, b: T): T;
export function laterOf<T extends Told>(a: T | null, b: T | null): T | null;
export function laterOf<T extends Told>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  return compareTold(a, b) >= 0 ? a : b;
}

export function earlierOf<T extends Told>(a: T, b: T): T {
  return compareTold(a, b) <= 0 ? a : b;
}

export function cutText(text: string, limits: LimitKind[]): string {
  if (text.length <= FACET_LENGTH_MAX) return text;
  limits.push("facet-length");
  return text.slice(0, FACET_LENGTH_MAX);
}

/** By key; of `classed` ones a key begins with 1 for authenticated, 0 for claimed. */
export type Registers<T> = ReadonlyMap<string, T>;

export interface RegisterRules<T> {
  /** Commutative and associative. */
  readonly join: (a: T, b: T) => T;
  /** Of each class: those that sort last (or first) are left out. */
  readonly max: number;
  readonly keep: "first" | "last";
  readonly classed: boolean;
  readonly limit: LimitKind;
}

export const NOTHING_TOLD: Registers<never> = new Map<string, never>();

/** The key under which something is kept, so that no flood of claims drives out what was authenticated. */
export function classedKey(authenticated: boolean, ...names: readonly string[]): string {
  return `${authenticated ? 1 : 0}${JSON.stringify(names)}`;
}

export function mergeRegisters<T>(
  { join, max, keep, classed, limit }: RegisterRules<T>,
  a: Registers<T>,
  b: Registers<T>,
  limits: LimitKind[],
): Registers<T> {
  if (b.size === 0) return a;
  if (a.size === 0 && b.size <= max) return b;
  const merged = new Map(a);
  for (const [key, value] of b) {
    const present = merged.get(key);
    merged.set(key, present === undefined ? value : join(present, value));
  }
  if (merged.size <= max) return merged;
  for (const start of classed ? ["0", "1"] : [""]) {
    const keys = [...merged.keys()].filter((key) => key.startsWith(start)).sort(compareText);
    if (keys.length <= max) continue;
    for (const key of keep === "first" ? keys.slice(max) : keys.slice(0, keys.length - max)) {
      merged.delete(key);
      limits.push(limit);
    }
  }
  return merged;
}

/** What holds of each name, in the one order: what was claimed only where nothing was authenticated (I5). */
export function listRegisters<T>(registers: Registers<T>): T[] {
  return [...registers]
    .filter(([key]) => key.startsWith("1") || !registers.has(`1${key.slice(1)}`))
    .sort(([a], [b]) => compareText(a.slice(1), b.slice(1)))
    .map(([, value]) => value);
}

/** The latest first. */
export interface LatestRules {
  readonly max: number;
  readonly limit: LimitKind;
}

export const NONE_TOLD: readonly never[] = [];

/** The latest of both; of an event that is in both, one. */
export function mergeLatest<T extends Told>(
  { max, limit }: LatestRules,
  a: readonly T[],
  b: readonly T[],
  limits: LimitKind[],
): readonly T[] {
  if (b.length === 0) return a;
  const [first, second] = b;
  const latest = a[0];
  // Most often it is one, and the latest of all.
  if (second === undefined && first !== undefined && a.length < max)
    if (latest === undefined || compareTold(first, latest) > 0) return [first, ...a];
  const merged = [...a];
  for (const one of b) {
    const place = merged.findIndex((other) => compareTold(other, one) <= 0);
    const at = place < 0 ? merged.length : place;
    const present = merged[at];
    if (present === undefined || compareTold(present, one) !== 0) merged.splice(at, 0, one);
  }
  for (; merged.length > max; merged.pop()) limits.push(limit);
  return merged;
}
