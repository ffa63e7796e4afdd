// What a resolver slot may say of time: never more than it has read (T2).

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryLog } from "#adapters/memory/log.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { createRegistry } from "#core/registry.ts";
import type { Index } from "#ports/index.ts";
import type { Log, Membership, OwnedSlot, Polled } from "#ports/log.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Item, RulesItem } from "#core/item.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { BATCH_RECORDS_MAX } from "#services/resolver/loop.ts";
import { startResolver } from "#services/resolver/main.ts";
import { interleaveProgress, placeChanges } from "#services/resolver/progress.ts";
import { readBundle, type BundleValue } from "#services/wire/bundle.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { IndexKeeper } from "#services/wire/index-keeper.ts";
import { createHash } from "#services/wire/hash.ts";
import { until } from "#support/until.ts";

const { configuration } = loadConfiguration(undefined, {});
const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });
const RESOLVED = "weft.resolved";
const START_MS = Date.UTC(2026, 2, 2);

const encodeEvent = await codec.encoder("channel-web", "ChannelEvent");
const encodeBundle = await codec.encoder(RESOLVED, "ResolvedBundle");

async function createTopics(log: Log): Promise<void> {
  await log.createTopics([
    { name: "channel-web", partitions: 2, config: {} },
    { name: "channel-web.dlq", partitions: 1, config: {} },
    { name: RESOLVED, partitions: 1, config: {} },
  ]);
}

function append(
  log: Log,
  event: ChannelEvent,
  place: { partition?: number; timestampMs?: number } = {},
): Promise<void> {
  return log.append([{ topic: "channel-web", key: null, value: encodeEvent(event), ...place }]);
}

function visit(eventId: string, occurredAt: number): ChannelEvent {
  return { eventId, type: "page-viewed", occurredAt, identifiers: [{ namespace: "cookie", value: eventId }] };
}

function start(log: Log, index: Index, now: () => number, tickIntervalMs: number, source = "web"): Promise<Membership> {
  const waiting = { onWait: assert.fail };
  const known = new ComponentIndex(index);
  const shared = { codec, resolvedTopic: RESOLVED, shards: 1, waiting };
  return startResolver(
    log,
    {
      ...shared,
      now,
      keeper: new IndexKeeper({ ...shared, index, known, log, run: "r" }),
      registry: createRegistry(configuration, createHash("a key for tests, long enough to be one")),
      index: known,
      encodeBundle,
      tickIntervalMs,
      transactionIntervalMs: 1,
      sourceOf: () => source,
      deadLetterTopic: (topic) => `${topic}.dlq`,
    },
    { topics: ["channel-web"], slots: 1, groupPrefix: "" },
  );
}

/** Items of the inner log until the reader has seen enough; a slot that fails ends the reading too. */
async function* readItems(log: Log, membership: Membership): AsyncGenerator<Item> {
  const failed = new AbortController();
  membership.closed.catch(() => failed.abort());
  for await (const record of log.read([RESOLVED], { from: "start", follow: true, signal: failed.signal })) {
    const decoded = codec.decode(record.value);
    assert.ok(decoded.ok);
    for (const { item } of readBundle(decoded.value as BundleValue)) yield item;
  }
}

test("a slot has not passed an instant while a record of before that instant waits to be read (T2)", async () => {
  let clockMs = START_MS;
  const log = openMemoryLog({ now: () => clockMs });
  await createTopics(log);
  // While the first event is being resolved a second one is recorded, and time passes on.
  const plain = openMemoryIndex();
  const slow: Index = {
    ...plain,
    async putIfAbsent(entries) {
      if (clockMs === START_MS) {
        clockMs += 1_000;
        await append(log, visit("second", clockMs));
        clockMs += 60_000;
      }
      return plain.putIfAbsent(entries);
    },
  };
  await append(log, visit("first", clockMs));
  const membership = await start(log, slow, () => clockMs, 1);
  let passedMs = 0;
  const arrived: string[] = [];
  for await (const item of readItems(log, membership)) {
    if (item.kind === "progress") passedMs = Math.max(passedMs, item.timeMs);
    else if (item.kind === "event") {
      assert.ok(item.recordedAt >= passedMs, `${item.eventId} came after its instant had been passed`);
      arrived.push(item.eventId);
    }
    if (arrived.length === 2 && passedMs === clockMs) break;
  }
  await membership.close();
  await membership.closed;
  assert.deepEqual(arrived, ["first", "second"]);
  await log.close();
});

