// What a store must keep of a step that is larger than a commit: R stands inside a bundle, the outbox has an entry for each
// part, and whoever takes over goes on from there. However often that happens, and however small the parts are, outputs
// come once and in order, and the moves from segment to segment are those of a fold that is not cut (O2, S1).

import assert from "node:assert/strict";
import type { Rules } from "#core/configuration.ts";
import type { Output } from "#core/effect.ts";
import { createEngine } from "#core/engine.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Carried } from "#core/item.ts";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryStore } from "#adapters/memory/store.ts";
import type { Position } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch } from "#services/resolver/resolver.ts";
import { type Bundle, ShardStitcher, type Step } from "#services/stitcher/shard.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { configuration, hash } from "#support/histories.ts";
import { toRulesItem } from "#support/rule-sets.ts";
import { type OpenStore, storeTestOf } from "./store-shorthand.ts";

const SHARD = 3;
const PEOPLE = 23;
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 5);
const START: Position = { offset: 0, step: 0 };

const events: ChannelEvent[] = [];
const engineOf = (firedMax: number) =>
  createEngine({
    configuration,
    hash,
    resolverSlots: 1,
    firedMax,
    decode: (bytes) => events[bytes[0] ?? 0] as ChannelEvent,
  });

/** Everybody fills a cart; two days on all carts are due at once, in the middle of a bundle that does other things too. */
async function createBundles(): Promise<Bundle[]> {
  const { registry } = engineOf(1);
  const resolve = async (person: number, hours: number) => {
    const recordedAt = START_MS + hours * HOUR_MS + person;
    const event: ChannelEvent = {
      eventId: `e${events.length}`,
      type: "product-added",
      occurredAt: recordedAt,
      identifiers: [{ namespace: "customer", value: `c-${person}` }],
    };
    const bytes = new Uint8Array([events.push(event) - 1]);
    const arrival = { source: "web", recordedAt, event, bytes, backfill: false, traceparent: null };
    const index = new ComponentIndex(openMemoryIndex());
    const { items } = await resolveBatch({ registry, index, shards: 1, recent: new RecentEvents() }, [arrival]);
    return items.get(0) ?? [];
  };
  const passHours = (hours: number): Carried => {
    const timeMs = START_MS + hours * HOUR_MS;
    return { item: { kind: "progress", slot: 0, timeMs, completeUpToMs: { store: timeMs } }, event: null };
  };
  const carts = await Promise.all(Array.from({ length: PEOPLE }, (_, person) => resolve(person, 0)));
  const [before, after] = [await resolve(PEOPLE, 47), await resolve(0, 49)];
  const contents = [carts.flat(), [...before, passHours(48), ...after], [passHours(90)]];
  return contents.map((items, offset) => ({ offset, items }));
}

interface Told {
  readonly outputs: readonly Output[];
  readonly places: readonly string[];
}

/** Every `anew` steps somebody else takes over. */
async function fold(store: Store, bundles: readonly Bundle[], firedMax: number, anew: number): Promise<Told> {
  const outputs: Output[] = [];
  const places: string[] = [];
  let heard: readonly Output[] = [];
  for (let steps = 0, stitcher: ShardStitcher | null = null; ; steps += 1) {
    const { position, outbox } = await store.readHead(SHARD);
    assert.equal(
      outbox.filter(({ to }) => to.offset === position.offset && to.step === position.step).length <= 1,
      true,
    );
    if (position.offset >= bundles.length) return { outputs, places };
    if (stitcher === null || steps % anew === 0) {
      const epoch = (await store.raiseEpochs([SHARD])).get(SHARD) as number;
      stitcher = new ShardStitcher(
        {
          engine: engineOf(firedMax),
          store,
          shards: 1,
          resolvedTopic: "weft.resolved",
          encodeBundle: () => new Uint8Array(),
          encodeOutput: (output, { offset, step }) => ({ topic: output.kind, key: `${offset}-${step}`, value: null }),
          prepareEvents: async () => {},
          findRoots: async () => new Map(),
          join: async () => [],
          onOutputs: (more) => void (heard = more),
        },
        SHARD,
        epoch,
        position,
      );
    }
    const step: Step = await stitcher.apply(bundles.slice(position.offset, position.offset + 1), START, START);
    assert.equal(step.outcome, "committed");
    outputs.push(...heard);
    places.push(`${step.to.offset}-${step.to.step}`);
    if (step.records.length > 0) assert.deepEqual((await store.readHead(SHARD)).outbox.at(-1)?.to, step.to);
  }
}

/** Everybody has a cart, and is looked at under other rules twice: the second time each is put back. */
async function createRuledBundles(): Promise<Bundle[]> {
  const [carts, ...later] = await createBundles();
  const { rules } = configuration;
  const ladder = rules.ladder.map((rung) => (rung.segment === "prospect" ? { ...rung, segment: "lead" } : rung));
  const change = (told: Rules, sequence: number): Carried => {
    return { item: toRulesItem(told, sequence, START_MS), event: null };
  };
  const there = change({ ...rules, version: "other", ladder }, 1);
  const back = change(rules, 2);
  // In the middle of a bundle, and in the step of the one that bears some of those whom they move.
  const contents = [
    carts?.items ?? [],
    ...later.map(({ items }) => [...items.slice(0, 1), there, back, ...items.slice(1)]),
  ];
  return contents.map((items, offset) => ({ offset, items: structuredClone(items) }));
}

const isMove = ({ kind }: Output) => kind === "transition" || kind === "signal";

export function testCuts(name: string, open: OpenStore): void {
  const storeTest = storeTestOf(name, open);
  storeTest(
    "rules that move everybody are cut, and owners that change at each step tell the same (T1)",
    async (store) => {
      const bundles = await createRuledBundles();
      const whole = await fold(openMemoryStore(), bundles, 1_000, 1_000);
      const passed = await fold(store, bundles, 4, 1);
      assert.deepEqual(passed, await fold(openMemoryStore(), bundles, 4, 1_000));
      assert.deepEqual(passed.outputs.filter(isMove), whole.outputs.filter(isMove));
      const moved = whole.outputs.filter((one) => one.kind === "transition" && one.cause === "rule-change");
      assert.equal(moved.length, 2 * (PEOPLE + 1));
      assert.ok(passed.places.length > (2 * PEOPLE) / 4);
    },
  );
  for (const [firedMax, anew] of [
    [1, 1],
    [4, 1],
    [5, 3],
  ] as const)
    storeTest(
      `a tick of ${PEOPLE} timers is cut at ${firedMax}, and owners that change every ${anew} steps tell the same`,
      async (store) => {
        const bundles = await createBundles();
        const whole = await fold(openMemoryStore(), bundles, 1_000, 1_000);
        assert.deepEqual(whole.places, ["1-0", "2-0", "3-0"]);
        const cut = await fold(openMemoryStore(), bundles, firedMax, 1_000);
        const passed = await fold(store, bundles, firedMax, anew);
        assert.deepEqual(passed, cut);
        // The bundle's first item is done once, and not again with each part.
        assert.ok(cut.places.filter((place) => place.startsWith("1-1")).length >= Math.floor(PEOPLE / firedMax) - 1);
        assert.deepEqual(cut.outputs.filter(isMove), whole.outputs.filter(isMove));
        assert.ok(whole.outputs.filter(({ kind }) => kind === "signal").length >= PEOPLE);
      },
    );
}
