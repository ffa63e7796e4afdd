// What the logs of one process (memory, embedded) promise beyond the contract of every log: a clock that is given,
// the same bytes out of the same calls, and slots shared out between members without overlap.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openEmbedded } from "#adapters/embedded/embedded.ts";
import { openMemoryLog } from "#adapters/memory/log.ts";
import type { GroupOptions, Log, LogRecord, OwnedSlot, Polled } from "#ports/log.ts";
import { LogError, partitionKey } from "#ports/log.ts";
import { makeFolder } from "#support/folder.ts";

testProcessLog("memory", async (now) => openMemoryLog({ now }));

testProcessLog("embedded", async (now) => {
  const folder = makeFolder("process-log");
  const embedded = openEmbedded({ file: join(folder, "weft.db"), sync: "normal", now });
  after(() => embedded.close());
  return embedded.log;
});

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function testProcessLog(name: string, open: (now: () => number) => Promise<Log>): void {
  async function openTopic(partitions = 4): Promise<Log> {
    const log = await open(() => 1_700_000_000_000);
    await log.createTopics([{ name: "in", partitions, config: {} }]);
    return log;
  }

  test(`${name} log: records come back as they went in, stamped with the given clock`, async () => {
    const log = await openTopic();
    const binary = Uint8Array.from([0, 255, 0, 1]);
    await log.append([
      { topic: "in", partition: 1, key: null, value: null },
      { topic: "in", partition: 1, key: "", value: new Uint8Array(), headers: { a: "b", ce_é: "☃" }, timestampMs: 5 },
      { topic: "in", partition: 1, key: "k\u0000é", value: binary },
    ]);
    binary.fill(9);
    const records = await collect(log, ["in"]);
    const plain = { topic: "in", partition: 1, timestampMs: 1_700_000_000_000, headers: {} };
    assert.deepEqual(records.map(normalise), [
      { ...plain, offset: 0, key: null, value: null },
      { ...plain, offset: 1, key: "", value: [], headers: { a: "b", ce_é: "☃" }, timestampMs: 5 },
      { ...plain, offset: 2, key: "k\u0000é", value: [0, 255, 0, 1] },
    ]);
    await log.close();
  });

  test(`${name} log: records without key go round the partitions, in the same way each time`, async () => {
    const log = await openTopic(3);
    await log.append(Array.from({ length: 6 }, () => ({ topic: "in", key: null, value: null })));
    const partitions = (await collect(log, ["in"])).map((record) => `${record.partition}@${record.offset}`);
    assert.deepEqual(partitions, ["0@0", "0@1", "1@0", "1@1", "2@0", "2@1"]);
    await log.close();
  });

  test(`${name} log: a topic that exists with other partitions or another policy is refused`, async () => {
    const log = await openTopic();
    await log.createTopics([{ name: "in", partitions: 4, config: { "cleanup.policy": "delete" } }]);
    const other = [{ name: "in", partitions: 5, config: {} }];
    await assert.rejects(log.createTopics(other), LogError);
    const compacted = [{ name: "in", partitions: 4, config: { "cleanup.policy": "compact" } }];
    await assert.rejects(log.createTopics(compacted), LogError);
    await assert.rejects(log.append([{ topic: "none", key: null, value: null }]), LogError);
    await log.close();
  });

  test(`${name} log: a publication that names a topic that is not there writes and moves nothing`, async () => {
    const log = await openTopic();
    const owner = await own(log, { group: "g", slots: 1 });
    const slot = owner.only();
    await slot.takeOver();
    const records = ["in", "none"].map((topic) => ({ topic, partition: 0, key: null, value: null }));
    await assert.rejects(slot.publish(records, new Map([["in/0", { offset: 7, step: 1 }]])), LogError);
    assert.deepEqual(await collect(log, ["in"]), []);
    assert.deepEqual((await slot.positions()).get("in/0"), { offset: 0, step: 0 });
    await log.close();
  });

  test(`${name} log: a former owner is fenced from the take-over on, and nothing of its publication is left`, async () => {
    const log = await openTopic();
    const first = await own(log, { group: "g", slots: 1 });
    const old = first.only();
    await old.takeOver();
    await old.publish(
      [{ topic: "in", partition: 0, key: "a", value: null }],
      new Map([["in/0", { offset: 3, step: 2 }]]),
    );
    await first.close();
    const second = await own(log, { group: "g", slots: 1 });
    const present = second.only();
    await present.takeOver();
    assert.deepEqual((await present.positions()).get("in/0"), { offset: 3, step: 2 });
    await assert.rejects(
      old.publish([{ topic: "in", partition: 0, key: "b", value: null }], new Map([["in/0", { offset: 9, step: 0 }]])),
      (error) => error instanceof LogError && error.code === "log-fenced",
    );
    assert.deepEqual((await present.positions()).get("in/0"), { offset: 3, step: 2 });
    assert.equal((await collect(log, ["in"])).length, 1);
    await log.close();
  });

  test(`${name} log: members share out whole slots evenly; no slot ever runs twice at a time`, async () => {
    const log = await openTopic(16);
    const running = new Map<number, number>();
    let overlaps = 0;
    const join = async () => {
      const slots = new Set<number>();
      const membership = await log.joinGroup(
        groupOf("g", 8, async (slot) => {
          const count = (running.get(slot.slot) ?? 0) + 1;
          running.set(slot.slot, count);
          if (count > 1) overlaps++;
          slots.add(slot.slot);
          await aborted(slot.revoked);
          await sleep(3); // a run may take its time to end
          slots.delete(slot.slot);
          running.set(slot.slot, (running.get(slot.slot) ?? 0) - 1);
        }),
      );
      return { membership, slots };
    };
    const a = await join();
    await until(() => a.slots.size === 8);
    const b = await join();
    const c = await join();
    await until(
      () =>
        a.slots.size + b.slots.size + c.slots.size === 8 && Math.min(a.slots.size, b.slots.size, c.slots.size) === 2,
    );
    const kept = [...a.slots];
    await b.membership.close();
    assert.equal(b.slots.size, 0, "close waits for the runs");
    await until(() => a.slots.size === 4 && c.slots.size === 4);
    assert.ok(
      kept.every((slot) => a.slots.has(slot)),
      "no slot moves without need",
    );
    await a.membership.close();
    await until(() => c.slots.size === 8);
    await log.close();
    assert.equal(overlaps, 0);
    await c.membership.closed;
  });

  test(`${name} log: a run that throws ends its member, and the others take its slots`, async () => {
    const log = await openTopic();
    const bad = await log.joinGroup(
      groupOf("g", 2, async (slot) => {
        if (slot.slot === 1) throw new Error("boom");
        await aborted(slot.revoked);
      }),
    );
    await assert.rejects(bad.closed, /boom/);
    const good = await own(log, { group: "g", slots: 2 });
    assert.equal(good.slots.size, 2);
    await bad.close();
    await log.close();
  });

  test(`${name} log: poll waits for a record, wakes at once for it, and returns empty when the slot is taken away`, async () => {
    const log = await openTopic(1);
    const owner = await own(log, { group: "g", slots: 1 });
    const slot = owner.only();
    const restOf = ({ reach }: Polled) => reach.get("in/0")?.rest;
    const first = await slot.poll(10, 0);
    assert.deepEqual([first.records, restOf(first)], [[], "none"]);
    const polled = slot.poll(10, 60_000);
    await log.append([1, 2, 3].map((n) => ({ topic: "in", key: null, value: text(String(n)) })));
    assert.equal((await polled).records.length, 3);
    slot.seek(new Map([["in/0", { offset: 1, step: 5 }]]));
    const again = await slot.poll(1, 0);
    assert.deepEqual([again.records.map((record) => record.offset), restOf(again)], [[1], "waiting"]);
    await slot.poll(1, 0);
    const pending = slot.poll(10, 60_000);
    await owner.close();
    assert.deepEqual(await pending, { records: [], reach: new Map() });
    await log.close();
  });

  test(`${name} log: a following reader sees what comes after, and ends with its signal`, async () => {
    const log = await openTopic(2);
    await log.append([{ topic: "in", partition: 0, key: null, value: text("before") }]);
    const stop = new AbortController();
    const follower = log.read(["in"], { from: "end", follow: true, signal: stop.signal });
    await log.append([{ topic: "in", partition: 1, key: null, value: text("after") }]);
    const seen: LogRecord[] = [];
    for await (const record of follower) {
      seen.push(record);
      stop.abort();
    }
    assert.deepEqual(
      seen.map(({ partition, offset }) => [partition, offset]),
      [[1, 0]],
    );
    await log.close();
  });
}

function groupOf(group: string, slots: number, run: (slot: OwnedSlot) => Promise<void>): GroupOptions {
  return { group, topics: ["in"], slots, slotOf: (partition) => partition % slots, run };
}

/** Joins a group and holds its slots until closed, for tests that drive the slots by hand. */
async function own(log: Log, { group, slots }: { group: string; slots: number }) {
  const owned = new Map<number, OwnedSlot>();
  const membership = await log.joinGroup(
    groupOf(group, slots, async (slot) => {
      owned.set(slot.slot, slot);
      await aborted(slot.revoked);
    }),
  );
  await until(() => owned.size === slots);
  return {
    slots: owned,
    only(): OwnedSlot {
      const slot = owned.get(0);
      assert.ok(slot);
      for (const at of slot.partitions) assert.ok(partitionKey(at).startsWith("in/"));
      return slot;
    },
    close: () => membership.close(),
  };
}

async function collect(log: Log, topics: readonly string[]): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of log.read(topics, { from: "start", follow: false })) records.push(record);
  return records;
}

function normalise(record: LogRecord): unknown {
  return { ...record, value: record.value === null ? null : [...record.value] };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 500, "did not come to hold within 5 s");
    await sleep(10);
  }
}