/** The log, as one that says this of some partitions. */
function reach(log: Log, reachOf: () => Polled["reach"]): Log {
  return {
    ...log,
    joinGroup: (options) =>
      log.joinGroup({
        ...options,
        run: (slot) => {
          const poll: OwnedSlot["poll"] = async (recordsMax, waitMs) => {
            const polled = await slot.poll(recordsMax, waitMs);
            return { ...polled, reach: new Map([...polled.reach, ...reachOf()]) };
          };
          return options.run(
            new Proxy(slot, { get: (one, name) => (name === "poll" ? poll : Reflect.get(one, name)) }),
          );
        },
      }),
  };
}

for (const [what, ageMs, passes] of [
  ["was written later than that", 30_000, ["-60000 undefined", "-30000 undefined"]],
  ["may be of any time", Number.POSITIVE_INFINITY, []],
] as const)
  test(`what is hidden behind an open transaction has not been passed: it ${what} (T2)`, async () => {
    const clockMs = START_MS;
    const plain = openMemoryLog({ now: () => clockMs });
    await createTopics(plain);
    let hidden: Polled["reach"] = new Map([["channel-web/0", { readUpToMs: clockMs - ageMs, rest: "hidden" }]]);
    const log = reach(plain, () => hidden);
    await append(log, visit("first", clockMs), { partition: 1, timestampMs: clockMs - 60_000 });
    const membership = await start(log, openMemoryIndex(), () => clockMs, 1, "store");
    const told: [timeMs: number, complete: number | undefined][] = [];
    setTimeout(() => (hidden = new Map()), 300);
    for await (const item of readItems(log, membership)) {
      if (item.kind !== "progress") continue;
      told.push([item.timeMs - clockMs, item.completeUpToMs["store"]]);
      if (item.timeMs === clockMs) break;
    }
    await membership.close();
    await membership.closed;
    await log.close();
    const before = new Set(told.slice(0, -1).map(([passed, complete]) => `${passed} ${complete}`));
    assert.deepEqual([...before], passes, "while it is hidden");
    assert.deepEqual(told.at(-1), [0, clockMs], "once it is not");
  });

for (const [what, aheadMs] of [
  ["", -10_000],
  [", also where its producer's clock is ahead", 60_000],
] as const)
  test(`a file that was read is complete once the slot has passed it, for another slot may have more of it${what} (T2)`, async () => {
    const clockMs = START_MS;
    const plain = openMemoryLog({ now: () => clockMs });
    await createTopics(plain);
    let seen: Polled["reach"] = new Map([["channel-web/1", { readUpToMs: clockMs - 60_000, rest: "none" }]]);
    const log = reach(plain, () => seen);
    await append(log, visit("file", clockMs - 90_000), { partition: 0, timestampMs: clockMs + aheadMs });
    const membership = await start(log, openMemoryIndex(), () => clockMs, 1, "store");
    setTimeout(() => (seen = new Map()), 300);
    const told: (readonly [passedMs: number, complete: number | undefined])[] = [];
    for await (const item of readItems(log, membership)) {
      if (item.kind !== "progress") continue;
      told.push([item.timeMs - clockMs, item.completeUpToMs["store"]]);
      if (item.timeMs === clockMs && item.completeUpToMs["store"] !== undefined) break;
    }
    await membership.close();
    await membership.closed;
    await log.close();
    assert.deepEqual(
      new Set(told.map(([passedMs, complete]) => `${passedMs} ${complete}`)),
      new Set(["-60000 undefined", `0 ${clockMs - 90_000}`]),
    );
  });

test("catching up, time passes before each record as it did when the record was made (T2)", async () => {
  const HOUR_MS = 3_600_000;
  const log = openMemoryLog({ now: () => START_MS + 100 * HOUR_MS });
  await createTopics(log);
  // Two partitions, read one after the other, whose records lie between each other's.
  for (const [partition, hours] of [
    [0, [0, 30, 31]],
    [1, [2, 29, 60]],
  ] as const)
    for (const hour of hours)
      await append(log, visit(`h${hour}`, START_MS), { partition, timestampMs: START_MS + hour * HOUR_MS });
  const membership = await start(log, openMemoryIndex(), () => START_MS + 100 * HOUR_MS, HOUR_MS);
  let passedMs = 0;
  const told: [string, number][] = [];
  for await (const item of readItems(log, membership)) {
    if (item.kind === "progress") passedMs = item.timeMs;
    else if (item.kind === "event") told.push([item.eventId, (passedMs - START_MS) / HOUR_MS]);
    if (told.length === 6) break;
  }
  await membership.close();
  await membership.closed;
  assert.deepEqual(told, [
    ["h0", 0],
    ["h2", 2],
    ["h29", 29],
    ["h30", 30],
    ["h31", 31],
    ["h60", 60],
  ]);
  await log.close();
});

