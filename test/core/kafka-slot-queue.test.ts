// What a slot's queue says of how far each partition was read, held against a log that knows all of it (T2).

import { ok } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { partitionKey, type LogRecord } from "#ports/log.ts";
import { SlotQueue } from "#services/adapters/kafka/slot-queue.ts";
import { checkMet, runs } from "#support/property.ts";

/** The clock, where performance.now() is 0. */
const CLOCK_MS = Date.UTC(2026, 0, 5);
const PARTITIONS = [0, 1].map((partition) => ({ topic: "t", partition }));

/** A partition as its broker has it: when each record was appended, and how many are stable. */
interface Appended {
  readonly atMs: number[];
  stable: number;
}

const action = fc.oneof(
  fc.record({ kind: fc.constant("append"), partition: fc.nat(1), count: fc.nat(3) }),
  fc.record({ kind: fc.constant("end transactions"), partition: fc.nat(1), count: fc.nat(3) }),
  fc.record({ kind: fc.constant("fetch"), partition: fc.nat(1), count: fc.nat(4) }),
  fc.record({ kind: fc.constant("wait"), partition: fc.constant(0), count: fc.nat(3) }),
  fc.record({ kind: fc.constant("take"), partition: fc.nat(1), count: fc.nat(5) }),
);

test("whatever is fetched and taken, and when, a queue says of no partition that more was read than was (T2)", (t) => {
  const met = { none: 0, waiting: 0, hidden: 0, known: 0, current: 0 };
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  fc.assert(
    fc.property(fc.array(action, { minLength: 1, maxLength: 40 }), (actions) => {
      nowMs = 1_000;
      const log = PARTITIONS.map((): Appended => ({ atMs: [], stable: 0 }));
      const queue = new SlotQueue(PARTITIONS, () => {});
      const fetched = [0, 0];
      const taken = [0, 0];
      const askedAtMs = [0, 0];
      for (const { kind, partition, count } of actions) {
        nowMs += 1;
        const appended = log[partition] as Appended;
        const next = fetched[partition] as number;
        switch (kind) {
          case "append":
            for (let n = 0; n < count; n += 1) appended.atMs.push(nowMs);
            break;
          case "end transactions":
            appended.stable = Math.min(appended.atMs.length, appended.stable + count);
            break;
          case "fetch": {
            // The answer may be of later than the question.
            const asOfMs = nowMs - (count === 0 ? 1 : 0);
            askedAtMs[partition] = asOfMs;
            const to = Math.max(next, Math.min(next + count, appended.stable));
            const record = (offset: number) => ({ topic: "t", partition, offset, value: null }) as unknown as LogRecord;
            const records = Array.from({ length: to - next }, (_, n) => record(next + n));
            const [end, high] = [appended.stable, appended.atMs.length];
            queue.push({ topic: "t", partition }, { records, next: to, end, high, asOfMs, clockMs: CLOCK_MS + asOfMs });
            fetched[partition] = to;
            break;
          }
          case "wait":
            nowMs += 4_000 * count;
            break;
          default:
            for (const one of queue.take(count)) taken[one.partition] = one.offset + 1;
        }
        nowMs += 1;
        for (const [n, at] of PARTITIONS.entries()) {
          const reach = queue.listReach().get(partitionKey(at));
          ok(reach !== undefined);
          met[reach.rest] += 1;
          const lookMs = askedAtMs[n] as number;
          ok(reach.rest === "waiting" || nowMs - lookMs <= 10_000, `${at.partition}: ${reach.rest}, as of ${lookMs}`);
          const { atMs } = log[n] as Appended;
          const firstUnreadAtMs = atMs[taken[n] as number] ?? Number.POSITIVE_INFINITY;
          if (!Number.isFinite(reach.readUpToMs)) continue;
          met.known += 1;
          const readAtMs = reach.readUpToMs - CLOCK_MS;
          ok(firstUnreadAtMs >= readAtMs, `${at.partition}: read as of ${readAtMs}, not what is of ${firstUnreadAtMs}`);
          // What was just fetched and taken was read when it was asked for.
          if (kind !== "fetch" || n !== partition || reach.rest !== "none") continue;
          met.current += 1;
          ok(readAtMs === lookMs, `${at.partition}: read as of ${readAtMs}, and not of ${lookMs}`);
        }
      }
    }),
    runs(2_000),
  );
  for (const [what, count] of Object.entries(met)) checkMet(count > 0, what);
});
