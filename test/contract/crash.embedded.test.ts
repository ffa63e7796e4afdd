// What one machine without servers adds: a process that is killed leaves whole steps, and no lock behind.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbedded } from "#adapters/embedded/embedded.ts";
import { makeFolder } from "#support/folder.ts";

const PARTS = 200;

// Commits without end: step n sets every part to n, moves one timer to n, publishes n and stands at offset n.
// In the log, publication n writes two records in two topics and moves the position to n.
const WRITER = `
import { openEmbedded } from "#adapters/embedded/embedded.ts";
const { log, store } = openEmbedded({ file: process.argv[1], sync: process.argv[2] });
await log.createTopics([{ name: "a", partitions: 1, config: {} }, { name: "b", partitions: 1, config: {} }]);
const bytes = (n) => new TextEncoder().encode(String(n));
const epoch = (await store.raiseEpochs([0])).get(0);
let from = (await store.readHead(0)).position;
await log.joinGroup({ group: "g", topics: ["a", "b"], slots: 1, slotOf: () => 0, async run(slot) {
  await slot.takeOver();
  for (;;) {
    const n = from.offset + 1;
    const to = { offset: n, step: 0 };
    const parts = new Map(Array.from({ length: ${PARTS} }, (_, i) => ["part:" + i, bytes(n)]));
    const record = (topic) => ({ topic, key: null, value: bytes(n) });
    const outcome = await store.commit({ shard: 0, epoch, from, to, parts, absent: new Set(), timersAdded: [{ queue: "time", atMs: n, ref: "r" }],
      timersRemoved: [], outbox: [record("a")], published: { offset: n - 3, step: 0 } });
    if (outcome !== "committed") throw new Error(outcome);
    await slot.publish([record("a"), record("b")], new Map([["a/0", to]]));
    from = to;
    if (n % 5 === 0) await new Promise((resolve) => process.stdout.write(n + "\\n", resolve));
  }
} });
`;

for (const sync of ["full", "normal"] as const) {
  test(`S1: a process killed in the middle of its work leaves whole steps only (${sync})`, async (t) => {
    const file = newFile(t);
    let before = 0;
    for (let round = 0; round < 6; round++) {
      const writer = startWriter(t, file, sync);
      const acknowledged = await killAfterWork(writer, 3 + round * 7);
      before = await checkWhole(file, Math.max(before, acknowledged));
    }
  });
}

test("a second process is refused with a clear error while the first one lives, and not after it was killed", async (t) => {
  const file = newFile(t);
  const writer = startWriter(t, file, "normal");
  await awaitWork(writer);
  assert.throws(() => openEmbedded({ file }), { code: "embedded-file-in-use", message: /weft\.db is in use/ });
  await killAfterWork(writer, 0);
  await openEmbedded({ file }).close();
});

test("one process opens a file once; closed, it may be opened again and holds what it held", async (t) => {
  const file = newFile(t);
  const first = openEmbedded({ file });
  await first.log.createTopics([{ name: "in", partitions: 2, config: {} }]);
  await first.log.append([{ topic: "in", partition: 1, key: "k", value: null }]);
  await first.index.putIfAbsent([{ key: "a", value: "1" }]);
  assert.throws(() => openEmbedded({ file }), { code: "embedded-file-in-use" });
  await first.close();
  await assert.rejects(first.log.append([{ topic: "in", key: null, value: null }]), { code: "log-unavailable" });
  const second = openEmbedded({ file });
  assert.deepEqual(await second.index.get(["a"]), ["1"]);
  await second.log.append([{ topic: "in", partition: 1, key: "l", value: null }]);
  const keys: unknown[] = [];
  for await (const { key, offset } of second.log.read(["in"], { from: "start", follow: false }))
    keys.push([key, offset]);
  assert.deepEqual(keys, [
    ["k", 0],
    ["l", 1],
  ]);
  await second.close();
});

function newFile(t: TestContext): string {
  const folder = makeFolder("crash");
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "weft.db");
}

function startWriter(t: TestContext, file: string, sync: string): ChildProcess {
  const root = join(import.meta.dirname, "../..");
  const child = spawn(process.execPath, ["--input-type=module", "-e", WRITER, file, sync], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** A writer that ends by itself never tells of any. */
async function awaitWork(writer: ChildProcess): Promise<void> {
  const ended = once(writer, "close").then(() => assert.fail("the writer ended"));
  await Promise.race([once(writer.stdout ?? writer, "data"), ended]);
}

/** Kills the writer some milliseconds after its first sign of life; returns the last step it has told of. */
async function killAfterWork(writer: ChildProcess, afterMs: number): Promise<number> {
  let told = "";
  writer.stdout?.on("data", (chunk) => (told += String(chunk)));
  if (afterMs > 0) await awaitWork(writer);
  await sleep(afterMs);
  const ended = once(writer, "close");
  writer.kill("SIGKILL");
  await ended;
  return Number(told.trim().split("\n").at(-1) ?? 0);
}

async function checkWhole(file: string, acknowledged: number): Promise<number> {
  const embedded = openEmbedded({ file });
  const { store } = embedded;
  const { position, outbox } = await store.readHead(0);
  const n = position.offset;
  assert.ok(n >= acknowledged, `step ${acknowledged} was acknowledged, ${n} is there`);
  const values = await store.load(
    0,
    Array.from({ length: PARTS }, (_, i) => `part:${i}`),
  );
  for (const value of values) assert.equal(Buffer.from(value ?? []).toString(), String(n));
  assert.equal(await store.countParts(0), PARTS);
  assert.deepEqual(await store.dueTimers(0, "time", Number.MAX_SAFE_INTEGER, 9), [
    { queue: "time", atMs: n, ref: "r" },
  ]);
  assert.deepEqual(
    outbox.map((entry) => entry.to.offset),
    [n - 2, n - 1, n].filter((offset) => offset > 0),
  );
  const seen: Record<string, string[]> = { a: [], b: [] };
  for await (const { topic, value } of embedded.log.read(["a", "b"], { from: "start", follow: false })) {
    seen[topic]?.push(Buffer.from(value ?? []).toString());
  }
  assert.deepEqual(seen["a"], seen["b"]);
  const published = Number(seen["a"]?.at(-1));
  assert.ok(published === n || published === n - 1, `published ${published}, applied ${n}`);
  const moved = Promise.withResolvers<number | undefined>();
  await embedded.log.joinGroup({
    group: "g",
    topics: ["a"],
    slots: 1,
    slotOf: () => 0,
    run: async (slot) => moved.resolve((await slot.positions()).get("a/0")?.offset),
  });
  assert.equal(await moved.promise, published);
  await embedded.close();
  return n;
}
