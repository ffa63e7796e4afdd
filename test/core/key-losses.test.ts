// What becomes of destroyed keys, and of keys that a lost index gave, where a process dies or goes on with what it knew (G1, S2).

import { deepEqual, equal, fail, ok } from "node:assert/strict";
import { test } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryStore } from "#adapters/memory/store.ts";
import { setImmediate } from "node:timers/promises";
import { createEngine } from "#core/engine.ts";
import type { EventItem } from "#core/item.ts";
import { LogError, type NewRecord, type OwnedSlot, type Position } from "#ports/log.ts";
import { runStitcherSlot } from "#services/stitcher/loop.ts";
import { type BundleValue, encodeBundles, listOpened, listSealed, readBundle } from "#services/wire/bundle.ts";
import { DESTROYED, indexKey, PayloadKeys } from "#services/wire/payload-keys.ts";
import { configuration, hash } from "#support/histories.ts";
import { createLoneServices, listRecords, openLoneSlot, PARTITION } from "#support/lone-worker.ts";

const KEYS = "weft.keys";
const HOME = "0-0000000000001-aaaaaaaaaaaaaaaaaaaaaa";

const told = { namespace: "customer", value: "c-1", assurance: "authenticated", birth: HOME, local: true } as const;
const item = {
  kind: "event",
  component: HOME,
  role: "tie",
  ruling: null,
  source: "crm",
  eventId: "e-1",
  recordedAt: 5,
  backfill: false,
  traceparent: null,
  anchor: "x",
  identifiers: [{ ...told, key: "x" }],
  order: null,
} satisfies EventItem;

const progress = { kind: "progress", slot: 0, timeMs: 1_000, completeUpToMs: {} } as const;

/** A slot of one shard that has these bundles on its log, and others behind them, and the loop over it until `done`. */
async function runSlot(
  given: readonly BundleValue[],
  keys: PayloadKeys,
  publish: (records: readonly NewRecord[], attempt: number) => void,
  isDone: () => boolean,
): Promise<string[]> {
  const stopped: string[] = [];
  const ending = new AbortController();
  const positions = new Map<string, Position>();
  let next = 0;
  let attempts = 0;
  const later = Array.from({ length: 8 }, () => ({ slot: 0, timeMs: 0, items: [{ progress }] }));
  const bundles = [...given, ...later];
  const records = listRecords(bundles);
  const slot: OwnedSlot = {
    ...openLoneSlot(PARTITION, ending.signal),
    positions: async () => new Map(positions),
    seek: (from) => {
      next = [...from.values()][0]?.offset ?? 0;
    },
    poll: async () => {
      if (isDone() || stopped.length > 0) ending.abort();
      await setImmediate();
      const polled = records.slice(next, next + 1);
      if (polled.length === 0) ending.abort();
      next += polled.length;
      return { records: polled, reach: new Map() };
    },
    publish: async (out, moved) => {
      attempts += 1;
      publish(out, attempts);
      for (const [key, position] of moved) positions.set(key, position);
    },
  };
  const engine = createEngine({ configuration, hash, resolverSlots: 1, decode: () => fail("no item has an event") });
  const services = createLoneServices(engine, openMemoryStore(), bundles);
  await runStitcherSlot({ ...services, keys, onStopped: (_shard, reason) => stopped.push(reason) }, slot);
  return stopped;
}

function open() {
  const index = openMemoryIndex();
  const start = (more: Partial<ConstructorParameters<typeof PayloadKeys>[0]> = {}) =>
    new PayloadKeys({ index, identityKey: Buffer.alloc(32, 1), topic: KEYS, now: () => 0, ...more });
  return { index, start };
}

async function seal(keys: PayloadKeys): Promise<BundleValue> {
  const bundles: BundleValue[] = [];
  const carried = [{ item, event: null }];
  const seals = await keys.toSeal(listSealed(carried), "life");
  encodeBundles((bundle) => Uint8Array.of(bundles.push(bundle)), 0, 0, carried, seals);
  return bundles[0] as BundleValue;
}

