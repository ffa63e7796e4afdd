// What a resolver slot tells shards of time, so that a timer fires before the records that follow its instant, and after
// those that precede it, while catching up as when live (T2).

import type { Carried, ProgressItem, RulesItem } from "#core/item.ts";

/** What the slot may say: it has passed no more than upToMs. */
export interface Passing {
  readonly slot: number;
  /** What every shard has been told before. */
  readonly fromMs: number;
  readonly upToMs: number;
  /** Time passes in steps of this; between them a shard is not told. */
  readonly stepMs: number;
  readonly completeUpToMs: Readonly<Record<string, number>>;
}

/** The items of one shard with the rule sets that come into force, each before what was recorded after it. */
export function placeChanges(items: readonly Carried[], changes: readonly Carried<RulesItem>[]): readonly Carried[] {
  if (changes.length === 0) return items;
  const list: Carried[] = [];
  const left = [...changes];
  for (const carried of items) {
    const { item } = carried;
    while (item.kind === "event" && left[0] !== undefined && left[0].item.recordedAt < item.recordedAt)
      list.push(left.shift() as Carried);
    list.push(carried);
  }
  return [...list, ...left];
}

/** The items of one shard, in the order of their record times, with progress before those that a step lies before. */
export function interleaveProgress(items: readonly Carried[], passing: Passing): Carried[] {
  const list: Carried[] = [];
  let toldMs = passing.fromMs;
  for (const carried of items) {
    const { item } = carried;
    if (item.kind === "event" || item.kind === "rules") {
      const timeMs = Math.min(item.recordedAt, passing.upToMs);
      if (timeMs >= toldMs + passing.stepMs) {
        list.push({ item: createProgress(passing, timeMs), event: null });
        toldMs = timeMs;
      }
    }
    list.push(carried);
  }
  return list;
}

export function createProgress({ slot, completeUpToMs }: Passing, timeMs: number): ProgressItem {
  return { kind: "progress", slot, timeMs, completeUpToMs };
}
