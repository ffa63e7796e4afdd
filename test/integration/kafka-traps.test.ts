// The traps of kafkajs that the adapter steps around, against a real broker and through the port alone. Each of these
// loses records, invents some, or burns a core where a client is used as it comes.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogRecord, NewRecord, OwnedSlot, Polled } from "#ports/log.ts";
import { groundTest, ownSlot, readAll, textOf } from "#support/kafka-ground.ts";
import { isReadSince } from "#support/reach.ts";
import { until } from "#support/until.ts";

/** Ages by partition. */
function listHidden(reach: Polled["reach"]): ReadonlyMap<string, number> {
  const hidden = [...reach].filter(([, { rest }]) => rest === "hidden");
  return new Map(hidden.map(([key, { readUpToMs }]) => [key, Date.now() - readUpToMs]));
}

groundTest(
  "an idle log and an idle member arm few timers, none of them negative, and use no processor",
  async (ground) => {
    const { log, createTopic } = ground;
    const topic = await createTopic(4);
    const warnings: string[] = [];
    const onWarning = ({ name }: Error) => warnings.push(name);
    process.on("warning", onWarning);
    await log.append([{ topic, partition: 0, key: null, value: Buffer.from("x") }]);
    const started = Promise.withResolvers<void>();
    const membership = await log.joinGroup({
      group: randomUUID(),
      topics: [topic],
      slots: 1,
      slotOf: () => 0,
      async run(slot) {
        await slot.takeOver();
        slot.seek(await slot.positions());
        await slot.poll(10, 5000);
        started.resolve();
        while (!slot.revoked.aborted) await slot.poll(10, 60_000);
      },
    });
    await started.promise;
    const original = globalThis.setTimeout;
    let armed = 0;
    globalThis.setTimeout = Object.assign((...args: Parameters<typeof original>) => {
      armed += 1;
      return original(...args);
    }, original);
    const [cpu, startedAt] = [process.cpuUsage(), performance.now()];
    await sleep(2000);
    const { user, system } = process.cpuUsage(cpu);
    const share = (user + system) / 1000 / (performance.now() - startedAt);
    globalThis.setTimeout = original;
    await membership.close();
    process.off("warning", onWarning);
    assert.deepEqual(warnings, []);
    // Unpatched, every connection arms about a thousand a second.
    assert.ok(armed < 200, `${armed} timers in two seconds`);
    assert.ok(share < 0.15, `${(share * 100).toFixed(1)} % of a core`);
  },
);

groundTest("5,000 records at once go out in small sends, in order and in good time", async ({ log, createTopic }) => {
  const topic = await createTopic(1);
  const records = Array.from({ length: 5000 }, (_, n) => ({ topic, key: null, value: Buffer.from(String(n)) }));
  await log.append([{ topic, key: null, value: Buffer.from("first") }]);
  const startedAt = performance.now();
  await log.append(records);
  // In one send, kafkajs copies 12 million messages.
  assert.ok(performance.now() - startedAt < 3000);
  assert.deepEqual((await readAll(log, topic)).slice(1).map(textOf), [...records.keys()].map(String));
});

groundTest("records of one partition that outgrow a broker's batch together go out all the same", async (ground) => {
  const { log, createTopic } = ground;
  const topic = await createTopic(2);
  const big = (n: number, placed: boolean): NewRecord => {
    return { topic, ...(placed ? { partition: 1 } : {}), key: "one", value: Buffer.alloc(64 * 1024, n) };
  };
  await log.append(Array.from({ length: 40 }, (_, n) => big(n, n < 20)));
  const read = await readAll(log, topic);
  assert.deepEqual(
    read.map(({ value }) => value?.[0]).toSorted((a, b) => (a ?? 0) - (b ?? 0)),
    Array.from({ length: 40 }, (_, n) => n),
  );
});

groundTest("a key of four zero bytes does not bring an aborted transaction to light (O2)", async (ground) => {
  const { log, kafka, createTopic } = ground;
  const topic = await createTopic(1);
  const zero = Buffer.alloc(4);
  const producers = ["a", "b"].map((name) =>
    kafka.producer({ transactionalId: `${topic}-${name}`, idempotent: true, maxInFlightRequests: 1 }),
  );
  await Promise.all(producers.map((producer) => producer.connect()));
  // Two at once: kafkajs' own filter also forgets one of two that began before the first record of a fetch.
  const transactions = await Promise.all(producers.map((producer) => producer.transaction()));
  for (const transaction of transactions)
    for (const key of [null, zero, null])
      await transaction.send({ topic, messages: [{ key, value: "aborted", partition: 0 }] });
  for (const transaction of transactions) await transaction.abort();
  await log.append([{ topic, partition: 0, key: "\0\0\0\0", value: Buffer.from("committed") }]);
  await Promise.all(producers.map((producer) => producer.disconnect()));
  let read: LogRecord[] = [];
  // Whoever has asked for an abort is answered before its marker is written.
  await until("the markers are written", async () => (read = await readAll(log, topic)).length > 0);
  assert.deepEqual(
    read.map((record) => [record.key, textOf(record)]),
    [["\0\0\0\0", "committed"]],
  );
});

