// What every store promises (S1: state, position and outbox of a shard change in one atomic, fenced step; a stale
// owner can change nothing), and the small print that a caller may build on:
// - a ref has at most one timer per queue: added again, it moves; removals come before additions of the same commit;
// - a removal names the ref: the time it carries is not looked at;
// - trimming comes last, so an entry that is already published at its own commit is not kept;
// - an epoch that is not the store's present one is fenced, also one that the store has lost;
// - a commit that moves backwards, or publishes without moving, is a RangeError: a mistake of the caller.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import * as fc from "fast-check";
import type { NewRecord, Position } from "#ports/log.ts";
import type { ShardCommit, Store, Timer } from "#ports/store.ts";

/** A store that also says how many parts a shard has; each adapter here does. */
export type CountingStore = Store & { countParts(shard: number): Promise<number> };

/** A fresh, empty store; null where what it needs is not running (and the test was skipped). */
export type OpenStore = (t: TestContext) => Promise<CountingStore | null>;

const START: Position = { offset: 0, step: 0 };

export function testStore(name: string, open: OpenStore): void {
  function storeTest(title: string, body: (store: CountingStore) => Promise<void>): void {
    test(`${name} store: ${title}`, async (t) => {
      const store = await open(t);
      if (store === null) return;
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });
  }

  storeTest("a shard never written has position 0, no outbox, no parts and no timers", async (store) => {
    assert.deepEqual(await store.readHead(3), { position: START, outbox: [] });
    assert.deepEqual(await store.load(3, ["a", "b"]), [null, null]);
    assert.deepEqual(await store.load(3, []), []);
    assert.deepEqual(await store.dueTimers(3, "time", Number.MAX_SAFE_INTEGER, 10), []);
    assert.equal(await store.countParts(3), 0);
    assert.deepEqual(await scan(store, 3, ""), []);
  });

  storeTest("S1: one commit changes parts, timers, outbox and position together, in its shard only", async (store) => {
    const epoch = await raise(store, 1);
    const record = { topic: "out", key: "p1", value: Uint8Array.from([0, 255, 10]), headers: { a: "é☃" } };
    const outcome = await store.commit(
      commitOf({
        epoch,
        to: { offset: 5, step: 2 },
        parts: { a: [1, 2], b: [3] },
        timersAdded: [timer("time", 10, "r"), timer("completeness", 20, "s")],
        outbox: [record, { topic: "out", partition: 3, key: null, value: null, timestampMs: 7 }],
      }),
    );
    assert.equal(outcome, "committed");
    const head = await store.readHead(1);
    assert.deepEqual(head.position, { offset: 5, step: 2 });
    assert.deepEqual(plain(head.outbox), [
      {
        to: { offset: 5, step: 2 },
        records: [
          { topic: "out", key: "p1", value: [0, 255, 10], headers: { a: "é☃" } },
          { topic: "out", partition: 3, key: null, value: null, timestampMs: 7 },
        ],
      },
    ]);
    assert.deepEqual(plain(await store.load(1, ["b", "none", "a", "b"])), [[3], null, [1, 2], [3]]);
    assert.deepEqual(await store.dueTimers(1, "time", 10, 9), [timer("time", 10, "r")]);
    assert.deepEqual(await store.dueTimers(1, "completeness", 20, 9), [timer("completeness", 20, "s")]);
    assert.equal(await store.countParts(1), 2);
    assert.deepEqual(await store.readHead(2), { position: START, outbox: [] });
    assert.deepEqual(await store.load(2, ["a"]), [null]);
  });

  storeTest("S1: a stale owner is fenced and changes nothing", async (store) => {
    const old = await raise(store, 1);
    await store.commit(
      commitOf({ epoch: old, to: { offset: 1, step: 0 }, parts: { a: [1], gone: [2] }, ...publication(1) }),
    );
    const before = await dump(store, 1);
    const epochs = await store.raiseEpochs([0, 1, 2]);
    assert.ok((epochs.get(1) ?? 0) > old);
    for (const epoch of [old, (epochs.get(1) ?? 0) + 1]) {
      const outcome = await store.commit(
        commitOf({
          epoch,
          from: { offset: 1, step: 0 },
          to: { offset: 2, step: 0 },
          parts: { a: [9], gone: null, new: [9] },
          timersAdded: [timer("time", 1, "x")],
          published: { offset: 1, step: 0 },
          ...publication(2),
        }),
      );
      assert.equal(outcome, "fenced", `epoch ${epoch} of ${epochs.get(1)}`);
    }
    assert.deepEqual(await dump(store, 1), before);
  });

  storeTest("S1: a step that starts elsewhere than R is refused and changes nothing", async (store) => {
    const epoch = await raise(store, 1);
    await store.commit(commitOf({ epoch, to: { offset: 7, step: 1 }, parts: { a: [1] }, ...publication(1) }));
    const before = await dump(store, 1);
    for (const from of [START, { offset: 7, step: 0 }, { offset: 8, step: 1 }]) {
      const to = { offset: 9, step: 0 };
      const parts = { a: null, b: [2] };
      const timersAdded = [timer("time", 1, "x")];
      assert.equal(await store.commit(commitOf({ epoch, from, to, parts, timersAdded, published: to })), "moved");
    }
    assert.deepEqual(await dump(store, 1), before);
  });

  storeTest("a commit sent twice, as after a lost answer, is applied once", async (store) => {
    const epoch = await raise(store, 1);
    const commit = commitOf({ epoch, to: { offset: 1, step: 0 }, parts: { a: [1] }, ...publication(1) });
    const outcomes = await Promise.all([store.commit(commit), store.commit(commit)]);
    assert.deepEqual(outcomes.toSorted(), ["committed", "moved"]);
    assert.equal((await store.readHead(1)).outbox.length, 1);
  });

  storeTest("the outbox keeps its order and drops exactly what is published", async (store) => {
    const epoch = await raise(store, 1);
    let from = START;
    const steps: Position[] = [at(1, 1), at(1, 2), at(1, 10), at(2, 0), at(10, 0), at(9_007_199_254_740_991, 0)];
    for (const to of steps) {
      assert.equal(await store.commit(commitOf({ epoch, from, to, ...publication(1) })), "committed");
      from = to;
    }
    assert.deepEqual(await outboxOf(store), steps);
    const trim = async (published: Position) => {
      assert.equal(await store.commit(commitOf({ epoch, from, to: from, published })), "committed");
      return await outboxOf(store);
    };
    assert.deepEqual(await trim(START), steps);
    assert.deepEqual(await trim(at(1, 1)), steps.slice(1));
    assert.deepEqual(await trim(at(1, 1)), steps.slice(1));
    assert.deepEqual(await trim(at(1, 9)), steps.slice(2));
    assert.deepEqual(await trim(at(9, 5)), steps.slice(4));
    assert.deepEqual(await trim(from), []);
  });

  storeTest("an entry that is published at its own commit is not kept", async (store) => {
    const epoch = await raise(store, 1);
    await store.commit(commitOf({ epoch, to: at(1, 0), published: at(1, 0), ...publication(2) }));
    assert.deepEqual(await outboxOf(store), []);
  });

  storeTest("a commit that moves backwards, or publishes without moving, is a mistake", async (store) => {
    const epoch = await raise(store, 1);
    await store.commit(commitOf({ epoch, to: at(1, 0) }));
    await assert.rejects(store.commit(commitOf({ epoch, from: at(1, 0), to: at(0, 9) })), RangeError);
    await assert.rejects(
      store.commit(commitOf({ epoch, from: at(1, 0), to: at(1, 0), ...publication(1) })),
      RangeError,
    );
  });

  storeTest("parts are any bytes, also none, and belong to the store once committed", async (store) => {
    const epoch = await raise(store, 1);
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const big = new Uint8Array(300_000).fill(0x80);
    const shared = Uint8Array.from([1, 2, 3, 4]);
    const parts = new Map<string, Uint8Array>([
      ["every", every],
      ["none", new Uint8Array()],
      ["big", big],
      ["view", shared.subarray(1, 3)],
    ]);
    assert.equal(await store.commit({ ...commitOf({ epoch, to: at(1, 0) }), parts }), "committed");
    shared.fill(9);
    const loaded = await store.load(1, [...parts.keys()]);
    assert.deepEqual(plain(loaded), [[...every], [], [...big], [2, 3]]);
  });

  storeTest("timers come by (atMs, ref) up to a time and a number; each queue has its own", async (store) => {
    const epoch = await raise(store, 1);
    const shuffled: [number, string][] = [
      [20, "b"],
      [5, "z"],
      [20, "a"],
      [20, "B"],
      [100, "c"],
      [1_900_000_000_123, "far"],
    ];
    const timersAdded = shuffled.map(([atMs, ref]) => timer("time", atMs, ref));
    timersAdded.push(timer("completeness", 6, "z"));
    await store.commit(commitOf({ epoch, to: at(1, 0), timersAdded }));
    assert.deepEqual(refs(await store.dueTimers(1, "time", 20, 99)), ["z@5", "B@20", "a@20", "b@20"]);
    assert.deepEqual(refs(await store.dueTimers(1, "time", 20, 2)), ["z@5", "B@20"]);
    assert.deepEqual(refs(await store.dueTimers(1, "time", 19, 99)), ["z@5"]);
    assert.deepEqual(refs(await store.dueTimers(1, "time", 4, 99)), []);
    assert.deepEqual(refs(await store.dueTimers(1, "time", 2_000_000_000_000, 99)).at(-1), "far@1900000000123");
    assert.deepEqual(refs(await store.dueTimers(1, "completeness", 99, 99)), ["z@6"]);
  });

  storeTest("a ref added again moves; a removal names the ref; removals come before additions", async (store) => {
    const epoch = await raise(store, 1);
    await store.commit(
      commitOf({ epoch, to: at(1, 0), timersAdded: ["a", "b", "c"].map((ref) => timer("time", 10, ref)) }),
    );
    await store.commit(
      commitOf({
        epoch,
        from: at(1, 0),
        to: at(2, 0),
        timersRemoved: [timer("time", 999, "b"), timer("time", 10, "c"), timer("completeness", 10, "a")],
        timersAdded: [timer("time", 5, "a"), timer("time", 30, "c"), timer("time", 40, "a")],
      }),
    );
    assert.deepEqual(refs(await store.dueTimers(1, "time", 99, 99)), ["c@30", "a@40"]);
  });

  storeTest(
    "scan yields each part of its shard that begins with the prefix, whatever characters it has",
    async (store) => {
      const epochs = await store.raiseEpochs([1, 2]);
      const keys = ["f:a", "f:b", "f*:c", "f[a]:d", "f?", "g:e", "F:a", "f\\x", "f"];
      for (const shard of [1, 2]) {
        const parts = Object.fromEntries(keys.map((key, i) => [`${key}${shard}`, [i]]));
        await store.commit({ ...commitOf({ epoch: epochs.get(shard) ?? 0, to: at(1, 0), parts }), shard });
      }
      const found = async (prefix: string) => (await scan(store, 1, prefix)).map(([key]) => key);
      assert.deepEqual(await found("f:"), ["f:a1", "f:b1"]);
      assert.deepEqual(await found("f*"), ["f*:c1"]);
      assert.deepEqual(await found("f["), ["f[a]:d1"]);
      assert.deepEqual(await found("f?"), ["f?1"]);
      assert.deepEqual(await found("f\\"), ["f\\x1"]);
      assert.equal((await found("")).length, keys.length);
      assert.deepEqual(await scan(store, 2, "g"), [["g:e2", [5]]]);
    },
  );

  storeTest("S1: a commit of 5,000 parts, of which half were there, is one step and counted exactly", async (store) => {
    const epoch = await raise(store, 1);
    const parts = (from: number, to: number) => {
      const value = new Uint8Array(400).fill(7);
      return new Map(Array.from({ length: to - from }, (_, i) => [`part:${from + i}`, value]));
    };
    await store.commit({ ...commitOf({ epoch, to: at(1, 0) }), parts: parts(0, 2500) });
    const timersAdded = Array.from({ length: 5000 }, (_, i) => timer("time", i, `ref:${i}`));
    const second = { ...commitOf({ epoch, from: at(1, 0), to: at(2, 0), timersAdded }), parts: parts(0, 5000) };
    assert.equal(await store.commit(second), "committed");
    assert.equal(await store.countParts(1), 5000);
    const keys = [...second.parts.keys()];
    assert.ok((await store.load(1, keys)).every((value) => value?.length === 400));
    assert.equal((await store.dueTimers(1, "time", 1e9, 10_000)).length, 5000);
    assert.equal((await scan(store, 1, "part:")).length, 5000);
    const deleted = new Map(keys.slice(0, 4999).map((key) => [key, null]));
    const third = commitOf({ epoch, from: at(2, 0), to: at(3, 0), timersRemoved: timersAdded });
    assert.equal(await store.commit({ ...third, parts: deleted }), "committed");
    assert.equal(await store.countParts(1), 1);
    assert.deepEqual(await store.dueTimers(1, "time", 1e9, 10), []);
  });

  storeTest("S1: any run of takings-over, commits and refusals leaves what a naive model says", async (store) => {
    let shard = 100;
    const property = fc.asyncProperty(fc.array(someStep, { maxLength: 12 }), (steps) =>
      checkModel(store, shard++, steps),
    );
    await fc.assert(property, { numRuns: 150 });
  });
}

