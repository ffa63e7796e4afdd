// What a slot's queue says of how far each partition was read, held against a log that knows all of it (T2).

import { ok } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { partitionKey, type LogRecord } from "#ports/log.ts";
import { SlotQueue } from "#services/adapters/kafka/slot-queue.ts";
import { checkMet, runs } from "#support/property.ts";

const PARTITIONS = [0, 1].map((partition) => ({ topic: "t", partition }));

/** A partition as its broker has it: when each record was appended, and how many are stable. */
interface Appended {
  readonly atMs: number[];
  stable: number;
}

const action = fc.oneof(
  fc.record({ kind: fc.constant("append"), partition: fc.nat(1), count: fc.nat(3) }),
  fc.record({ kind: fc.constant("end transactions"), partition: fc.nat(1), count: fc.nat(3) }),
  fc.record({ kind: fc.constant("ask to fetch"), partition: fc.nat(1), count: fc.nat(4) }),
  fc.record({ kind: fc.constant("fetch"), partition: fc.nat(1), count: fc.nat(4) }),
  fc.record({ kind: fc.constant("take"), partition: fc.nat(1), count: fc.nat(5) }),
  fc.record({ kind: fc.constant("ask for ends"), partition: fc.nat(1), count: fc.nat(1) }),
);

test("whatever is fetched, taken and asked, and when, a queue says of no partition that more was read than was (T2)", (t) => {
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
          case "ask to fetch":
            askedAtMs[partition] = nowMs;
            break;
          case "fetch": {
            const to = Math.max(next, Math.min(next + count, appended.stable));
            const record = (offset: number) => ({ topic: "t", partition, offset, value: null }) as unknown as LogRecord;
            const records = Array.from({ length: to - next }, (_, n) => record(next + n));
            const [end, high] = [appended.stable, appended.atMs.length];
            const asOfMs = askedAtMs[partition] || nowMs;
            queue.push({ topic: "t", partition }, { records, next: to, end, high, asOfMs });
            fetched[partition] = to;
            askedAtMs[partition] = 0;
            break;
          }
          case "take":
            for (const one of queue.take(count)) taken[one.partition] = one.offset + 1;
            break;
          default: {
            const ends = log.map(({ atMs, stable }, n) => {
              return [partitionKey({ topic: "t", partition: n }), { end: stable, high: atMs.length }] as const;
            });
            // Only where everything that was known has been read does a slot ask.
            if (queue.isAtEnd(Number.NEGATIVE_INFINITY)) queue.seeEnds({ partitions: new Map(ends), asOfMs: nowMs });
          }
        }
        nowMs += 1;
        for (const [n, at] of PARTITIONS.entries()) {
          const reach = queue.listReach().get(partitionKey(at));
          ok(reach !== undefined);
          met[reach.rest] += 1;
          const { atMs } = log[n] as Appended;
          const firstUnreadAtMs = atMs[taken[n] as number] ?? Number.POSITIVE_INFINITY;
          if (!Number.isFinite(reach.readAgeMs)) continue;
          met.known += 1;
          const readAtMs = nowMs - reach.readAgeMs;
          ok(firstUnreadAtMs >= readAtMs, `${at.partition}: read as of ${readAtMs}, not what is of ${firstUnreadAtMs}`);
          // Whoever is asked for the end and has read to it knows it by then.
          if (kind === "ask for ends" && queue.isAtEnd(nowMs - 1) && reach.rest === "none") {
            met.current += 1;
            ok(reach.readAgeMs <= 1, `${at.partition}: read ${reach.readAgeMs} ms ago`);
          }
        }
      }
    }),
    runs(2_000),
  );
  for (const [what, count] of Object.entries(met)) checkMet(count > 0, what);
});
