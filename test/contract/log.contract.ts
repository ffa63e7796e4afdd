// What every log promises (services/ports/log.ts), written against the port alone. Known differences:
// - a log of one process may hand the same log out twice: `peer` is another process where there can be one;
// - where keyless records go, and whether offsets have gaps, is each log's own affair.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  LogError,
  partitionKey,
  type Log,
  type LogRecord,
  type Membership,
  type NewRecord,
  type OwnedSlot,
  type Position,
} from "#ports/log.ts";

export interface LogPair {
  readonly log: Log;
  /** The same log, seen by another process where the kind allows it. */
  readonly peer: Log;
}

/** null: cannot be run here, and the test was skipped. Closing is the opener's affair. */
export type OpenLogs = (t: TestContext) => Promise<LogPair | null>;

const WAIT_MAX_MS = 60_000;
const text = new TextDecoder();

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function textOf({ value }: LogRecord): string | null {
  return value === null ? null : text.decode(value);
}

export function nameTopic(): string {
  return `log-contract-${randomUUID()}`;
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + WAIT_MAX_MS; !(await holds()); await sleep(10))
    assert.ok(performance.now() < deadline, `did not come to hold: ${what}`);
}

export async function collect(log: Log, ...topics: string[]): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of log.read(topics, { from: "start", follow: false })) records.push(record);
  return records;
}

/** Records of the slot until it was read to its end. */
export async function drain(slot: OwnedSlot, recordsMax = 1000): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (const deadline = performance.now() + WAIT_MAX_MS; ; ) {
    const polled = await slot.poll(recordsMax, 1000);
    assert.ok(polled.records.length <= recordsMax);
    records.push(...polled.records);
    if (polled.atEnd) return records;
    assert.ok(performance.now() < deadline, "the slot was never read to its end");
  }
}

export function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

export interface Member {
  readonly membership: Membership;
  /** Slots whose run goes on, and is not told to stop. */
  readonly owned: Map<number, OwnedSlot>;
  /** Every handle that was ever handed out. */
  readonly handles: OwnedSlot[];
  slot(slot: number): OwnedSlot;
}

export interface Joining {
  readonly group: string;
  readonly topics: readonly string[];
  readonly slots?: number;
  /** How long a run takes to end. */
  readonly lingerMs?: number;
}

/** Joins and holds the slots until they are taken away, for tests that drive them by hand. */
export async function join(log: Log, { group, topics, slots = 1, lingerMs = 0 }: Joining): Promise<Member> {
  const owned = new Map<number, OwnedSlot>();
  const handles: OwnedSlot[] = [];
  const membership = await log.joinGroup({
    group,
    topics,
    slots,
    slotOf: (partition) => partition % slots,
    run: async (slot) => {
      handles.push(slot);
      assert.ok(!owned.has(slot.slot), "a slot runs once at a time");
      owned.set(slot.slot, slot);
      await abortOf(slot.revoked);
      await sleep(lingerMs);
      owned.delete(slot.slot);
    },
  });
  const live = () => new Map([...owned].filter(([, { revoked }]) => !revoked.aborted));
  return {
    membership,
    get owned() {
      return live();
    },
    handles,
    slot(number) {
      const slot = live().get(number);
      assert.ok(slot, `slot ${number} is not owned`);
      return slot;
    },
  };
}

/** Joins alone and takes the only slot over, from its positions on. */
async function own(log: Log, group: string, topics: readonly string[]): Promise<{ member: Member; slot: OwnedSlot }> {
  const member = await join(log, { group, topics });
  await until("the slot is owned", () => member.owned.size === 1);
  const slot = member.slot(0);
  await slot.takeOver();
  slot.seek(await slot.positions());
  return { member, slot };
}

function record(topic: string, partition: number, value: string): NewRecord {
  return { topic, partition, key: null, value: bytes(value) };
}

function at(topic: string, partition: number, offset: number, step = 0): ReadonlyMap<string, Position> {
  return new Map([[partitionKey({ topic, partition }), { offset, step }]]);
}

function hasCode(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) => error instanceof LogError && codes.includes(error.code);
}