// The naive model: a shard as one value, replaced as a whole by each commit.

interface Model {
  epoch: number;
  position: Position;
  parts: Map<string, Uint8Array>;
  timers: Timer[];
  outbox: { readonly to: Position; readonly records: readonly NewRecord[] }[];
}

const someKey = fc.constantFrom("a", "b", "ab", "b:1", "b:2");
const someTimer = fc.record({
  queue: fc.constantFrom("time" as const, "completeness" as const),
  atMs: fc.nat(3),
  ref: fc.constantFrom("q", "r", "s"),
});
const someRecord = fc.record(
  {
    topic: fc.constantFrom("t", "u"),
    key: fc.option(fc.string({ unit: "binary", maxLength: 3 })),
    value: fc.option(fc.uint8Array({ maxLength: 4 })),
    partition: fc.nat(3),
    timestampMs: fc.nat(),
    headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 3 }), fc.string({ unit: "binary", maxLength: 3 }), {
      maxKeys: 2,
    }),
  },
  { requiredKeys: ["topic", "key", "value"] },
);
const someStep = fc.record({
  raise: fc.boolean(),
  epochShift: fc.constantFrom(0, 0, 0, 0, 0, -1, 1),
  fromShift: fc.constantFrom(0, 0, 0, 0, 0, 1),
  move: fc.record({ offset: fc.nat(1), step: fc.integer({ min: 1, max: 3 }) }),
  trim: fc.record({ offset: fc.nat(12), step: fc.nat(6) }),
  parts: fc.array(fc.tuple(someKey, fc.option(fc.uint8Array({ maxLength: 4 }))), { maxLength: 4 }),
  timersAdded: fc.array(someTimer, { maxLength: 4 }),
  timersRemoved: fc.array(someTimer, { maxLength: 3 }),
  outbox: fc.array(someRecord, { maxLength: 3 }),
});
type Step = typeof someStep extends fc.Arbitrary<infer Value> ? Value : never;

