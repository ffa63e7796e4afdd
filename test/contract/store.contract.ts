// What every store promises about steps (S1: state, position and outbox of a shard change in one atomic, fenced step; a
// stale owner can change nothing), and the small print that a caller may build on:
// - trimming comes last, so an entry that is already published at its own commit is not kept;
// - an epoch that is not the store's present one is fenced, also one that the store has lost;
// - a commit that moves backwards, or publishes without moving, is a RangeError: a mistake of the caller.
// What it promises about what it holds is in store-contents.contract.ts.

import assert from "node:assert/strict";
import * as fc from "fast-check";
import type { NewRecord, Position } from "#ports/log.ts";
import type { ShardCommit, Store, Timer } from "#ports/store.ts";
import { testStoreContents } from "./store-contents.contract.ts";
import { testCuts } from "./cut.contract.ts";
import { testStoreLosses } from "./store-losses.contract.ts";
import {
  at,
  type CountingStore,
  commitOf,
  dump,
  type OpenStore,
  plain,
  raise,
  START,
  scan,
  storeTestOf,
  timer,
} from "./store-shorthand.ts";
import { runs } from "#support/property.ts";

/** The whole contract. */
export function testStore(name: string, open: OpenStore): void {
  testStoreSteps(name, open);
  testStoreContents(name, open);
  testStoreLosses(name, open);
  testCuts(name, open);
}

function testStoreSteps(name: string, open: OpenStore): void {
  const storeTest = storeTestOf(name, open);

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
    assert.deepEqual(await store.readHead(2), { position: START, outbox: [], damage: null });
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
    await fc.assert(property, runs(150));
  });
}

function publication(records: number): { outbox: NewRecord[] } {
  return { outbox: Array.from({ length: records }, (_, i) => ({ topic: "out", key: `k${i}`, value: null })) };
}

async function outboxOf(store: Store): Promise<Position[]> {
  return (await store.readHead(1)).outbox.map((entry) => entry.to);
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
  absent: fc.array(someKey, { maxLength: 2 }),
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
    const absent = new Set(step.absent);
    const commit = {
      shard,
      epoch,
      from,
      to,
      parts: new Map(parts),
      absent,
      timersAdded,
      timersRemoved,
      outbox,
      published,
    };
    const isLost = step.absent.some((key) => model.parts.has(key));
    const expected =
      step.epochShift !== 0 ? "fenced" : step.fromShift !== 0 ? "moved" : isLost ? "damaged" : "committed";
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
  return plain({
    head: { position: model.position, outbox: model.outbox, damage: null },
    timers,
    parts,
    count: parts.length,
  });
}
