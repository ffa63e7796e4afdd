// What a stitcher does about losses that hardly any history shows: nobody else would mend them (S2).

import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "#ports/store.ts";
import { watchJoins } from "#services/stitcher/joins.ts";
import type { StitcherServices } from "#services/stitcher/loop.ts";
import { createScrubber, ShardDamaged } from "#services/stitcher/loss.ts";

test("readers are told again what they wait for, while one shard after the other is looked through (S2)", async (t) => {
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const done: (number | string)[] = [];
  let lost: string | null = null;
  const store = {
    async scrub(shard: number) {
      done.push(shard);
      return { next: "0", lost };
    },
  } as unknown as Store;
  const scrub = createScrubber(store, [4, 7], async () => void done.push("told"));
  for (nowMs = 500; nowMs <= 4_500; nowMs += 500) await scrub();
  deepEqual(done, ["told", 4, "told", 7, "told", 4, "told", 7]);
  lost = "i/x";
  await rejects(scrub(), ShardDamaged);
});

test("what tells of a join is published only while the index in which it was made is there (S2)", async () => {
  let life = "one";
  const keeper = { check: async () => life, isStill: async (asked: string) => asked === life };
  const given = { keeper, join: async () => [] } as unknown as StitcherServices;
  const cause = { source: "web", eventId: "e", at: 1, occurredAt: null, backfill: false, traceparent: null };
  const joining = watchJoins(given);
  equal(await joining.isSound(), true, "nothing was joined");
  await joining.join({ a: "1-a", b: "1-b", cause });
  equal(await joining.isSound(), true);
  life = "two";
  equal(await joining.isSound(), false);
  await joining.join({ a: "1-a", b: "1-c", cause });
  equal(await joining.isSound(), false, "the first join was made in another life");
});