async function checkModel(store: CountingStore, shard: number, steps: readonly Step[]): Promise<void> {
  const model: Model = { epoch: await raise(store, shard), position: START, parts: new Map(), timers: [], outbox: [] };
  for (const step of steps) {
    if (step.raise) model.epoch = await raise(store, shard);
    const { offset } = model.position;
    const from = { offset: offset + step.fromShift, step: model.position.step };
    const to = { offset: from.offset + step.move.offset, step: from.step + step.move.step };
    const { parts, timersAdded, timersRemoved, outbox, trim: published } = step;
    const epoch = model.epoch + step.epochShift;
    const commit = { shard, epoch, from, to, parts: new Map(parts), timersAdded, timersRemoved, outbox, published };
    const expected = step.epochShift !== 0 ? "fenced" : step.fromShift !== 0 ? "moved" : "committed";
    assert.equal(await store.commit(commit), expected);
    if (expected === "committed") apply(model, commit);
    assert.deepEqual(await dump(store, shard), dumpModel(model));
    const keys = ["b", "none", "a", "b:1"];
    assert.deepEqual(plain(await store.load(shard, keys)), plain(keys.map((key) => model.parts.get(key) ?? null)));
    assert.deepEqual(
      (await scan(store, shard, "b:")).map(([key]) => key),
      [...model.parts.keys()].filter((key) => key.startsWith("b:")).toSorted(),
    );
  }
}

