// What every identity index promises: a key is set once, the first writer wins, and everybody learns who won.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Index } from "#ports/index.ts";

/** Two handles on one fresh, empty index (the same one where there can only be one); null where it cannot run. */
export type OpenIndex = (t: TestContext) => Promise<{ readonly first: Index; readonly second: Index } | null>;

export function testIndex(name: string, open: OpenIndex): void {
  function indexTest(title: string, body: (first: Index, second: Index) => Promise<void>): void {
    test(`${name} index: ${title}`, async (t) => {
      const opened = await open(t);
      if (opened === null) return;
      try {
        await body(opened.first, opened.second);
      } finally {
        await opened.first.close();
        await opened.second.close();
      }
    });
  }

  indexTest("keys never set are null, in the order asked", async (index) => {
    assert.deepEqual(await index.get([]), []);
    assert.deepEqual(await index.putIfAbsent([]), []);
    await index.putIfAbsent([{ key: "b", value: "2" }]);
    assert.deepEqual(await index.get(["a", "b", "c", "b"]), [null, "2", null, "2"]);
  });

  indexTest("a value never changes once set, and the later writer is told the earlier value", async (index, other) => {
    assert.deepEqual(await index.putIfAbsent([entry("a", "1"), entry("b", "2")]), ["1", "2"]);
    assert.deepEqual(await other.putIfAbsent([entry("b", "9"), entry("c", "3"), entry("a", "1")]), ["2", "3", "1"]);
    assert.deepEqual(await index.get(["a", "b", "c"]), ["1", "2", "3"]);
  });

  indexTest("of two entries for one key in a call the first is set, and both are told it", async (index) => {
    assert.deepEqual(await index.putIfAbsent([entry("a", "1"), entry("a", "2")]), ["1", "1"]);
  });

  indexTest("any ASCII is a key and a value, the empty value too", async (index) => {
    const ascii = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i));
    const entries = [entry(ascii, ascii), entry("empty", ""), entry("{a}x", "1"), entry("{b}x", "2")];
    assert.deepEqual(await index.putIfAbsent(entries), [ascii, "", "1", "2"]);
    assert.deepEqual(await index.get(entries.map(({ key }) => key)), [ascii, "", "1", "2"]);
    assert.deepEqual(await index.putIfAbsent([entry("empty", "late")]), [""]);
  });

  indexTest("of concurrent writers exactly one wins each key, and all of them see who", async (first, second) => {
    const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
    const writers = Array.from({ length: 8 }, (_, writer) => {
      const order = writer % 2 === 0 ? keys : keys.toReversed();
      const index = writer % 3 === 0 ? first : second;
      return index.putIfAbsent(order.map((key) => entry(key, `writer-${writer}`))).then((values) => {
        return new Map(order.map((key, i) => [key, values[i]]));
      });
    });
    const seen = await Promise.all(writers);
    const settled = await first.get(keys);
    keys.forEach((key, i) => {
      assert.match(settled[i] ?? "", /^writer-[0-7]$/);
      for (const values of seen) assert.equal(values.get(key), settled[i]);
    });
  });

  indexTest("what is put back stands, whatever was there (S2)", async (index, other) => {
    await index.putIfAbsent([entry("a", "1")]);
    await other.restore([entry("a", "2"), entry("b", "3")]);
    await index.restore([]);
    assert.deepEqual(await index.get(["a", "b"]), ["2", "3"]);
  });

  indexTest("what is final stays, whatever is put back beside it (G1, S2)", async (index, other) => {
    await index.putIfAbsent([entry("a", "-"), entry("b", "1")]);
    await other.restore([entry("a", "2"), entry("b", "2"), entry("c", "2"), entry("d", "-")], "-");
    await index.restore([], "-");
    assert.deepEqual(await index.get(["a", "b", "c", "d"]), ["-", "2", "2", "-"]);
  });

  indexTest(
    "a mark moves only from where its reader saw it and under the keeper that it saw, and is no key of the index (S2)",
    async (first, second) => {
      const none = await first.readMarks();
      assert.ok(none.length > 0 && none.every(({ text, doubtful }) => text === null && !doubtful));
      await first.moveMarks(none, "1");
      const one = await second.readMarks();
      assert.ok(one.length === none.length && one.every(({ text, doubtful }) => text === "1" && !doubtful));
      await second.moveMarks(one, "2");
      await first.moveMarks(one, "3");
      await first.moveMarks(none, "4");
      const two = await first.readMarks();
      const others = two.map((mark) => ({ ...mark, keeper: `${mark.keeper}0` }));
      await first.moveMarks(others, "5");
      assert.ok((await first.readMarks()).every(({ text }) => text === "2"));
      assert.deepEqual(await first.putIfAbsent([entry("2", "y")]), ["y"]);
    },
  );

  indexTest("2,000 keys go in and come back in one call each", async (index) => {
    const entries = Array.from({ length: 2000 }, (_, i) => entry(`identifier:${i}`, `component-${i}`));
    const values = entries.map(({ value }) => value);
    assert.deepEqual(await index.putIfAbsent(entries), values);
    assert.deepEqual(await index.get(entries.map(({ key }) => key)), values);
  });
}

function entry(key: string, value: string): { key: string; value: string } {
  return { key, value };
}
