// What every log promises to the owner of a slot: reading on, seeking, the end, and publications (O1, O2, T2).

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type LogRecord, partitionKey } from "#ports/log.ts";
import { isReadSince } from "#support/reach.ts";
import {
  createTopic,
  text,
  valuesOf,
  readAll,
  readMany,
  numbered,
  pollMany,
  pollToEnd,
  Member,
  isLogError,
  SLOTS,
  type LogTest,
} from "./log-shorthand.ts";

/** More than any log sends in one request. */
const MANY = 5100;

export function testSlots(logTest: LogTest): void {
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
      const { records, reach } = await slot.poll(4, 500);
      assert.ok(records.length <= 4);
      seen += records.length;
      const rests = [...reach.values()].map(({ rest }) => rest);
      assert.equal(rests.includes("waiting"), seen < 10, `${rests.join()} after ${seen} records`);
      if (seen < 10) continue;
      for (const { readUpToMs } of reach.values()) assert.ok(readUpToMs > Date.now() - 1_000, `${readUpToMs}`);
      break;
    }
    await member.close();
  });

  logTest(
    "what is not sound when all is written is given up: nobody sees it, and nothing has moved (O1)",
    async (log) => {
      const [topic, out] = [await createTopic(log, "in", SLOTS), await createTopic(log, "out")];
      const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
      const slot = await member.open(0);
      const moved = new Map([[`${topic}/0`, { offset: 1, step: 0 }]]);
      await assert.rejects(
        slot.publish(numbered(out, 0, 2), moved, async () => false),
        isLogError("log-unavailable"),
      );
      await slot.takeOver();
      assert.equal((await slot.positions()).get(`${topic}/0`)?.offset, 0);
      await slot.publish(numbered(out, 0, 1, 7), moved, async () => true);
      assert.deepEqual(valuesOf(await readMany(log, out, 1)), ["7"]);
      await member.close();
    },
  );

  logTest(
    "what was appended before an instant is polled before a slot says that it was read since (T2)",
    async (log) => {
      const topic = await createTopic(log, "in", SLOTS);
      const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
      const slot = await member.open(0);
      await pollToEnd(slot);
      for (let n = 0; n < 30; n += 1) {
        await log.append(numbered(topic, 0, 1, n));
        const records: LogRecord[] = [];
        const appendedAt = Date.now();
        for (let isOver = false; !isOver; ) {
          const polled = await slot.poll(10, 0);
          records.push(...polled.records);
          isOver = isReadSince(polled, appendedAt);
          if (!isOver) await new Promise((done) => setImmediate(done));
        }
        assert.deepEqual(valuesOf(records), [String(n)]);
      }
      await member.close();
    },
  );

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
      [...numbered(out, 0, MANY), { topic: out, key: "k", value: null }],
      new Map([[`${topic}/0`, at]]),
    );
    assert.equal((await readMany(log, out, MANY + 1)).length, MANY + 1);
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
    assert.deepEqual(valuesOf(await readMany(log, out, 10)), ["1", "3", "5", "7", "9", "11", "13", "15", "17", "19"]);
    await member.close();
  });

  logTest(
    "a publication that fails shows nothing, moves nothing, and the slot goes on after a take-over",
    async (log) => {
      const [topic, out] = [await createTopic(log, "in", SLOTS), await createTopic(log, "out", 1)];
      const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
      const slot = await member.open(0);
      const impossible = [...numbered(out, 0, MANY), { topic: out, partition: 99, key: null, value: text("x") }];
      const to = new Map([[`${topic}/0`, { offset: 5, step: 0 }]]);
      await assert.rejects(slot.publish(impossible, to), isLogError("log-unavailable"));
      assert.deepEqual(await readAll(log, out), []);
      await slot.takeOver();
      assert.deepEqual((await slot.positions()).get(`${topic}/0`), { offset: 0, step: 0 });
      await slot.publish(numbered(out, 0, 1), to);
      assert.deepEqual(valuesOf(await readMany(log, out, 1)), ["0"]);
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

  logTest("a slot that publishes into its own topic reads it, and comes to its end", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const slot = await member.open(0);
    for (let n = 0; n < 3; n += 1) {
      await slot.publish(numbered(topic, 0, 1, n), new Map());
      assert.deepEqual(valuesOf(await pollToEnd(slot)), [String(n)]);
    }
    await member.close();
  });

  logTest("positions move back as well", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const slot = await member.open(0);
    for (const position of [
      { offset: 7, step: 3 },
      { offset: 2, step: 0 },
    ]) {
      await slot.publish([], new Map([[`${topic}/0`, position]]));
      assert.deepEqual((await slot.positions()).get(`${topic}/0`), position);
    }
    await member.close();
  });
}
