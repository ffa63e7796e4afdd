// Dead letters sent again: the original bytes, into the original partition, recorded when they were, each once (O1).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { openMemoryLog } from "#adapters/memory/log.ts";
import type { DeadLetterReason } from "#core/acceptance.ts";
import type { Log, LogRecord } from "#ports/log.ts";
import { createDeadLetter } from "#services/resolver/dead-letter.ts";
import { type Letter, readLetters, REDRIVEN_HEADER, redriveLetters } from "#services/resolver/redrive.ts";

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

function given(letters: readonly Letter[]) {
  return async function* () {
    yield* letters;
  };
}

function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  return collect(log.read([topic], { from: "start", follow: false }));
}

/** Six records in two partitions, the odd ones refused; one of them was recorded a year ago. */
async function openLog(): Promise<Log> {
  const log = openMemoryLog({ now: () => NOW });
  await log.createTopics([
    { name: "channel-web", partitions: 2, config: {} },
    { name: "channel-web.dlq", partitions: 1, config: {} },
  ]);
  await log.append(
    [0, 1, 2, 3, 4, 5].map((n) => ({
      topic: "channel-web",
      partition: n % 4 < 2 ? 0 : 1,
      key: `k-${n}`,
      value: new Uint8Array([n]),
      headers: { ce_id: String(n) },
      timestampMs: n === 5 ? NOW - 365 * DAY_MS : NOW - n,
    })),
  );
  const refused = (await readAll(log, "channel-web")).filter(({ value }) => (value?.[0] ?? 0) % 2 === 1);
  const reasonOf = ({ value }: LogRecord): DeadLetterReason => (value?.[0] === 3 ? "undecodable" : "missing-order");
  await log.append(refused.map((one) => createDeadLetter(one, "channel-web.dlq", reasonOf(one), "why", NOW)));
  return log;
}

function select(log: Log, selection: Parameters<typeof readLetters>[2]) {
  return collect(readLetters(log, ["channel-web.dlq"], selection));
}

describe("dead letters", () => {
  it("are selected by topic, by reason and one by one", async () => {
    const log = await openLog();
    const ids = async (selection: Parameters<typeof readLetters>[2]) =>
      (await select(log, selection)).map(({ id }) => id);
    const all = await ids({});
    equal(all.length, 3);
    deepEqual(await ids({ topic: "channel-web" }), all);
    deepEqual(await ids({ topic: "channel-web.dlq" }), all);
    deepEqual(await ids({ topic: "channel-crm" }), []);
    equal((await ids({ reason: "undecodable" })).length, 1);
    deepEqual(await ids({ id: all[1] ?? "" }), all.slice(1, 2));
  });

  it("go back as they came: bytes, key, headers, partition and the time of recording", async () => {
    const log = await openLog();
    const before = await readAll(log, "channel-web");
    await redriveLetters(log, given(await select(log, {})), false);
    const sent = (await readAll(log, "channel-web")).filter(({ headers }) => REDRIVEN_HEADER in headers);
    const plain = ({ partition, key, value, headers, timestampMs }: LogRecord) => ({
      partition,
      key,
      value: [...(value ?? [])],
      headers: { ...headers, [REDRIVEN_HEADER]: undefined },
      timestampMs,
    });
    const byKey = (a: { key: string | null }, b: { key: string | null }) => ((a.key ?? "") < (b.key ?? "") ? -1 : 1);
    const refused = before.filter(({ value }) => (value?.[0] ?? 0) % 2 === 1);
    deepEqual(sent.map(plain).toSorted(byKey), refused.map(plain).toSorted(byKey));
  });

  it("go back once: a second time does nothing, a crash half-way leaves the rest, and only --again sends them anew", async () => {
    const log = await openLog();
    const letters = await select(log, {});
    // A crash after the first record.
    deepEqual(await redriveLetters(log, given(letters.slice(0, 1)), false), { redriven: 1, skipped: 0 });
    deepEqual(await redriveLetters(log, given(letters), false), { redriven: 2, skipped: 1 });
    deepEqual(await redriveLetters(log, given(letters), false), { redriven: 0, skipped: 3 });
    equal((await readAll(log, "channel-web")).length, 9);
    deepEqual(await redriveLetters(log, given(letters), true), { redriven: 3, skipped: 0 });
    equal((await readAll(log, "channel-web")).length, 12);
  });

  it("one that is refused again is a letter of its own, which may go back once too", async () => {
    const log = await openLog();
    const letters = await select(log, { reason: "undecodable" });
    await redriveLetters(log, given(letters), false);
    const [again] = (await readAll(log, "channel-web")).filter(({ headers }) => REDRIVEN_HEADER in headers);
    ok(again !== undefined);
    await log.append([createDeadLetter(again, "channel-web.dlq", "undecodable", "why", NOW)]);
    deepEqual(await redriveLetters(log, given(await select(log, { reason: "undecodable" })), false), {
      redriven: 1,
      skipped: 1,
    });
  });
});
