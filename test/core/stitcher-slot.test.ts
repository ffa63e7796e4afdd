// One loop over several shards: what one of them meets does not leave the others behind (O2).

import { deepEqual, fail } from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openMemoryStore } from "#adapters/memory/store.ts";
import { createEngine } from "#core/engine.ts";
import { type OwnedSlot, partitionKey } from "#ports/log.ts";
import { type Store, StoreUnavailable } from "#ports/store.ts";
import { runStitcherSlot } from "#services/stitcher/loop.ts";
import { type BundleValue, encodeBundles } from "#services/wire/bundle.ts";
import { configuration, hash } from "#support/histories.ts";
import { createLoneServices, listRecords, openLoneSlot, PARTITION } from "#support/lone-worker.ts";
import { until } from "#support/until.ts";
import { at, commitOf, raise, START } from "../contract/store-shorthand.ts";

/** Behind a failure of the store. */
const PAUSE_MS = 500;

test("a slot is not taken over while the step of another of its shards is under way (O2)", async () => {
  const bundles: BundleValue[] = [];
  const progress = { kind: "progress", slot: 0, timeMs: 1_000, completeUpToMs: {} } as const;
  encodeBundles((bundle) => Uint8Array.of(bundles.push(bundle)), 0, 0, [{ item: progress, event: null }]);
  const partitions = [PARTITION, { ...PARTITION, partition: 1 }];
  const records = partitions.flatMap((partition) => listRecords(bundles, partition));
  const told: string[] = [];
  const answer = Promise.withResolvers<void>();
  const inner = openMemoryStore();
  const store: Store = {
    ...inner,
    async commit(commit) {
      told.push(`commit of ${commit.shard}`);
      if (commit.shard === 0) throw new StoreUnavailable("away");
      await answer.promise;
      told.push("answered");
      return await inner.commit(commit);
    },
  };
  const ending = new AbortController();
  const slot: OwnedSlot = {
    slot: 0,
    partitions,
    revoked: ending.signal,
    async takeOver() {
      if (told.includes("taken over")) ending.abort();
      told.push("taken over");
    },
    positions: async () => new Map(),
    seek: () => {},
    poll: async () => ({ records, reach: new Map() }),
    publish: async () => {},
  };
  const engine = createEngine({ configuration, hash, resolverSlots: 1, decode: () => fail("no item has an event") });
  const running = runStitcherSlot({ ...createLoneServices(engine, store, bundles), shards: 2 }, slot);
  await until("the commits are asked for", async () => told.length >= 3);
  await sleep(PAUSE_MS + 100);
  answer.resolve();
  await running;
  deepEqual(told, ["taken over", "commit of 0", "commit of 1", "answered", "taken over"]);
});

test("what a former owner still publishes until its producer is fenced is not published again (O2)", async () => {
  const store = openMemoryStore();
  const partition = { ...PARTITION, partition: 1 };
  const [told, untold] = [at(1, 0), at(2, 0)];
  const epoch = await raise(store, 1);
  const outboxOf = (key: string) => [{ topic: "outputs", key, value: null }];
  deepEqual(await store.commit(commitOf({ epoch, to: told, outbox: outboxOf("told") })), "committed");
  deepEqual(await store.commit(commitOf({ epoch, from: told, to: untold, outbox: outboxOf("untold") })), "committed");
  let isFenced = false;
  const ending = new AbortController();
  const published: (string | null)[] = [];
  const slot: OwnedSlot = {
    ...openLoneSlot(partition, ending.signal),
    takeOver: async () => {
      isFenced = true;
    },
    // The former owner's last transaction ends while the new one is taking over.
    positions: async () => new Map([[partitionKey(partition), isFenced ? told : START]]),
    poll: async () => {
      ending.abort();
      return { records: [], reach: new Map() };
    },
    publish: async (records) => void published.push(...records.map(({ key }) => key)),
  };
  const engine = createEngine({ configuration, hash, resolverSlots: 1, decode: () => fail("no item has an event") });
  await runStitcherSlot(createLoneServices(engine, store, []), slot);
  deepEqual(published, ["untold"]);
});
