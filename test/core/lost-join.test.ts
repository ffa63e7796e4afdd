// What a shard that has lost something must not do: join components in the index, which forgets nothing (S2).

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { openMemoryStore } from "#adapters/memory/store.ts";
import type { JoinRequest } from "#core/workspace.ts";
import { type Store, StoreDamaged } from "#ports/store.ts";
import { ShardStitcher } from "#services/stitcher/shard.ts";
import { Cluster } from "#support/cluster.ts";
import { configuration, hash, usual } from "#support/histories.ts";

const START = { offset: 0, step: 0 };

/** The inner log of one shard whose stitcher asked for joins, and how many. */
async function findLog() {
  for (const { events } of fc.sample(usual, { seed: 7, numRuns: 200 })) {
    const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 1, seed: 1, faults: 0 });
    await cluster.run(events);
    const bundles = cluster.readLog(0).map((carried, offset) => ({ offset, items: [carried] }));
    const joined: JoinRequest[] = [];
    await open(cluster, openMemoryStore(), joined, (stitcher) => stitcher.apply(bundles, START, START));
    if (joined.length > 0) return { cluster, bundles, joined };
  }
  throw new Error("no history asks its stitcher for a join");
}

async function open<T>(
  { engine }: Cluster,
  store: Store,
  joined: JoinRequest[],
  work: (stitcher: ShardStitcher) => Promise<T>,
): Promise<T> {
  const epoch = (await store.raiseEpochs([0])).get(0) as number;
  const services = {
    engine,
    store,
    shards: 1,
    resolvedTopic: "weft.resolved",
    encodeBundle: () => new Uint8Array(),
    encodeOutput: () => ({ topic: "outputs", key: "", value: null }),
    prepareEvents: async () => {},
    findRoots: async () => new Map(),
    join: async (request: JoinRequest) => {
      joined.push(request);
      return [];
    },
  };
  return work(new ShardStitcher(services, 0, epoch, START));
}

describe("a join that a stitcher asks for", () => {
  it("is not made where a part that was read as absent was lost, where the head was, or where it stands elsewhere (S2)", async () => {
    const { cluster, bundles, joined } = await findLog();
    ok(joined.length > 0);
    const memory = openMemoryStore;
    const damaged: readonly Store[] = [
      { ...memory(), hasLost: async (_shard, keys) => keys.length > 0 },
      { ...memory(), standing: async () => null },
      { ...memory(), standing: async () => ({ position: { offset: 7, step: 0 }, until: 0 }) },
    ];
    for (const store of damaged) {
      const made: JoinRequest[] = [];
      await rejects(
        open(cluster, store, made, (stitcher) => stitcher.apply(bundles, START, START)),
        StoreDamaged,
      );
      deepEqual(made, []);
      equal((await store.readHead(0)).position.offset, 0, "nor is anything committed");
    }
  });
});
