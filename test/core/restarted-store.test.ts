// A store that was started anew has lost nothing by that alone: its shards are taken over again, and not folded anew. One
// that stays and misses a part twice has lost it (S2).

import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { openMemoryStore } from "#adapters/memory/store.ts";
import type { OwnedSlot } from "#ports/log.ts";
import { partitionKey } from "#ports/log.ts";
import { type Store, StoreDamaged } from "#ports/store.ts";
import { runStitcherSlot, type StitcherServices } from "#services/stitcher/loop.ts";
import { type BundleValue, encodeBundles } from "#services/wire/bundle.ts";
import { Cluster } from "#support/cluster.ts";
import { tell } from "#support/fold-events.ts";
import { configuration, hash } from "#support/histories.ts";
import { createLoneServices, listRecords, openLoneSlot, PARTITION } from "#support/lone-worker.ts";

/**
 * Started anew so many times, each time as its owner asks where the shard stands, or reads what then goes with nothing before.
 * Or it misses a part so many times, and was not.
 */
function openRestarting(restarts: number, when: "standing" | "load" | "never") {
  const inner = openMemoryStore();
  let [run, raisedIn, missed] = [0, 0, 0];
  const told: string[] = [];
  const store: Store = {
    ...inner,
    async raiseEpochs(shards) {
      raisedIn = run;
      told.push("raised");
      return await inner.raiseEpochs(shards);
    },
    async load(shard, keys) {
      if (when !== "standing" && missed < restarts) {
        missed += 1;
        if (when === "load") run += 1;
        throw new StoreDamaged("a component has an identifier whose state is not there");
      }
      return await inner.load(shard, keys);
    },
    awaitPosition: async (...told) => (run === raisedIn ? await inner.awaitPosition(...told) : "fenced"),
    async standing(shard) {
      if (when === "standing" && run < restarts) run += 1;
      return run === raisedIn ? await inner.standing(shard) : null;
    },
    commit: async (commit) => (run === raisedIn ? await inner.commit(commit) : "fenced"),
    async clear(shard, epoch) {
      told.push("cleared");
      return await inner.clear(shard, epoch);
    },
  };
  return { store, told };
}

for (const when of ["standing", "load"] as const)
  test(`a store that is started anew twice, each time at a ${when}, is not emptied (S2)`, async () =>
    deepEqual(await foldOver(when), ["raised", "raised", "raised"]));

test("a shard whose store misses a part twice is emptied and folded anew, and not stopped (S2)", async () =>
  deepEqual(await foldOver("never"), ["raised", "raised", "raised", "cleared"]));

/** What was done to the store until the whole log is folded. */
async function foldOver(when: "standing" | "load" | "never"): Promise<string[]> {
  const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 1, seed: 1, faults: 0 });
  await cluster.run([tell("crm", 1, "identified", { customer: "c-1" })]);
  const drafted = await cluster.draftErasure("customer", "c-1");
  ok(drafted.ok);
  cluster.ask({ requestId: "r1", at: Date.UTC(2030, 0), ...drafted.keys });
  await cluster.run([]);
  const bundles: BundleValue[] = [];
  for (const carried of cluster.readLog(0))
    encodeBundles((bundle) => Uint8Array.of(bundles.push(bundle)), 0, 0, [carried]);
  const records = listRecords(bundles);
  const { store, told } = openRestarting(2, when);
  const ending = new AbortController();
  let from = 0;
  const slot: OwnedSlot = {
    ...openLoneSlot(PARTITION, ending.signal),
    seek(positions) {
      from = positions.get(partitionKey(PARTITION))?.offset ?? 0;
    },
    async poll() {
      const polled = records.slice(from);
      from = records.length;
      if (polled.length === 0) ending.abort();
      return { records: polled, reach: new Map() };
    },
    publish: async () => {},
  };
  let destroyed = 0;
  const services: StitcherServices = {
    ...createLoneServices(cluster.engine, store, bundles),
    keys: {
      toOpen: async () => undefined,
      toSeal: async () => undefined,
      destroyAgain: async () => {},
      destroy: async () => {
        destroyed += 1;
        return [];
      },
    } as unknown as NonNullable<StitcherServices["keys"]>,
    onStopped: (_, reason) => ok(false, reason),
  };
  await runStitcherSlot(services, slot);
  equal((await store.readHead(0)).position.offset, records.length);
  ok(destroyed > 0);
  return told;
}
