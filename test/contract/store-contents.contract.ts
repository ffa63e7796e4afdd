// What every store promises about what it holds: parts, timers and the scan of a shard. The small print:
// - a ref has at most one timer per queue: added again, it moves; removals come before additions of the same commit;
// - a removal names the ref: the time it carries is not looked at.

import assert from "node:assert/strict";
import type { Timer } from "#ports/store.ts";
import { at, commitOf, type OpenStore, plain, raise, START, scan, storeTestOf, timer } from "./store-shorthand.ts";

export function testStoreContents(name: string, open: OpenStore): void {
  const storeTest = storeTestOf(name, open);

  storeTest("a shard never written has position 0, no outbox, no parts and no timers", async (store) => {
    assert.deepEqual(await store.readHead(3), { position: START, outbox: [], damage: null });
    assert.deepEqual(await store.load(3, ["a", "b"]), [null, null]);
    assert.deepEqual(await store.load(3, []), []);
    assert.deepEqual(await store.dueTimers(3, "time", Number.MAX_SAFE_INTEGER, 10), []);
    assert.equal(await store.countParts(3), 0);
    assert.deepEqual(await scan(store, 3, ""), []);
  });

  storeTest("parts are any bytes, also none, and belong to the store once committed", async (store) => {
    const epoch = await raise(store, 1);
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const big = new Uint8Array(300_000).fill(0x80);
    const shared = Uint8Array.from([1, 2, 3, 4]);
    const parts = new Map<string, Uint8Array>([
      ["every", every],
      ["none", new Uint8Array()],
      ["big", big],
      ["view", shared.subarray(1, 3)],
    ]);
    assert.equal(await store.commit({ ...commitOf({ epoch, to: at(1, 0) }), parts }), "committed");
    shared.fill(9);
    const loaded = await store.load(1, [...parts.keys()]);
    assert.deepEqual(plain(loaded), [[...every], [], [...big], [2, 3]]);
  });

  storeTest("timers come by (atMs, ref) up to a time and a number; each queue has its own", async (store) => {
    const epoch = await raise(store, 1);
    const shuffled: [number, string][] = [
      [20, "b"],
      [5, "z"],
      [20, "a"],
      [20, "B"],
      [100, "c"],
      [1_900_000_000_123, "far"],
    ];
    const timersAdded = shuffled.map(([atMs, ref]) => timer("time", atMs, ref));
    timersAdded.push(timer("completeness", 6, "z"));
    await store.commit(commitOf({ epoch, to: at(1, 0), timersAdded }));
    assert.deepEqual(refs(await store.dueTimers(1, "time", 20, 99)), ["z@5", "B@20", "a@20", "b@20"]);
    assert.deepEqual(refs(await store.dueTimers(1, "time", 20, 2)), ["z@5", "B@20"]);
    assert.deepEqual(refs(await store.dueTimers(1, "time", 19, 99)), ["z@5"]);
    assert.deepEqual(refs(await store.dueTimers(1, "time", 4, 99)), []);
    assert.deepEqual(refs(await store.dueTimers(1, "time", 2_000_000_000_000, 99)).at(-1), "far@1900000000123");
    assert.deepEqual(refs(await store.dueTimers(1, "completeness", 99, 99)), ["z@6"]);
  });

  storeTest("a ref added again moves; a removal names the ref; removals come before additions", async (store) => {
    const epoch = await raise(store, 1);
    await store.commit(
      commitOf({ epoch, to: at(1, 0), timersAdded: ["a", "b", "c"].map((ref) => timer("time", 10, ref)) }),
    );
    await store.commit(
      commitOf({
        epoch,
        from: at(1, 0),
        to: at(2, 0),
        timersRemoved: [timer("time", 999, "b"), timer("time", 10, "c"), timer("completeness", 10, "a")],
        timersAdded: [timer("time", 5, "a"), timer("time", 30, "c"), timer("time", 40, "a")],
      }),
    );
    assert.deepEqual(refs(await store.dueTimers(1, "time", 99, 99)), ["c@30", "a@40"]);
  });

  storeTest(
    "scan yields each part of its shard that begins with the prefix, whatever characters it has",
    async (store) => {
      const epochs = await store.raiseEpochs([1, 2]);
      const keys = ["f:a", "f:b", "f*:c", "f[a]:d", "f?", "g:e", "F:a", "f\\x", "f"];
      for (const shard of [1, 2]) {
        const parts = Object.fromEntries(keys.map((key, i) => [`${key}${shard}`, [i]]));
        await store.commit({ ...commitOf({ epoch: epochs.get(shard) ?? 0, to: at(1, 0), parts }), shard });
      }
      const found = async (prefix: string) => (await scan(store, 1, prefix)).map(([key]) => key);
      assert.deepEqual(await found("f:"), ["f:a1", "f:b1"]);
      assert.deepEqual(await found("f*"), ["f*:c1"]);
      assert.deepEqual(await found("f["), ["f[a]:d1"]);
      assert.deepEqual(await found("f?"), ["f?1"]);
      assert.deepEqual(await found("f\\"), ["f\\x1"]);
      assert.equal((await found("")).length, keys.length);
      assert.deepEqual(await scan(store, 2, "g"), [["g:e2", [5]]]);
    },
  );
}

function refs(timers: readonly Timer[]): string[] {
  return timers.map(({ atMs, ref }) => `${ref}@${atMs}`);
}
