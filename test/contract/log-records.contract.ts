// What every log promises of topics and of the records in them.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type LogRecord, partitionKey } from "#ports/log.ts";
import {
  createTopic,
  text,
  plain,
  valuesOf,
  readAll,
  numbered,
  isLogError,
  PARTITIONS,
  type LogTest,
} from "./log-shorthand.ts";

export function testRecords(logTest: LogTest): void {
  logTest("records come back in order, with timestamps, headers, and absent or empty keys and values", async (log) => {
    const topic = await createTopic(log, "in");
    const before = Date.now();
    await log.append([
      { topic, partition: 1, key: null, value: null },
      { topic, partition: 1, key: "", value: new Uint8Array(), headers: { a: "b", ce_é: "☃", empty: "" } },
      { topic, partition: 1, key: "k\u0000é", value: text("ü"), timestampMs: 5_000 },
    ]);
    const records = await readAll(log, topic);
    assert.deepEqual(records.map(plain), [
      { partition: 1, key: null, value: null, headers: {} },
      { partition: 1, key: "", value: "", headers: { a: "b", ce_é: "☃", empty: "" } },
      { partition: 1, key: "k\u0000é", value: "ü", headers: {} },
    ]);
    assert.equal(records[2]?.timestampMs, 5_000);
    for (const record of records.slice(0, 2)) assert.ok(record.timestampMs >= before - 1000);
    assert.ok(records.every(({ offset }, n) => n === 0 || offset > (records[n - 1] as LogRecord).offset));
  });

  logTest("a key has one partition, the one Java's default partitioner gives it", async (log) => {
    const topic = await createTopic(log, "in");
    const keys = ["21", "foobar", "a-little-bit-long-string", "abc"];
    await log.append([...keys, ...keys].map((key) => ({ topic, key, value: text(key) })));
    // murmur2 from Java's own UtilsTest, made positive, modulo the partitions.
    const hashes: Record<string, number> = {
      "21": -973932308,
      foobar: -790332482,
      "a-little-bit-long-string": -985981536,
      abc: 479470107,
    };
    const records = await readAll(log, topic);
    assert.equal(records.length, 8);
    for (const { key, partition } of records)
      assert.equal(partition, ((hashes[key ?? ""] as number) & 0x7fffffff) % PARTITIONS, key ?? "");
  });

  logTest("many records at once are all there, each partition in its order", async (log) => {
    const topic = await createTopic(log, "in");
    await log.append([0, 1].flatMap((partition) => numbered(topic, partition, 1300)));
    const records = await readAll(log, topic);
    for (const partition of [0, 1]) {
      const own = records.filter((record) => record.partition === partition);
      assert.deepEqual(
        valuesOf(own),
        Array.from({ length: 1300 }, (_, n) => String(n)),
      );
    }
  });

  logTest("a record for a topic or a partition that does not exist is refused, not lost", async (log) => {
    const topic = await createTopic(log, "in");
    await assert.rejects(log.append([{ topic, partition: 99, key: null, value: text("x") }]), isLogError());
    await assert.rejects(log.append([{ topic: `none-${randomUUID()}`, key: null, value: text("x") }]), isLogError());
    await log.append(numbered(topic, 0, 1));
    assert.deepEqual(valuesOf(await readAll(log, topic)), ["0"]);
  });

  logTest("a follower from the end sees what comes after the call, until it is told to stop", async (log) => {
    const topic = await createTopic(log, "in");
    await log.append(numbered(topic, 0, 3));
    const stop = new AbortController();
    const follower = log.read([topic], { from: "end", follow: true, signal: stop.signal })[Symbol.asyncIterator]();
    const first = follower.next();
    // The first record that shows up says that it listens; those before the call never do.
    let seen: IteratorResult<LogRecord> | null = null;
    for (let n = 3; seen === null; n += 1) {
      await log.append(numbered(topic, 0, 1, n));
      seen = await Promise.race([first, new Promise<null>((done) => setImmediate(done, null))]);
    }
    const value = seen.value as LogRecord;
    assert.ok(value.offset >= 3);
    stop.abort();
    let last = await follower.next();
    while (last.done !== true) last = await follower.next();
  });

  logTest("closing the log ends a follower, and refuses what comes after", async (log) => {
    const topic = await createTopic(log, "in");
    await log.append(numbered(topic, 0, 1));
    const follower = log.read([topic], { from: "start", follow: true })[Symbol.asyncIterator]();
    assert.equal((await follower.next()).done, false);
    const next = follower.next();
    await log.close();
    assert.equal((await next).done, true);
    await assert.rejects(log.append(numbered(topic, 0, 1)), isLogError("log-unavailable"));
  });

  logTest("creating topics again is harmless; another partition count or cleanup policy is refused", async (log) => {
    const named = `compacted-${randomUUID()}`;
    const spec = { name: named, partitions: 2, config: { "cleanup.policy": "compact" } };
    await Promise.all([log.createTopics([spec]), log.createTopics([spec])]);
    await log.createTopics([spec]);
    await assert.rejects(log.createTopics([{ ...spec, partitions: 3 }]), isLogError());
    await assert.rejects(log.createTopics([{ ...spec, config: { "cleanup.policy": "delete" } }]), isLogError());
  });

  logTest("records without key are spread over the partitions", async (log) => {
    const topic = await createTopic(log, "in");
    await log.append(Array.from({ length: 80 }, (_, n) => ({ topic, key: null, value: text(String(n)) })));
    assert.equal(new Set((await readAll(log, topic)).map(({ partition }) => partition)).size, PARTITIONS);
  });

  logTest("reading begins where it is told, partition by partition, and the ends are told", async (log) => {
    const topic = await createTopic(log, "in");
    await log.append([...numbered(topic, 0, 3), ...numbered(topic, 1, 2, 10), ...numbered(topic, 2, 1, 20)]);
    const ends = await log.endOffsets([topic]);
    const at = (partition: number) => partitionKey({ topic, partition });
    assert.deepEqual(
      [0, 1, 2, 3].map((partition) => ends.get(at(partition))),
      [3, 2, 1, 0],
    );
    const from = new Map([
      [at(0), 1],
      [at(1), 2],
    ]);
    const records: LogRecord[] = [];
    for await (const record of log.read([topic], { from, follow: false })) records.push(record);
    assert.deepEqual(new Set(valuesOf(records)), new Set(["1", "2", "20"]));
    assert.equal(records.length, 3);
  });

  logTest("reading without following ends at the present end, also of nothing", async (log) => {
    const topic = await createTopic(log, "in");
    assert.deepEqual(await readAll(log, topic), []);
    await log.append(numbered(topic, 2, 3));
    assert.deepEqual(valuesOf(await readAll(log, topic)), ["0", "1", "2"]);
    for await (const record of log.read([topic], { from: "end", follow: false })) assert.fail(`read ${record.offset}`);
  });
}
