// Steps of one shard that leave parts, timers and an outbox behind from which one can tell that each was applied once: how
// many parts and timers there are, which entry is the oldest, what was counted last.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Store, StoreUnavailable } from "#ports/store.ts";
import { type CountingStore, commitOf } from "../contract/store-shorthand.ts";

/**
 * The step from `offset` to the next, sent again until it is known to be applied, the shard taken over again where another
 * server has it since: what a stitcher does.
 */
export async function commitStep(
  store: Store,
  shard: number,
  epochs: Map<number, number>,
  offset: number,
): Promise<void> {
  const commit = commitOf({
    epoch: 0,
    from: { offset, step: 0 },
    to: { offset: offset + 1, step: 0 },
    parts: { count: [offset % 256], [`p${offset}`]: [1], [`p${offset - 50}`]: null },
    timersAdded: [{ queue: "time", atMs: offset, ref: `r${offset}` }],
    outbox: [{ topic: "t", key: `${offset}`, value: null }],
    published: { offset: Math.max(0, offset - 20), step: 0 },
  });
  for (let sent = 1; ; sent++) {
    try {
      const outcome = await store.commit({ ...commit, shard, epoch: epochs.get(shard) ?? 0 });
      if (outcome === "fenced") {
        epochs.set(shard, (await store.raiseEpochs([shard])).get(shard) ?? 0);
        continue;
      }
      if (sent > 1 && outcome === "moved") {
        // An earlier attempt whose answer was lost.
        assert.equal((await store.readHead(shard)).position.offset, offset + 1);
        return;
      }
      assert.equal(outcome, "committed", `shard ${shard} at ${offset}`);
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      await sleep(50);
    }
  }
}

/** That the shard holds what `commitStep` has left from 0 on. */
export async function expectSteps(store: CountingStore, shard: number, committed: number): Promise<void> {
  const { position, outbox } = await store.readHead(shard);
  assert.deepEqual(position, { offset: committed, step: 0 }, `shard ${shard}`);
  const oldest = Math.max(0, committed - 1 - 20);
  const expected = Array.from({ length: committed - oldest }, (_, i) => `${oldest + i}`);
  assert.deepEqual(
    outbox.flatMap(({ records }) => records.map(({ key }) => key)),
    expected,
  );
  assert.equal((await store.dueTimers(shard, "time", Number.MAX_SAFE_INTEGER, 100_000)).length, committed);
  assert.deepEqual(await store.load(shard, ["count"]), [Buffer.from([(committed - 1) % 256])]);
  assert.equal(await store.countParts(shard), Math.min(committed, 50) + 1);
}
