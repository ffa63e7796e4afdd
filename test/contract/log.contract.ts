// What every log promises (O1 and O2 rest on it: records and positions move together, and a stale owner moves nothing).
// Written against the port alone. Nothing here waits for time to pass; each wait is for something to happen.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import {
  type Log,
  LogError,
  type LogRecord,
  type Membership,
  type NewRecord,
  type OwnedSlot,
  partitionKey,
} from "#ports/log.ts";

/** A log for one test; null where what it needs is not running (and the test was skipped). */
export type OpenLog = (t: TestContext) => Promise<Log | null>;

const PARTITIONS = 4;
const SLOTS = 2;

/** Topics of their own for every test: logs outlive them. */
async function createTopic(log: Log, name: string, partitions = PARTITIONS): Promise<string> {
  const topic = `${name}-${randomUUID()}`;
  await log.createTopics([{ name: topic, partitions, config: {} }]);
  return topic;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** A record as values that can be compared: adapters may give any kind of Uint8Array. */
function plain({ partition, key, value, headers }: LogRecord) {
  return { partition, key, value: value === null ? null : new TextDecoder().decode(value), headers };
}

function valuesOf(records: readonly LogRecord[]): (string | null)[] {
  return records.map((record) => plain(record).value);
}

async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of log.read([topic], { from: "start", follow: false })) records.push(record);
  return records;
}

function numbered(topic: string, partition: number, count: number, from = 0): NewRecord[] {
  return Array.from({ length: count }, (_, n) => ({ topic, partition, key: null, value: text(String(from + n)) }));
}

async function pollMany(slot: OwnedSlot, count: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  while (records.length < count && !slot.revoked.aborted)
    records.push(...(await slot.poll(count - records.length, 500)).records);
  return records;
}

async function pollToEnd(slot: OwnedSlot): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  while (!slot.revoked.aborted) {
    const polled = await slot.poll(100, 200);
    records.push(...polled.records);
    if (polled.atEnd) break;
  }
  return records;
}

/** A member that holds every slot it is given until it is revoked, and lets the test work with it. */
class Member {
  readonly held = new Map<number, OwnedSlot>();
  readonly starts: number[] = [];
  #membership: Membership | null = null;
  #changed = Promise.withResolvers<void>();
  readonly #isTaken: (slot: number) => boolean;

  constructor(isTaken: (slot: number) => boolean = () => false) {
    this.#isTaken = isTaken;
  }

  async join(log: Log, group: string, topics: readonly string[], slots = SLOTS): Promise<this> {
    const run = async (slot: OwnedSlot): Promise<void> => {
      assert.equal(this.#isTaken(slot.slot), false, `slot ${slot.slot} has another owner`);
      this.starts.push(slot.slot);
      this.held.set(slot.slot, slot);
      this.#change();
      if (!slot.revoked.aborted) await new Promise((done) => slot.revoked.addEventListener("abort", done));
      if (this.held.get(slot.slot) === slot) this.held.delete(slot.slot);
      this.#change();
    };
    this.#membership = await log.joinGroup({ group, topics, slots, slotOf: (partition) => partition % slots, run });
    return this;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  holds(slot: number): boolean {
    return this.held.get(slot)?.revoked.aborted === false;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#changed.promise;
  }

  async slot(slot: number): Promise<OwnedSlot> {
    await this.until(() => this.holds(slot));
    return this.held.get(slot) as OwnedSlot;
  }

  /** Taken over and reading from where the group stands. */
  async open(slot: number): Promise<OwnedSlot> {
    const owned = await this.slot(slot);
    await owned.takeOver();
    owned.seek(await owned.positions());
    return owned;
  }

  get membership(): Membership {
    return this.#membership as Membership;
  }

  close(): Promise<void> {
    return this.membership.close();
  }
}

function isLogError(...codes: string[]): (error: unknown) => boolean {
  return (error) => error instanceof LogError && (codes.length === 0 || codes.includes(error.code));
}

export function testLog(name: string, open: OpenLog): void {
  function logTest(title: string, body: (log: Log) => Promise<void>): void {
    test(`${name} log: ${title}`, { timeout: 90_000 }, async (t) => {
      const log = await open(t);
      if (log === null) return;
      try {
        await body(log);
      } finally {
        await log.close();
      }
    });
  }

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

  logTest("a group on a topic that does not exist is refused", async (log) => {
    const run = async () => {};
    const options = { group: `g-${randomUUID()}`, topics: [`none-${randomUUID()}`], slots: 1, slotOf: () => 0, run };
    await assert.rejects(log.joinGroup(options), isLogError());
  });

  logTest(
    "a fresh slot has position 0 in every partition, reads from there, and says when it is at the end",
    async (log) => {
      const topic = await createTopic(log, "in");
      const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
      const slot = await member.slot(1);
      assert.deepEqual(slot.partitions.map(partitionKey).toSorted(), [`${topic}/1`, `${topic}/3`]);
      await slot.takeOver();
      const positions = await slot.positions();
      assert.deepEqual(
        [...positions].toSorted(([a], [b]) => (a < b ? -1 : 1)),
        [1, 3].map((partition) => [`${topic}/${partition}`, { offset: 0, step: 0 }]),
      );
      slot.seek(positions);
      assert.deepEqual(await pollToEnd(slot), []);
      await log.append([...numbered(topic, 1, 5), ...numbered(topic, 3, 5, 5), ...numbered(topic, 0, 5)]);
      const few = await pollMany(slot, 3);
      assert.equal(few.length, 3);
      const rest = await pollToEnd(slot);
      assert.deepEqual(
        valuesOf([...few, ...rest])
          .map(Number)
          .toSorted((a, b) => a - b),
        Array.from({ length: 10 }, (_, n) => n),
      );
      await member.close();
    },
  );

  logTest("poll gives no more than it is asked for, and is not at the end while more is there", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    await log.append(numbered(topic, 0, 10));
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const slot = await member.open(0);
    let seen = 0;
    for (;;) {
      const { records, atEnd } = await slot.poll(4, 500);
      assert.ok(records.length <= 4);
      seen += records.length;
      assert.equal(atEnd, seen === 10, `after ${seen} records`);
      if (atEnd) break;
    }
    await member.close();
  });

  logTest("what was appended before a poll is read before that poll says it is at the end (T2)", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const slot = await member.open(0);
    await pollToEnd(slot);
    for (let n = 0; n < 30; n += 1) {
      await log.append(numbered(topic, 0, 1, n));
      const records: LogRecord[] = [];
      for (let atEnd = false; !atEnd; ) {
        const polled = await slot.poll(10, 0);
        records.push(...polled.records);
        ({ atEnd } = polled);
        if (!atEnd) await new Promise((done) => setImmediate(done));
      }
      assert.deepEqual(valuesOf(records), [String(n)]);
    }
    await member.close();
  });

