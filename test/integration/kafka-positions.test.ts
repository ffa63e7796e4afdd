// Positions that are no place in the log (any more), and what closing meets halfway: on a real broker.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import kafkajs, { type Admin } from "kafkajs";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { LogError, partitionKey, type Log, type OwnedSlot } from "#ports/log.ts";
import { servicesOrSkip } from "#support/services.ts";

interface Ground {
  readonly log: Log;
  readonly lines: string[];
  readonly topic: string;
  readonly brokers: readonly string[];
}

function groundTest(title: string, body: (ground: Ground) => Promise<void>): void {
  void test(title, { timeout: 60_000 }, async (t) => {
    const services = await servicesOrSkip(t);
    if (services === null) return;
    const { brokers } = services;
    const lines: string[] = [];
    const log = await openKafkaLog({ brokers, clientId: "test-positions", onWait: (line) => lines.push(line) });
    t.after(() => log.close());
    const topic = `positions-${randomUUID()}`;
    await log.createTopics([{ name: topic, partitions: 1, config: {} }]);
    await body({ log, lines, topic, brokers });
  });
}

function numbered(topic: string, count: number) {
  return Array.from({ length: count }, (_, n) => ({ topic, partition: 0, key: null, value: Buffer.from(String(n)) }));
}

async function withAdmin<T>(brokers: readonly string[], work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Owns the only slot until the work is done. */
async function withSlot(log: Log, group: string, topic: string, work: (slot: OwnedSlot) => Promise<void>) {
  const done = Promise.withResolvers<void>();
  const membership = await log.joinGroup({
    group,
    topics: [topic],
    slots: 1,
    slotOf: () => 0,
    run: async (slot) => {
      await slot.takeOver();
      await work(slot);
      done.resolve();
    },
  });
  await Promise.race([done.promise, membership.closed]);
  await membership.close();
}

async function firstOffset(slot: OwnedSlot): Promise<number | undefined> {
  for (;;) {
    const { records } = await slot.poll(1, 1000);
    if (records.length > 0) return records[0]?.offset;
  }
}

groundTest(
  "records deleted before they were read are announced, and the group's position is left alone",
  async (ground) => {
    const { log, lines, topic, brokers } = ground;
    await log.append(numbered(topic, 20));
    await withAdmin(brokers, async (admin) => {
      // kafkajs deletes only where it has asked before.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "12" }] });
    });
    await withSlot(log, `g-${randomUUID()}`, topic, async (slot) => {
      const at = new Map([[partitionKey({ topic, partition: 0 }), { offset: 5, step: 2 }]]);
      await slot.publish([], at);
      slot.seek(at);
      assert.equal(await firstOffset(slot), 12);
      assert.deepEqual(await slot.positions(), at);
    });
    assert.deepEqual(lines, [`${topic}/0: records 5 to 11 were deleted before they were read; going on`]);
  },
);

groundTest("a position after the end is announced, and the log is read from its start", async (ground) => {
  const { log, lines, topic } = ground;
  await log.append(numbered(topic, 3));
  await withSlot(log, `g-${randomUUID()}`, topic, async (slot) => {
    const at = new Map([[partitionKey({ topic, partition: 0 }), { offset: 500, step: 0 }]]);
    await slot.publish([], at);
    slot.seek(at);
    assert.equal(await firstOffset(slot), 0);
    assert.deepEqual(await slot.positions(), at);
  });
  assert.deepEqual(lines, [`${topic}/0: ends at 3, before position 500: made anew? reading it from 0`]);
});

groundTest("what is appended after the call is not part of a read that ends", async ({ log, topic }) => {
  await log.append(numbered(topic, 2));
  const records = log.read([topic], { from: "start", follow: false })[Symbol.asyncIterator]();
  // The bounds are asked for at the call; a second reading, begun later, says that they are known by now.
  for await (const _ of log.read([topic], { from: "start", follow: false }));
  await log.append(numbered(topic, 5));
  const seen: number[] = [];
  for (let next = await records.next(); next.done !== true; next = await records.next()) seen.push(next.value.offset);
  assert.deepEqual(seen, [0, 1]);
});

groundTest(
  "a log that is closed while a group is being joined leaves nobody behind",
  async ({ log, topic, brokers }) => {
    const group = `g-${randomUUID()}`;
    let runs = 0;
    const run = async (slot: OwnedSlot) => {
      runs += 1;
      if (!slot.revoked.aborted) await new Promise((done) => slot.revoked.addEventListener("abort", done));
      runs -= 1;
    };
    const joining = log.joinGroup({ group, topics: [topic], slots: 1, slotOf: () => 0, run });
    joining.catch(() => {});
    await log.close();
    assert.equal(runs, 0);
    await joining.catch((error: unknown) => assert.ok(error instanceof LogError));
    await assert.rejects(log.joinGroup({ group, topics: [topic], slots: 1, slotOf: () => 0, run }), LogError);
    const { groups } = await withAdmin(brokers, (admin) => admin.describeGroups([group]));
    assert.deepEqual(groups[0]?.members, []);
  },
);