groundTest(
  "a slot is at the end behind markers and aborted records, and in a partition that is empty",
  async (ground) => {
    const { log, kafka, createTopic } = ground;
    const topic = await createTopic(3);
    const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (const isCommitted of [true, false]) {
      const transaction = await producer.transaction();
      for (const partition of [0, 1])
        if (isCommitted || partition === 1)
          await transaction.send({ topic, messages: [{ value: String(isCommitted), partition }] });
      await (isCommitted ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    const seen = Promise.withResolvers<string[]>();
    const membership = await log.joinGroup({
      group: randomUUID(),
      topics: [topic],
      slots: 1,
      slotOf: () => 0,
      async run(slot) {
        await slot.takeOver();
        slot.seek(await slot.positions());
        const records: LogRecord[] = [];
        const startedAt = Date.now();
        for (let isOver = false; !isOver && !slot.revoked.aborted; ) {
          const polled = await slot.poll(10, 200);
          records.push(...polled.records);
          isOver = isReadSince(polled, startedAt);
        }
        seen.resolve(records.map(textOf));
      },
    });
    assert.deepEqual(await seen.promise, ["true", "true"]);
    await membership.close();
  },
);

groundTest(
  "what others' open transactions hide is said with its age: whoever has read to them has not read all that there was (T2)",
  async ({ log, kafka, createTopic }) => {
    const topic = await createTopic(2);
    const append = (text: string) => log.append([{ topic, partition: 0, key: null, value: Buffer.from(text) }]);
    const own = async () => {
      const member = await ownSlot(log, topic);
      await member.slot.takeOver();
      member.slot.seek(await member.slot.positions());
      return member;
    };
    const readToEnd = async (slot: OwnedSlot) => {
      const texts: string[] = [];
      for (;;) {
        const { records, reach } = await slot.poll(10, 1000);
        texts.push(...records.map(textOf));
        const isWaiting = [...reach.values()].some(({ rest }) => rest === "waiting");
        if (records.length === 0 && !isWaiting) return { texts, hidden: listHidden(reach) };
      }
    };
    const first = await own();
    await append("before");
    assert.deepEqual(await readToEnd(first.slot), { texts: ["before"], hidden: new Map() });
    const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    const openedAt = Date.now();
    await transaction.send({ topic, messages: [{ value: "open", partition: 0 }] });
    await append("behind");
    for (let look = 0; look < 20; look += 1) {
      const polled = await first.slot.poll(10, 20);
      assert.ok(!isReadSince(polled, openedAt), `look ${look}: what was appended since is hidden`);
    }
    await sleep(1500);
    const { texts, hidden } = await readToEnd(first.slot);
    assert.deepEqual([texts, [...hidden.keys()]], [[], [`${topic}/0`]]);
    const ageMs = hidden.get(`${topic}/0`) ?? 0;
    const [least, most] = [2500, Date.now() - openedAt + 1000];
    assert.ok(ageMs >= least && ageMs <= most, `${least} ${ageMs} ${most}`);
    const second = await own();
    assert.deepEqual((await readToEnd(second.slot)).hidden, new Map([[`${topic}/0`, Number.POSITIVE_INFINITY]]));
    await transaction.commit();
    await producer.disconnect();
    await until("the marker is written", async () => (await readAll(log, topic)).length === 3);
    for (const { slot, membership } of [first, second]) {
      const last = await readToEnd(slot);
      assert.deepEqual(last, { texts: ["open", "behind"], hidden: new Map() });
      await membership.close();
    }
  },
);

groundTest(
  "of a stream that never pauses, and of a partition without records beside it, a slot knows that it has just been read (T2)",
  async ({ log, createTopic }) => {
    const topic = await createTopic(2);
    const value = Buffer.from("x");
    const stream = new AbortController();
    const streaming = (async () => {
      while (!stream.signal.aborted)
        await log.append(Array.from({ length: 5 }, () => ({ topic, partition: 0, key: null, value })));
    })();
    const { slot, membership } = await ownSlot(log, topic);
    await slot.takeOver();
    slot.seek(await slot.positions());
    let [read, oldestMs] = [0, 0];
    const startedAt = performance.now();
    for (let sinceMs = 0; sinceMs < 3_000; sinceMs = performance.now() - startedAt) {
      const { records, reach } = await slot.poll(1_000, 100);
      if (sinceMs < 1_000) continue;
      read += records.length;
      for (const { readUpToMs } of reach.values()) oldestMs = Math.max(oldestMs, Date.now() - readUpToMs);
      assert.equal(reach.get(`${topic}/1`)?.rest, "none");
    }
    stream.abort();
    await streaming;
    await membership.close();
    assert.ok(read > 100, `${read} records`);
    assert.ok(oldestMs < 1_000, `${oldestMs} ms`);
  },
);

groundTest(
  "a position before the first record that is left goes on there, and says what is missing (O4)",
  async (ground) => {
    const { log, kafka, lines, createTopic } = ground;
    const topic = await createTopic(1);
    await log.append(Array.from({ length: 10 }, (_, n) => ({ topic, key: null, value: Buffer.from(String(n)) })));
    const admin = kafka.admin();
    await admin.connect();
    // It looks for the leaders in what it happens to know already.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "6" }] });
    const group = randomUUID();
    const seen = Promise.withResolvers<string[]>();
    await log.joinGroup({
      group,
      topics: [topic],
      slots: 1,
      slotOf: () => 0,
      async run(slot) {
        await slot.takeOver();
        await slot.publish([], new Map([[`${topic}/0`, { offset: 3, step: 2 }]]));
        slot.seek(await slot.positions());
        const records: LogRecord[] = [];
        while (records.length < 4 && !slot.revoked.aborted) records.push(...(await slot.poll(10, 200)).records);
        seen.resolve(records.map(textOf));
      },
    });
    assert.deepEqual(await seen.promise, ["6", "7", "8", "9"]);
    assert.match(lines.join("\n"), /records 3 to 5 .*deleted/);
    // kafkajs would have committed "earliest" for the group, over the published position.
    const [{ partitions } = { partitions: [] }] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    assert.deepEqual(partitions, [{ partition: 0, offset: "3", metadata: "2" }]);
    await admin.disconnect();
  },
);
