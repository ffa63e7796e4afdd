// What a shard that has lost something must not do, for nothing undoes it: join components in the index, destroy keys (S2).

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { openMemoryStore } from "#adapters/memory/store.ts";
import type { JoinRequest } from "#core/workspace.ts";
import { type Store, StoreDamaged } from "#ports/store.ts";
import { CommitRefused, type ShardServices, ShardStitcher } from "#services/stitcher/shard.ts";
import type { PayloadKeys } from "#services/wire/payload-keys.ts";
import { Cluster } from "#support/cluster.ts";
import { START_MS, tell } from "#support/fold-events.ts";
import { configuration, hash, usual } from "#support/histories.ts";
import { createLoneServices } from "#support/lone-worker.ts";

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
  more: Partial<ShardServices> = {},
): Promise<T> {
  const epoch = (await store.raiseEpochs([0])).get(0) as number;
  const services = {
    ...createLoneServices(engine, store, []),
    join: async (request: JoinRequest) => {
      joined.push(request);
      return [];
    },
    ...more,
  };
  return work(new ShardStitcher(services, 0, epoch, START));
}

/** Stores whose loss is noticed, whatever they are asked. */
function listDamaged(): readonly Store[] {
  const memory = openMemoryStore;
  return [
    { ...memory(), hasLost: async (_shard, keys) => keys.length > 0 },
    { ...memory(), standing: async () => null },
    { ...memory(), standing: async () => ({ epoch: 1, position: { offset: 7, step: 0 }, until: 0 }) },
    // A fail-over has taken back what its successor had committed, and that has taken it over again.
    { ...memory(), standing: async () => ({ epoch: 2, position: START, until: 0 }) },
  ];
}

function isNoticed(error: unknown): boolean {
  return error instanceof StoreDamaged || error instanceof CommitRefused;
}

describe("where a part that was read as absent was lost, where the head was, where it stands elsewhere, or has another owner", () => {
  it("a stitcher makes no join that it would ask for (S2)", async () => {
    const { cluster, bundles, joined } = await findLog();
    ok(joined.length > 0);
    for (const store of listDamaged()) {
      const made: JoinRequest[] = [];
      await rejects(
        open(cluster, store, made, (stitcher) => stitcher.apply(bundles, START, START)),
        isNoticed,
      );
      deepEqual(made, []);
      equal((await store.readHead(0)).position.offset, 0, "nor is anything committed");
    }
  });

  it("a stitcher destroys no key: what it has lost may be what is told under it (G1, S2)", async () => {
    const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 1, seed: 1, faults: 0 });
    await cluster.run([tell("crm", 1, "identified", { customer: "c-1" })]);
    const drafted = await cluster.draftErasure("customer", "c-1");
    ok(drafted.ok);
    cluster.ask({ requestId: "r1", at: START_MS + 10 * 60_000, ...drafted.keys });
    await cluster.run([]);
    // Of her life nothing is there, as if all of it had been lost.
    const request = cluster.readLog(0).filter(({ item }) => item.kind === "event" && item.role === "ruling");
    const apply = async (store: Store): Promise<string[]> => {
      const destroyed: string[] = [];
      const keys = {
        destroy: async (names: Iterable<string>) => {
          destroyed.push(...names);
          return [];
        },
      } as unknown as PayloadKeys;
      const work = (stitcher: ShardStitcher) => stitcher.apply([{ offset: 0, items: request }], START, START);
      await open(cluster, store, [], work, { keys }).catch((error: unknown) => ok(isNoticed(error)));
      return destroyed;
    };
    deepEqual(await apply(openMemoryStore()), drafted.keys.own);
    for (const store of listDamaged()) deepEqual(await apply(store), []);
  });
});