test("what was written under a key that is destroyed destroys it again, also where the process dies before it has said so (G1)", async () => {
  const { index, start } = open();
  // It still believes the key, and has put it on the topic behind the word that it is destroyed.
  const bundle = await seal(start());
  await start().destroy(["x"]);
  deepEqual(await index.get([indexKey("x")]), [DESTROYED]);
  const published: NewRecord[] = [];
  const stopped = await runSlot(
    [bundle],
    start(),
    (records, attempt) => {
      if (attempt === 1) throw new LogError("log-unavailable", "dies");
      published.push(...records);
    },
    () => published.length > 0,
  );
  deepEqual(stopped, []);
  const words = published
    .filter(({ topic }) => topic === KEYS)
    .map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]);
  deepEqual(words, [["x", DESTROYED]]);
});

test("a key that a lost index gave does not stop a shard once the index is put back (S2)", async () => {
  const { index, start } = open();
  const bundle = await seal(start());
  const [kept] = await index.get([indexKey("x")]);
  // The index is lost; this process draws another one, whose transaction is given up, and somebody puts the index back.
  const lost = openMemoryIndex();
  let current = lost;
  const keys = start({
    index: {
      get: (names) => current.get(names),
      putIfAbsent: (entries) => current.putIfAbsent(entries),
      restore: (entries) => current.restore(entries),
    },
    repair: async () => {},
  });
  await keys.toSeal(["x"], "life");
  current = index;
  deepEqual(await index.get([indexKey("x")]), [kept]);
  let isPublished = false;
  const stopped = await runSlot(
    [bundle],
    keys,
    () => (isPublished = true),
    () => isPublished,
  );
  deepEqual(stopped, []);
});

test("who passes on what stands on the log does not write its key once more: that may be destroyed by now (G1)", async () => {
  const { start } = open();
  const bundle = await seal(start());
  const keys = start();
  await keys.toSeal(["another"], "life");
  await keys.toOpen(["x"]);
  await start().destroy(["x"]);
  ok(bundle);
  deepEqual((await keys.toSeal(["x"], "life")).records, []);
});

test("who is named beside her by what is passed on is told of the same whether or not it can be read still (O2)", async () => {
  const { start } = open();
  const named = { ...told, key: "y", value: "y", local: false };
  const passed = { ...item, role: "anchor" as const, identifiers: [...item.identifiers, named] };
  const tell = async (event: Uint8Array | null): Promise<(string | undefined)[]> => {
    const keys = start();
    const carried = [{ item: passed, event }];
    const bundles: BundleValue[] = [];
    const seals = await keys.toSeal(listSealed(carried), "life");
    encodeBundles((bundle) => Uint8Array.of(bundles.push(bundle)), 0, 0, carried, seals);
    const opening = await keys.toOpen(bundles.flatMap(listOpened));
    return bundles
      .flatMap((bundle) => readBundle(bundle, opening))
      .flatMap(({ item }) => (item.kind === "event" ? item.identifiers.map(({ value }) => value) : []));
  };
  deepEqual(await tell(null), await tell(Uint8Array.of(1)));
});

test("what says nothing needs no key (S2)", async () => {
  const { start } = open();
  const keys = start();
  await keys.destroy(["x"]);
  const carried = [{ item: { ...item, role: "anchor" as const }, event: Uint8Array.of(1) }];
  const bundles: BundleValue[] = [];
  const seals = await keys.toSeal(listSealed(carried), "life");
  encodeBundles((bundle) => Uint8Array.of(bundles.push(bundle)), 0, 0, carried, seals);
  equal(bundles.length, 1);
  // The index loses the word, which does not stand on the topic yet.
  const lossy = start({ index: openMemoryIndex(), repair: async () => {} });
  let isPublished = false;
  const stopped = await runSlot(
    bundles,
    lossy,
    () => (isPublished = true),
    () => isPublished,
  );
  deepEqual(stopped, []);
});