function apply(model: Model, commit: ShardCommit): void {
  const isAfter = (a: Position, b: Position) => a.offset > b.offset || (a.offset === b.offset && a.step > b.step);
  for (const [key, value] of commit.parts) {
    if (value === null) model.parts.delete(key);
    else model.parts.set(key, value);
  }
  const drop = ({ queue, ref }: Timer) =>
    (model.timers = model.timers.filter((one) => one.queue !== queue || one.ref !== ref));
  for (const timer of commit.timersRemoved) drop(timer);
  for (const timer of commit.timersAdded) drop(timer).push(timer);
  if (commit.outbox.length > 0) model.outbox.push({ to: commit.to, records: commit.outbox });
  model.outbox = model.outbox.filter((entry) => isAfter(entry.to, commit.published));
  model.position = commit.to;
}

function dumpModel(model: Model): unknown {
  const sorted = model.timers.toSorted((a, b) => a.atMs - b.atMs || (a.ref < b.ref ? -1 : 1));
  const timers = ["time", "completeness"].map((queue) => sorted.filter((timer) => timer.queue === queue));
  const parts = [...model.parts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return plain({ head: { position: model.position, outbox: model.outbox }, timers, parts, count: parts.length });
}

interface CommitWanted {
  readonly epoch: number;
  readonly from?: Position;
  readonly to: Position;
  readonly parts?: Readonly<Record<string, readonly number[] | null>>;
  readonly timersAdded?: readonly Timer[];
  readonly timersRemoved?: readonly Timer[];
  readonly outbox?: readonly NewRecord[];
  readonly published?: Position;
}

function commitOf(wanted: CommitWanted): ShardCommit {
  const parts = Object.entries(wanted.parts ?? {});
  return {
    shard: 1,
    epoch: wanted.epoch,
    from: wanted.from ?? START,
    to: wanted.to,
    parts: new Map(parts.map(([key, value]) => [key, value === null ? null : Uint8Array.from(value)])),
    timersAdded: wanted.timersAdded ?? [],
    timersRemoved: wanted.timersRemoved ?? [],
    outbox: wanted.outbox ?? [],
    published: wanted.published ?? START,
  };
}

function publication(records: number): { outbox: NewRecord[] } {
  return { outbox: Array.from({ length: records }, (_, i) => ({ topic: "out", key: `k${i}`, value: null })) };
}

async function raise(store: Store, shard: number): Promise<number> {
  const epoch = (await store.raiseEpochs([shard])).get(shard);
  assert.ok(epoch !== undefined && epoch > 0);
  return epoch;
}

function timer(queue: Timer["queue"], atMs: number, ref: string): Timer {
  return { queue, atMs, ref };
}

function at(offset: number, step: number): Position {
  return { offset, step };
}

function refs(timers: readonly Timer[]): string[] {
  return timers.map(({ atMs, ref }) => `${ref}@${atMs}`);
}

async function outboxOf(store: Store): Promise<Position[]> {
  return (await store.readHead(1)).outbox.map((entry) => entry.to);
}

async function scan(store: Store, shard: number, prefix: string): Promise<[string, number[]][]> {
  const found: [string, number[]][] = [];
  for await (const { key, value } of store.scan(shard, prefix)) found.push([key, [...value]]);
  return found.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

async function dump(store: CountingStore, shard: number): Promise<unknown> {
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