test("catching up, a partition on which nothing waits holds no time back (T2)", async () => {
  const log = openMemoryLog({ now: () => START_MS + 1_000 * 60_000 });
  await createTopics(log);
  // More than two batches, a minute a hundred; the other partition has nothing.
  const count = 2 * BATCH_RECORDS_MAX + 100;
  const atMs = (n: number) => START_MS + Math.floor(n / 100) * 60_000;
  const records = Array.from({ length: count }, (_, n) => ({
    topic: "channel-web",
    partition: 0,
    key: null,
    value: encodeEvent(visit(`e${n}`, START_MS)),
    timestampMs: atMs(n),
  }));
  await log.append(records);
  const membership = await start(log, openMemoryIndex(), () => START_MS + 1_000 * 60_000, 60_000);
  let passedMs = 0;
  let told = 0;
  for await (const item of readItems(log, membership)) {
    if (item.kind === "progress") passedMs = item.timeMs;
    if (item.kind !== "event") continue;
    assert.equal(passedMs, atMs(told), `before event ${told}`);
    told += 1;
    if (told === count) break;
  }
  await membership.close();
  await membership.closed;
  await log.close();
});

test("a slot says in the middle of a batch no more than it has passed at its end, and not at every step", () => {
  const event = (recordedAt: number) => ({ item: { kind: "event", recordedAt } as Item, event: null });
  const list = interleaveProgress([10, 14, 15, 30, 90].map(event), {
    slot: 3,
    fromMs: 10,
    upToMs: 40,
    stepMs: 5,
    completeUpToMs: { store: 1 },
  });
  assert.deepEqual(
    list.map(({ item }) =>
      item.kind === "progress" ? `passed ${item.timeMs}` : (item as { recordedAt: number }).recordedAt,
    ),
    [10, 14, "passed 15", 15, "passed 30", 30, "passed 40", 90],
  );
});

test("a rule set stands in a batch before what was recorded after it, and the time until then before it (T1, T2)", () => {
  const event = (recordedAt: number) => ({ item: { kind: "event", recordedAt } as Item, event: null });
  const rules = (recordedAt: number) => ({ item: { kind: "rules", recordedAt } as RulesItem, event: null });
  const passing = { slot: 0, fromMs: 0, upToMs: 100, stepMs: 5, completeUpToMs: {} };
  const say = (items: readonly number[], changes: readonly number[]) =>
    interleaveProgress(placeChanges(items.map(event), changes.map(rules)), passing).map(({ item }) =>
      item.kind === "progress"
        ? `passed ${item.timeMs}`
        : `${item.kind} ${(item as { readonly recordedAt: number }).recordedAt}`,
    );
  assert.deepEqual(say([10, 20, 30], [20, 25]), [
    "passed 10",
    "event 10",
    "passed 20",
    "event 20",
    "rules 20",
    "passed 25",
    "rules 25",
    "passed 30",
    "event 30",
  ]);
  assert.deepEqual(say([], [7]), ["passed 7", "rules 7"]);
});

test("what was told of a file is complete also where the slot changed hands before it had said so (T1)", async () => {
  const HOUR_MS = 3_600_000;
  const clockMs = START_MS + 3 * HOUR_MS;
  const log = openMemoryLog({ now: () => clockMs });
  await createTopics(log);
  const index = openMemoryIndex();
  // Longer than the test: each owner says once how far it has come.
  const startOne = () => start(log, index, () => clockMs, 24 * HOUR_MS, "store");
  let completeUpToMs = 0;
  const first = await startOne();
  await append(log, visit("one", START_MS + HOUR_MS));
  for await (const item of readItems(log, first)) {
    if (item.kind === "progress") completeUpToMs = item.completeUpToMs["store"] ?? 0;
    if (completeUpToMs === START_MS + HOUR_MS) await append(log, visit("two", START_MS + 2 * HOUR_MS));
    if (item.kind === "event" && item.eventId === "two") break;
  }
  await first.close();
  const ends = await log.endOffsets([RESOLVED]);
  const second = await startOne();
  // Something to speak about, which tells nothing.
  await log.append([{ topic: "channel-web", key: null, value: null }]);
  await until("the next owner says how far it has come", async () => {
    const now = await log.endOffsets([RESOLVED]);
    return [...now].some(([key, end]) => end > (ends.get(key) ?? 0));
  });
  await second.close();
  for await (const record of log.read([RESOLVED], { from: "start", follow: false })) {
    const decoded = codec.decode(record.value);
    assert.ok(decoded.ok);
    for (const { item } of readBundle(decoded.value as BundleValue))
      if (item.kind === "progress") completeUpToMs = Math.max(completeUpToMs, item.completeUpToMs["store"] ?? 0);
  }
  assert.equal(completeUpToMs, START_MS + 2 * HOUR_MS);
  await log.close();
});
