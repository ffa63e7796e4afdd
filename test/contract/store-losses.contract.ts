// What every store promises of a loss (S2): a step that would build on one is refused, an emptied shard can be folded
// anew, and a reader can tell a shard that stands behind what the world was told.

import assert from "node:assert/strict";
import { at, commitOf, dump, type OpenStore, raise, START, storeTestOf, timer } from "./store-shorthand.ts";

export function testStoreLosses(name: string, open: OpenStore): void {
  const storeTest = storeTestOf(name, open);
  const publication = { outbox: [{ topic: "t", key: "k", value: Uint8Array.from([1]) }] };

  storeTest("a part that was read as not there, and is there, refuses the whole step (S2)", async (store) => {
    const epoch = await raise(store, 1);
    await store.commit(commitOf({ epoch, to: at(1, 0), parts: { a: [1], b: [2] } }));
    const before = await dump(store, 1);
    const parts = { a: [9], new: [3], b: null };
    const step = { epoch, from: at(1, 0), to: at(2, 0), timersAdded: [timer("time", 1, "r")], ...publication };
    assert.equal(await store.commit(commitOf({ ...step, parts, absent: ["new", "a"] })), "damaged");
    assert.deepEqual(await dump(store, 1), before);
    // One that the step deletes nobody would miss any more; by one that it does not touch it may have said something else.
    assert.equal(await store.commit(commitOf({ ...step, parts, absent: ["new", "b"] })), "damaged");
    assert.equal(await store.commit(commitOf({ ...step, parts: { c: [1] }, absent: ["c", "a"] })), "damaged");
    assert.deepEqual(await dump(store, 1), before);
    // What was never there says nothing; what was deleted may come again.
    assert.equal(await store.commit(commitOf({ ...step, parts, absent: ["new", "c", "d"] })), "committed");
    const again = { epoch, from: at(2, 0), to: at(3, 0), parts: { b: [4] }, absent: ["b"] };
    assert.equal(await store.commit(commitOf(again)), "committed");
  });

  storeTest(
    "a shard that is emptied stands at the start and is written anew; others are not touched (S2)",
    async (store) => {
      const [epoch, other] = [await raise(store, 1), await raise(store, 2)];
      const first = { timersAdded: [timer("time", 1, "r")], parts: { a: [1], "a:b": [2] }, ...publication };
      await store.commit(commitOf({ epoch, to: at(1, 0), ...first }));
      const kept = { ...commitOf({ epoch: other, to: at(1, 0), ...first }), shard: 2 };
      await store.commit(kept);
      const before = await dump(store, 2);
      await store.awaitPosition(1, epoch, 1);
      assert.equal(await store.clear(1, epoch - 1), "fenced");
      assert.equal(await store.countParts(1), 2);
      assert.equal(await store.clear(1, epoch), "cleared");
      assert.deepEqual(await store.readHead(1), { position: START, outbox: [], damage: null });
      const standing = { epoch, position: START, until: Number.MAX_SAFE_INTEGER };
      assert.deepEqual(await store.standing(1), standing, "nobody reads an empty shard as the truth");
      assert.equal(await store.countParts(1), 0);
      assert.deepEqual(await store.load(1, ["a", "a:b"]), [null, null]);
      assert.deepEqual(await store.dueTimers(1, "time", 10, 10), []);
      assert.equal(await store.commit(commitOf({ epoch, to: at(1, 0), ...first, absent: ["a"] })), "committed");
      assert.deepEqual(await dump(store, 2), before);
    },
  );

  storeTest("a reader sees where a shard stands and where it has to come, with what it holds (S2)", async (store) => {
    const epoch = await raise(store, 1);
    assert.equal(await store.awaitPosition(1, epoch, 7), "told");
    assert.deepEqual(await store.standing(1), { epoch, position: START, until: 7 });
    assert.deepEqual(await store.survey(1, ["a"]), { standing: { epoch, position: START, until: 7 }, values: [null] });
    await store.commit(commitOf({ epoch, to: at(7, 0), parts: { a: [1] } }));
    assert.deepEqual(await store.standing(1), { epoch, position: at(7, 0), until: 7 });
    const { standing, values } = await store.survey(1, ["b", "a"]);
    assert.deepEqual(standing, { epoch, position: at(7, 0), until: 7 });
    assert.deepEqual(
      values.map((value) => value && [...value]),
      [null, [1]],
    );
    const newer = await raise(store, 1);
    assert.equal(await store.awaitPosition(1, epoch, 3), "fenced");
    assert.deepEqual(
      await store.standing(1),
      { epoch: newer, position: at(7, 0), until: 7 },
      "a take-over alone moves nothing",
    );
    assert.equal(await store.awaitPosition(1, newer, 9), "told");
  });
}