/** The whole contract. */
export function testLog(name: string, open: OpenLogs): void {
  const logTest: LogTest = (title, body) => {
    void test(`${name} log: ${title}`, async (t) => {
      const pair = await open(t);
      if (pair !== null) await body(pair);
    });
  };

  const makeTopic = async ({ log }: LogPair, partitions = 3): Promise<string> => {
    const topic = nameTopic();
    await log.createTopics([{ name: topic, partitions, config: {} }]);
    return topic;
  };

  testTopics(logTest, makeTopic);
  testSlots(logTest, makeTopic);
  testGroups(logTest, makeTopic);
}

type LogTest = (title: string, body: (pair: LogPair) => Promise<void>) => void;
type MakeTopic = (pair: LogPair, partitions?: number) => Promise<string>;

function testTopics(logTest: LogTest, makeTopic: MakeTopic): void {
  logTest("records come back in order of appending, with timestamp, key, headers and absent values", async (pair) => {
    const topic = await makeTopic(pair);
    const beforeMs = Date.now();
    await pair.log.append([
      {
        topic,
        partition: 1,
        key: "k",
        value: bytes("first"),
        headers: { a: "é", b: "2" },
        timestampMs: 1_700_000_000_123,
      },
      { topic, partition: 1, key: null, value: null, timestampMs: 1_600_000_000_000 },
      { topic, partition: 1, key: "", value: new Uint8Array() },
    ]);
    const records = await collect(pair.log, topic);
    const seen = records.map(({ key, headers, partition }) => ({ key, headers, partition }));
    assert.deepEqual(seen, [
      { key: "k", headers: { a: "é", b: "2" }, partition: 1 },
      { key: null, headers: {}, partition: 1 },
      { key: "", headers: {}, partition: 1 },
    ]);
    assert.deepEqual(records.map(textOf), ["first", null, ""]);
    assert.deepEqual(
      records.slice(0, 2).map(({ timestampMs }) => timestampMs),
      [1_700_000_000_123, 1_600_000_000_000],
    );
    const stampedMs = records[2]?.timestampMs ?? 0;
    assert.ok(stampedMs >= beforeMs - 1000 && stampedMs <= Date.now() + 1000, "the log stamps what has no time");
    const offsets = records.map(({ offset }) => offset);
    assert.ok(offsets.every((offset, i) => i === 0 || offset > (offsets[i - 1] as number)));
  });

  logTest("many records keep their order per partition, and one key its partition", async (pair) => {
    const topic = await makeTopic(pair);
    const appended = Array.from({ length: 1700 }, (_, i) => ({ topic, key: `k${i % 7}`, value: bytes(String(i)) }));
    await Promise.all([pair.log.append(appended.slice(0, 900)), pair.log.append(appended.slice(900))]);
    const records = await collect(pair.log, topic);
    assert.equal(records.length, appended.length);
    for (let k = 0; k < 7; k += 1) {
      const ofKey = records.filter(({ key }) => key === `k${k}`);
      assert.equal(new Set(ofKey.map(({ partition }) => partition)).size, 1);
      const numbers = ofKey.map((one) => Number(textOf(one)));
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
    }
  });

  logTest("records without key are spread over the partitions", async (pair) => {
    const topic = await makeTopic(pair);
    await pair.log.append(Array.from({ length: 60 }, (_, i) => ({ topic, key: null, value: bytes(String(i)) })));
    const records = await collect(pair.log, topic);
    assert.equal(records.length, 60);
    assert.equal(new Set(records.map(({ partition }) => partition)).size, 3);
  });

  logTest("reading ends at the end that was there, also of nothing", async (pair) => {
    const [topic, empty] = [await makeTopic(pair), await makeTopic(pair)];
    assert.deepEqual(await collect(pair.log, empty), []);
    await pair.log.append([record(topic, 0, "a"), record(topic, 2, "b")]);
    assert.deepEqual(new Set((await collect(pair.log, topic, empty)).map(textOf)), new Set(["a", "b"]));
    const late: LogRecord[] = [];
    for await (const one of pair.log.read([topic], { from: "end", follow: false })) late.push(one);
    assert.deepEqual(late, []);
  });

  logTest("a reader that follows sees what comes after it, and ends with its signal", async (pair) => {
    const topic = await makeTopic(pair);
    await pair.log.append([record(topic, 0, "before")]);
    const stop = new AbortController();
    const seen: (string | null)[] = [];
    const following = (async () => {
      for await (const one of pair.log.read([topic], { from: "start", follow: true, signal: stop.signal }))
        seen.push(textOf(one));
    })();
    await until("the first record is seen", () => seen.length === 1);
    await pair.peer.append([record(topic, 1, "after")]);
    await until("the second record is seen", () => seen.length === 2);
    assert.deepEqual(seen, ["before", "after"]);
    stop.abort();
    await following;
  });

  logTest("topics are made once, also by two at a time", async (pair) => {
    const topics = [nameTopic(), nameTopic()].map((topic) => ({
      name: topic,
      partitions: 2,
      config: { "cleanup.policy": "compact" },
    }));
    await Promise.all([pair.log.createTopics(topics), pair.peer.createTopics(topics)]);
    await pair.log.createTopics(topics);
    await pair.log.append(topics.map(({ name: topic }) => ({ topic, key: "k", value: null })));
  });

  logTest("a topic that is there with other partitions or another policy is refused", async (pair) => {
    const topic = nameTopic();
    await pair.log.createTopics([{ name: topic, partitions: 2, config: { "cleanup.policy": "delete" } }]);
    for (const other of [
      { name: topic, partitions: 3, config: { "cleanup.policy": "delete" } },
      { name: topic, partitions: 2, config: { "cleanup.policy": "compact" } },
    ])
      await assert.rejects(
        pair.log.createTopics([other]),
        (error) => error instanceof LogError && error.message.includes(topic),
      );
  });
}