  logTest("seek reads again, and forgets what was queued", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    await log.append(numbered(topic, 0, 400));
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const slot = await member.open(0);
    const key = `${topic}/0`;
    const all = await pollMany(slot, 400);
    const offsets = all.map(({ offset }) => offset);
    for (const from of [0, 399, 17, 200, 3]) {
      slot.seek(new Map([[key, { offset: offsets[from] as number, step: 0 }]]));
      const wanted = Math.min(50, 400 - from);
      const again = await pollMany(slot, wanted);
      assert.deepEqual(
        again.map(({ offset }) => offset),
        offsets.slice(from, from + wanted),
      );
    }
    await member.close();
  });

  logTest("seeks between arriving records never skip one (O1)", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const slot = await member.open(0);
    const total = 3000;
    const appending = (async () => {
      for (let n = 0; n < total; n += 100) await log.append(numbered(topic, 0, 100, n));
    })();
    const offsets: number[] = [];
    const values: (string | null)[] = [];
    for (let round = 0; values.length < total; round += 1) {
      const { records } = await slot.poll(150, 500);
      offsets.push(...records.map(({ offset }) => offset));
      values.push(...valuesOf(records));
      if (round % 3 !== 0 || values.length === 0) continue;
      // Back by some, as a slot that is taken over again would go.
      const kept = Math.max(0, values.length - 1 - ((round * 37) % 200));
      slot.seek(new Map([[`${topic}/0`, { offset: offsets[kept] as number, step: 0 }]]));
      offsets.length = kept;
      values.length = kept;
    }
    assert.deepEqual(
      values,
      Array.from({ length: total }, (_, n) => String(n)),
    );
    await appending;
    await member.close();
  });

  logTest("a publication moves its records and its positions, steps included, together (O2)", async (log) => {
    const [topic, out] = [await createTopic(log, "in", SLOTS), await createTopic(log, "out", 1)];
    const group = `g-${randomUUID()}`;
    const first = await new Member().join(log, group, [topic]);
    const slot = await first.open(0);
    const at = { offset: 7, step: 3 };
    await slot.publish(
      [...numbered(out, 0, 700), { topic: out, key: "k", value: null }],
      new Map([[`${topic}/0`, at]]),
    );
    assert.equal((await readAll(log, out)).length, 701);
    assert.deepEqual((await slot.positions()).get(`${topic}/0`), at);
    await first.close();
    const second = await new Member().join(log, group, [topic]);
    const again = await second.slot(0);
    await again.takeOver();
    assert.deepEqual((await again.positions()).get(`${topic}/0`), at);
    await second.close();
  });

  logTest("publications follow each other without a pause, an empty one only moves positions", async (log) => {
    const [topic, out] = [await createTopic(log, "in", SLOTS), await createTopic(log, "out", 1)];
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const slot = await member.open(0);
    for (let n = 1; n <= 20; n += 1)
      await slot.publish(n % 2 === 0 ? [] : numbered(out, 0, 1, n), new Map([[`${topic}/0`, { offset: n, step: 0 }]]));
    assert.deepEqual((await slot.positions()).get(`${topic}/0`), { offset: 20, step: 0 });
    assert.deepEqual(valuesOf(await readAll(log, out)), ["1", "3", "5", "7", "9", "11", "13", "15", "17", "19"]);
    await member.close();
  });

  logTest(
    "a publication that fails shows nothing, moves nothing, and the slot goes on after a take-over",
    async (log) => {
      const [topic, out] = [await createTopic(log, "in", SLOTS), await createTopic(log, "out", 1)];
      const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
      const slot = await member.open(0);
      const impossible = [...numbered(out, 0, 600), { topic: out, partition: 99, key: null, value: text("x") }];
      const to = new Map([[`${topic}/0`, { offset: 5, step: 0 }]]);
      await assert.rejects(slot.publish(impossible, to), isLogError("log-unavailable"));
      assert.deepEqual(await readAll(log, out), []);
      await slot.takeOver();
      assert.deepEqual((await slot.positions()).get(`${topic}/0`), { offset: 0, step: 0 });
      await slot.publish(numbered(out, 0, 1), to);
      assert.deepEqual(valuesOf(await readAll(log, out)), ["0"]);
      await member.close();
    },
  );

  logTest("a position of somebody else's partition is refused", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const slot = await member.open(0);
    await assert.rejects(slot.publish([], new Map([[`${topic}/1`, { offset: 1, step: 0 }]])));
    assert.throws(() => slot.seek(new Map([[`${topic}/1`, { offset: 1, step: 0 }]])));
    await member.close();
  });

  logTest(
    "members share the slots out, no slot has two owners, and who leaves leaves them to the others",
    async (log) => {
      const topic = await createTopic(log, "in");
      const group = `g-${randomUUID()}`;
      const members: Member[] = [];
      const isTaken = (slot: number) => members.filter((member) => member.holds(slot)).length > 0;
      const first = new Member(isTaken);
      const second = new Member(isTaken);
      members.push(first, second);
      await first.join(log, group, [topic], 4);
      await first.until(() => first.held.size === 4);
      await second.join(log, group, [topic], 4);
      await second.until(() => second.held.size === 2);
      await first.until(() => first.held.size === 2);
      assert.deepEqual(
        [...first.held.keys(), ...second.held.keys()].toSorted((a, b) => a - b),
        [0, 1, 2, 3],
      );
      await first.close();
      assert.equal(first.held.size, 0);
      await second.until(() => second.held.size === 4);
      await second.close();
    },
  );

  logTest("an owner that lost its slot can publish nothing more (S1)", async (log) => {
    const [topic, out] = [await createTopic(log, "in", SLOTS), await createTopic(log, "out", 1)];
    const group = `g-${randomUUID()}`;
    const first = await new Member().join(log, group, [topic]);
    const owned = [await first.open(0), await first.open(1)];
    const second = await new Member().join(log, group, [topic]);
    await second.until(() => second.held.size === 1);
    const moved = [...second.held.keys()][0] as number;
    const [stale, fresh] = [owned[moved] as OwnedSlot, await second.open(moved)];
    assert.equal(stale.revoked.aborted, true);
    const to = new Map([[`${topic}/${moved}`, { offset: 9, step: 0 }]]);
    await assert.rejects(stale.publish(numbered(out, 0, 1, 100), to), isLogError("log-fenced"));
    await fresh.publish(numbered(out, 0, 1, 200), to);
    assert.deepEqual(valuesOf(await readAll(log, out)), ["200"]);
    await Promise.all([first.close(), second.close()]);
  });

  logTest("close revokes, ends a waiting poll, waits for the runs, and calls none twice", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const [slot] = [await member.open(0), await member.slot(1)];
    await pollToEnd(slot);
    const waiting = slot.poll(10, 60_000);
    await member.close();
    assert.deepEqual(await waiting, { records: [], atEnd: false });
    assert.equal(slot.revoked.aborted, true);
    assert.deepEqual(
      member.starts.toSorted((a, b) => a - b),
      [0, 1],
    );
    await member.membership.closed;
    await member.close();
  });

  logTest("a run that throws ends the membership: the others are revoked, and closed says why", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const revoked: number[] = [];
    const membership = await log.joinGroup({
      group: `g-${randomUUID()}`,
      topics: [topic],
      slots: SLOTS,
      slotOf: (partition) => partition % SLOTS,
      async run(slot) {
        if (slot.slot === 0) throw new RangeError("a bug");
        if (!slot.revoked.aborted) await new Promise((done) => slot.revoked.addEventListener("abort", done));
        revoked.push(slot.slot);
      },
    });
    await assert.rejects(membership.closed, { message: "a bug" });
    await membership.close();
    assert.ok(revoked.every((slot) => slot === 1));
  });

  logTest("a member without slots waits for one", async (log) => {
    const topic = await createTopic(log, "in", 1);
    const group = `g-${randomUUID()}`;
    const [first, second] = [new Member(), new Member()];
    await first.join(log, group, [topic], 1);
    await first.slot(0);
    await second.join(log, group, [topic], 1);
    const owner = await Promise.race([first.slot(0).then(() => first), second.slot(0).then(() => second)]);
    const other = owner === first ? second : first;
    await owner.close();
    await other.slot(0);
    await other.close();
  });
}
