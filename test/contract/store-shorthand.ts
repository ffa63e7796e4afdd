// Shorthand of the store's contract: a fresh store for each test, commits that name only what matters, and what a store
// holds as plain values.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { NewRecord, Position } from "#ports/log.ts";
import type { ShardCommit, Store, Timer } from "#ports/store.ts";

/** A store that also says how many parts a shard has; each adapter here does. */
export type CountingStore = Store & { countParts(shard: number): Promise<number> };

/** A fresh, empty store; null where what it needs is not running (and the test was skipped). */
export type OpenStore = (t: TestContext) => Promise<CountingStore | null>;

export const START: Position = { offset: 0, step: 0 };

type StoreTest = (title: string, body: (store: CountingStore) => Promise<void>) => void;

export function storeTestOf(name: string, open: OpenStore): StoreTest {
  return (title, body) => {
    test(`${name} store: ${title}`, async (t) => {
      const store = await open(t);
      if (store === null) return;
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });
  };
}

interface CommitWanted {
  readonly epoch: number;
  readonly from?: Position;
  readonly to: Position;
  readonly parts?: Readonly<Record<string, readonly number[] | null>>;
  readonly absent?: readonly string[];
  readonly timersAdded?: readonly Timer[];
  readonly timersRemoved?: readonly Timer[];
  readonly outbox?: readonly NewRecord[];
  readonly published?: Position;
}

export function commitOf(wanted: CommitWanted): ShardCommit {
  const parts = Object.entries(wanted.parts ?? {});
  return {
    shard: 1,
    epoch: wanted.epoch,
    from: wanted.from ?? START,
    to: wanted.to,
    parts: new Map(parts.map(([key, value]) => [key, value === null ? null : Uint8Array.from(value)])),
    absent: new Set(wanted.absent ?? []),
    timersAdded: wanted.timersAdded ?? [],
    timersRemoved: wanted.timersRemoved ?? [],
    outbox: wanted.outbox ?? [],
    published: wanted.published ?? START,
  };
}

export async function raise(store: Store, shard: number): Promise<number> {
  const epoch = (await store.raiseEpochs([shard])).get(shard);
  assert.ok(epoch !== undefined && epoch > 0);
  return epoch;
}

export function timer(queue: Timer["queue"], atMs: number, ref: string): Timer {
  return { queue, atMs, ref };
}

export function at(offset: number, step: number): Position {
  return { offset, step };
}

export async function scan(store: Store, shard: number, prefix: string): Promise<[string, number[]][]> {
  const found: [string, number[]][] = [];
  for await (const { key, value } of store.scan(shard, prefix)) found.push([key, [...value]]);
  return found.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export async function dump(store: CountingStore, shard: number): Promise<unknown> {
  const timers = await Promise.all(
    (["time", "completeness"] as const).map((queue) => store.dueTimers(shard, queue, Number.MAX_SAFE_INTEGER, 100)),
  );
  const parts = await scan(store, shard, "");
  return plain({ head: await store.readHead(shard), timers, parts, count: await store.countParts(shard) });
}

/** The same with bytes as plain arrays, whichever kind of byte array the store gives. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