function testSlots(logTest: LogTest, makeTopic: MakeTopic): void {
  logTest("a slot begins at nothing, and is at its end where there is nothing", async (pair) => {
    const topic = await makeTopic(pair);
    const { member, slot } = await own(pair.log, nameTopic(), [topic]);
    assert.deepEqual(
      new Map(await slot.positions()),
      new Map([0, 1, 2].map((partition) => [partitionKey({ topic, partition }), { offset: 0, step: 0 }])),
    );
    assert.deepEqual(await drain(slot), []);
    await member.membership.close();
  });

  logTest("what was appended before is never taken for the end", async (pair) => {
    const topic = await makeTopic(pair);
    const { member, slot } = await own(pair.log, nameTopic(), [topic]);
    await drain(slot);
    for (let i = 0; i < 10; i += 1) {
      await pair.peer.append([record(topic, i % 3, String(i))]);
      const deadline = performance.now() + WAIT_MAX_MS;
      for (;;) {
        const { records, atEnd } = await slot.poll(10, 1000);
        assert.deepEqual(records.map(textOf), records.length === 0 ? [] : [String(i)]);
        if (records.length > 0) break;
        assert.equal(atEnd, false, "an acknowledged record was not read");
        assert.ok(performance.now() < deadline, "the record never came");
      }
    }
    await member.membership.close();
  });

  logTest("polling hands out at most what was asked for, each record once and in order", async (pair) => {
    const topic = await makeTopic(pair);
    await pair.log.append(Array.from({ length: 900 }, (_, i) => record(topic, i % 3, String(i))));
    const { member, slot } = await own(pair.log, nameTopic(), [topic]);
    const records = await drain(slot, 70);
    for (let partition = 0; partition < 3; partition += 1) {
      assert.deepEqual(
        records.filter((one) => one.partition === partition).map((one) => Number(textOf(one))),
        Array.from({ length: 300 }, (_, i) => i * 3 + partition),
      );
    }
    await member.membership.close();
  });

  logTest("seeking moves back and forth, and discards what was queued", async (pair) => {
    const topic = await makeTopic(pair, 1);
    await pair.log.append(Array.from({ length: 50 }, (_, i) => record(topic, 0, String(i))));
    const { member, slot } = await own(pair.log, nameTopic(), [topic]);
    const all = await drain(slot);
    assert.equal(all.length, 50);
    const offsetOf = (i: number) => all[i]?.offset as number;
    for (const start of [10, 45, 0, 30]) {
      slot.seek(at(topic, 0, offsetOf(start)));
      assert.equal((await slot.poll(1, WAIT_MAX_MS)).records[0]?.offset, offsetOf(start));
    }
    slot.seek(at(topic, 0, offsetOf(48)));
    assert.deepEqual((await drain(slot)).map(textOf), ["48", "49"]);
    await member.membership.close();
  });

  logTest("records and positions are published together", async (pair) => {
    const [topic, out] = [await makeTopic(pair), await makeTopic(pair)];
    const group = nameTopic();
    const { member, slot } = await own(pair.log, group, [topic]);
    for (let i = 1; i <= 5; i += 1) {
      const records = Array.from({ length: 600 }, (_, n) => record(out, n % 3, `${i}.${n}`));
      await slot.publish(records, at(topic, 1, i * 10, i));
      assert.deepEqual((await slot.positions()).get(`${topic}/1`), { offset: i * 10, step: i });
      assert.deepEqual((await slot.positions()).get(`${topic}/0`), { offset: 0, step: 0 });
      assert.equal((await collect(pair.peer, out)).length, i * 600);
    }
    await member.membership.close();
    const next = await own(pair.peer, group, [topic]);
    assert.deepEqual((await next.slot.positions()).get(`${topic}/1`), { offset: 50, step: 5 });
    await next.member.membership.close();
  });

  logTest("publishing no records moves the positions only, and back too", async (pair) => {
    const topic = await makeTopic(pair);
    const { member, slot } = await own(pair.log, nameTopic(), [topic]);
    await slot.publish([], at(topic, 0, 7, 3));
    assert.deepEqual((await slot.positions()).get(`${topic}/0`), { offset: 7, step: 3 });
    await slot.publish([], at(topic, 0, 2));
    assert.deepEqual((await slot.positions()).get(`${topic}/0`), { offset: 2, step: 0 });
    await slot.publish([record(topic, 2, "x")], new Map());
    assert.deepEqual((await collect(pair.log, topic)).map(textOf), ["x"]);
    await member.membership.close();
  });

  logTest("a slot that publishes into its own topic reads it, and comes to its end", async (pair) => {
    const topic = await makeTopic(pair, 1);
    const { member, slot } = await own(pair.log, nameTopic(), [topic]);
    for (let i = 0; i < 3; i += 1) {
      await slot.publish([record(topic, 0, String(i))], new Map());
      assert.deepEqual((await drain(slot)).map(textOf), [String(i)]);
    }
    assert.deepEqual((await collect(pair.log, topic)).map(textOf), ["0", "1", "2"]);
    await member.membership.close();
  });

  logTest("of a publication that fails nothing is seen, and taken over again the slot goes on", async (pair) => {
    const [topic, out] = [await makeTopic(pair), await makeTopic(pair)];
    const { member, slot } = await own(pair.log, nameTopic(), [topic]);
    const records = [
      ...Array.from({ length: 600 }, (_, i) => record(out, i % 3, "lost")),
      record(nameTopic(), 0, "nowhere"),
    ];
    await assert.rejects(slot.publish(records, at(topic, 0, 9)), LogError);
    assert.deepEqual(await collect(pair.peer, out), []);
    await slot.takeOver();
    assert.deepEqual((await slot.positions()).get(`${topic}/0`), { offset: 0, step: 0 });
    await slot.publish([record(out, 0, "kept")], at(topic, 0, 1));
    assert.deepEqual((await collect(pair.peer, out)).map(textOf), ["kept"]);
    const reader = await own(pair.peer, nameTopic(), [out]);
    assert.deepEqual((await drain(reader.slot)).map(textOf), ["kept"]);
    await reader.member.membership.close();
    await member.membership.close();
  });

  logTest("a poll returns when a record comes, and empty when the slot is taken away", async (pair) => {
    const topic = await makeTopic(pair);
    const { member, slot } = await own(pair.log, nameTopic(), [topic]);
    await drain(slot);
    const polled = slot.poll(10, WAIT_MAX_MS);
    await pair.log.append([record(topic, 0, "a")]);
    assert.deepEqual((await polled).records.map(textOf), ["a"]);
    const startedAt = performance.now();
    const pending = slot.poll(10, WAIT_MAX_MS);
    await member.membership.close();
    assert.deepEqual(await pending, { records: [], atEnd: false });
    assert.ok(performance.now() - startedAt < WAIT_MAX_MS / 2);
  });
}

function testGroups(logTest: LogTest, makeTopic: MakeTopic): void {
  logTest("two members share out whole slots, and one takes all when the other leaves", async (pair) => {
    const topics = [await makeTopic(pair, 8), await makeTopic(pair, 4)];
    const joining = { group: nameTopic(), topics, slots: 4, lingerMs: 5 };
    const a = await join(pair.log, joining);
    await until("one member owns all", () => a.owned.size === 4);
    const b = await join(pair.peer, joining);
    await until("both own their share", () => a.owned.size === 2 && b.owned.size === 2);
    const [ofA, ofB] = [a.owned, b.owned];
    assert.deepEqual(
      [...ofA.keys(), ...ofB.keys()].toSorted((x, y) => x - y),
      [0, 1, 2, 3],
    );
    const partitions = [...ofA.values(), ...ofB.values()].flatMap((slot) => {
      assert.ok(slot.partitions.every(({ partition }) => partition % 4 === slot.slot));
      return slot.partitions.map(partitionKey);
    });
    assert.equal(partitions.length, 12);
    assert.equal(new Set(partitions).size, 12);
    await a.membership.close();
    await a.membership.closed;
    assert.equal(a.owned.size, 0);
    await until("the other owns all", () => b.owned.size === 4);
    await b.membership.close();
  });

  logTest("each slot reads its own partitions only", async (pair) => {
    const topic = await makeTopic(pair, 4);
    await pair.log.append(Array.from({ length: 40 }, (_, i) => record(topic, i % 4, String(i))));
    const member = await join(pair.log, { group: nameTopic(), topics: [topic], slots: 2 });
    await until("both slots are owned", () => member.owned.size === 2);
    for (const slot of member.owned.values()) {
      await slot.takeOver();
      slot.seek(await slot.positions());
      const records = await drain(slot);
      assert.equal(records.length, 20);
      assert.ok(records.every(({ partition }) => partition % 2 === slot.slot));
    }
    await member.membership.close();
  });

  logTest("a former owner is fenced, and nothing of its publication is seen", async (pair) => {
    const [topic, out] = [await makeTopic(pair), await makeTopic(pair)];
    const group = nameTopic();
    const first = await own(pair.log, group, [topic]);
    await first.slot.publish([record(out, 0, "first")], at(topic, 0, 3, 2));
    await first.member.membership.close();
    const second = await own(pair.peer, group, [topic]);
    assert.deepEqual((await second.slot.positions()).get(`${topic}/0`), { offset: 3, step: 2 });
    await assert.rejects(first.slot.publish([record(out, 0, "zombie")], at(topic, 0, 99)), hasCode("log-fenced"));
    assert.deepEqual((await second.slot.positions()).get(`${topic}/0`), { offset: 3, step: 2 });
    assert.deepEqual((await collect(pair.peer, out)).map(textOf), ["first"]);
    await second.member.membership.close();
  });

  logTest("leaving waits for the runs, and a slot that comes back runs after its old run", async (pair) => {
    const topic = await makeTopic(pair);
    const joining = { group: nameTopic(), topics: [topic], slots: 1, lingerMs: 200 };
    const a = await join(pair.log, joining);
    await until("the slot is owned", () => a.owned.size === 1);
    // The other one comes and goes: the slot moves, or its run starts anew, or neither; never twice at a time (in join).
    const b = await join(pair.peer, joining);
    await b.membership.close();
    assert.equal(b.owned.size, 0);
    await until("the slot is owned again", () => a.owned.size === 1);
    assert.ok(a.handles.every((handle) => handle === a.slot(0) || handle.revoked.aborted));
    await a.membership.close();
    assert.ok(a.handles.every(({ revoked }) => revoked.aborted));
  });

  logTest("a run that throws ends its membership", async (pair) => {
    const topic = await makeTopic(pair);
    const membership = await pair.log.joinGroup({
      group: nameTopic(),
      topics: [topic],
      slots: 1,
      slotOf: () => 0,
      run: async () => {
        throw new Error("boom");
      },
    });
    await assert.rejects(membership.closed, /boom/);
    await membership.close();
  });
}
