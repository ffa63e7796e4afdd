// A scrambled cluster in one process: several resolvers over one index, one queue per shard in place of the inner log,
// one stitcher per shard over one store. A seeded scheduler decides who moves next, also between the calls of one batch
// to the index; resolvers die with half a batch in the index, commits are refused or succeed without saying so, and
// stitchers are dropped and rebuilt from the store. What is promised must hold once everything has come to rest.

import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryStore } from "#adapters/memory/store.ts";
import type { Configuration } from "#core/configuration.ts";
import type { EventOutcome, Output } from "#core/effect.ts";
import { createEngine, type Engine } from "#core/engine.ts";
import { Erasures, type ErasureRequest } from "#core/erasure.ts";
import type { ChannelEvent } from "#core/event.ts";
import { NO_HOLDS, type Holds } from "#core/hold.ts";
import type { Hash } from "#core/identifier.ts";
import type { Carried, RulesItem } from "#core/item.ts";
import type { Index } from "#ports/index.ts";
import { comparePositions, type NewRecord, type Position } from "#ports/log.ts";
import { StoreUnavailable, type Store } from "#ports/store.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch } from "#services/resolver/resolver.ts";
import { type Bundle, ShardStitcher } from "#services/stitcher/shard.ts";
import { encodeBundles, listOpened, listSealed, readBundle, type BundleValue } from "#services/wire/bundle.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { draftErasure, type ErasureDraft } from "#services/wire/erasure.ts";
import type { PayloadKeys, Seals } from "#services/wire/payload-keys.ts";
import type { LookupServices } from "#services/wire/location.ts";
import { readShardComponents } from "#services/wire/part.ts";
import { readPeople, type People } from "#services/wire/profile-reader.ts";
import type { RecordedEvent } from "./oracle.ts";

export interface ClusterOptions {
  readonly configuration: Configuration;
  readonly hash: Hash;
  readonly shards: number;
  readonly resolvers: number;
  readonly seed: number;
  /** How often, in a thousand, a step goes wrong. */
  readonly faults: number;
  readonly firedMax?: number;
  readonly holds?: Holds;
  /** What is said of people is sealed; these are the keys as a process finds them, which knows no better until it ends. */
  openKeys?(): PayloadKeys;
}

/** More steps than any history of these sizes needs: beyond it, messages chase each other. */
const STEPS_MAX = 40_000;
const BATCH_MAX = 4;
const RESOLVED = "weft.resolved";
const START: Position = { offset: 0, step: 0 };

class Crashed extends Error {}

export type Random = () => number;

/** Mulberry32: small, seeded, the same everywhere. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Resolver {
  readonly arrivals: RecordedEvent[];
  readonly requests: ErasureRequest[];
  index: ComponentIndex;
  recent: RecentEvents;
  keys: PayloadKeys | undefined;
  busy: boolean;
}

interface Shard {
  readonly number: number;
  /** As it stands on the log: read anew each time, because the engine may change what it was given. */
  readonly log: BundleValue[];
  stitcher: ShardStitcher | null;
  keys: PayloadKeys | undefined;
  epoch: number;
  applied: Position;
  published: Position;
  busy: boolean;
}

/** What a step said; it counts where the step was committed. */
interface Heard {
  readonly outcomes: EventOutcome[];
  readonly outputs: Output[];
  /** Where the shard stood after it; null: it was not committed. */
  committed: Position | null;
}

export class Cluster {
  readonly engine: Engine;
  readonly store: Store = openMemoryStore();
  readonly outcomes: EventOutcome[] = [];
  readonly outputs: Output[] = [];
  steps = 0;
  readonly #options: ClusterOptions;
  readonly #random: Random;
  readonly #erasures = new Erasures();
  readonly #index = openMemoryIndex();
  readonly #waiting: (() => void)[] = [];
  readonly #events: ChannelEvent[] = [];
  readonly #bundles: BundleValue[] = [];
  readonly #resolvers: Resolver[];
  readonly #shards: Shard[];
  readonly #heard = new Map<number, Heard>();
  readonly #changes: RulesItem[] = [];
  #failure: Error | null = null;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.engine = createEngine({
      configuration: options.configuration,
      hash: options.hash,
      resolverSlots: options.resolvers,
      ...(options.firedMax === undefined ? {} : { firedMax: options.firedMax }),
      decode: (bytes) => this.readEvent(bytes),
    });
    this.#resolvers = Array.from({ length: options.resolvers }, () => ({
      arrivals: [],
      requests: [],
      busy: false,
      ...this.#start(),
    }));
    this.#shards = Array.from({ length: options.shards }, (_, number) => {
      return {
        number,
        log: [],
        stitcher: null,
        keys: undefined,
        epoch: 0,
        applied: START,
        published: START,
        busy: false,
      };
    });
  }

  /**
   * Spreads the events over the resolvers, each in the given order, and runs until nothing moves. Rule sets come into force
   * in their order, each on the logs of all shards at once, some time in between.
   */
  async run(events: readonly RecordedEvent[], changes: readonly RulesItem[] = []): Promise<void> {
    this.#changes.push(...changes);
    for (const event of events) this.#pick(this.#resolvers).arrivals.push(event);
    await this.#settle();
  }

  /** As run, but no more than so many moves: the rest is under way. */
  async begin(events: readonly RecordedEvent[], moves: number): Promise<void> {
    for (const event of events) this.#pick(this.#resolvers).arrivals.push(event);
    await this.#settle(moves);
  }

  /** As somebody who looks up has it. */
  get lookups(): LookupServices {
    const { engine, store } = this;
    return { engine, index: new ComponentIndex(this.#index), store, shards: this.#shards.length };
  }

  /** Whom a request would be about that names her so. */
  draftErasure(namespace: string, value: string): Promise<ErasureDraft> {
    return draftErasure(this.lookups, namespace, value, "FR");
  }

  /** Known to every resolver at once; one of them brings it to the homes, some time after. */
  ask(request: ErasureRequest): void {
    this.#erasures.add(request);
    this.#pick(this.#resolvers).requests.push(request);
  }

  /** Every resolver says to every shard that this instant has passed. */
  async passTime(timeMs: number): Promise<void> {
    for (const slot of this.#resolvers.keys())
      for (const shard of this.#shards.keys())
        this.#append(shard, [{ item: { kind: "progress", slot, timeMs, completeUpToMs: {} }, event: null }]);
    await this.#settle();
  }

  async #settle(movesMax = Number.POSITIVE_INFINITY): Promise<void> {
    for (let made = 0; made < movesMax; made += 1) {
      const moves = this.#listMoves();
      if (moves.length === 0) return;
      this.steps += 1;
      if (this.steps > STEPS_MAX) throw new Error("the cluster does not come to rest");
      this.#pick(moves)();
      // Lets everything that was started run on to its next call to the index.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#failure !== null) throw this.#failure;
    }
  }

  readPeople(): Promise<People> {
    return readPeople(this.engine, this.store, this.#options.shards);
  }

  /** The inner log of a shard, in recorded order. */
  readLog(shard: number): Carried[] {
    return (this.#shards[shard]?.log ?? []).flatMap((bundle) => readBundle(bundle));
  }

  /** All logs as they stand. */
  listBundles(): readonly BundleValue[] {
    return this.#shards.flatMap(({ log }) => log);
  }

  readEvent(bytes: Uint8Array): ChannelEvent {
    return this.#events[readPlace(bytes)] as ChannelEvent;
  }

  /** All logs as whoever has these keys reads them; onShredded as of readBundle. */
  async openLogs(keys: PayloadKeys, onShredded: (name: string) => void): Promise<Carried[]> {
    const bundles = this.listBundles();
    const opening = await keys.toOpen(bundles.flatMap(listOpened));
    return bundles.flatMap((bundle) => readBundle(bundle, opening, onShredded));
  }

  /** What must not be left over: items and chunks that wait, ownership that is not decided. */
  async findUnsettled(): Promise<string[]> {
    const unsettled: string[] = [];
    for (const { number } of this.#shards) {
      for (const component of await readShardComponents(this.store, number)) {
        const { id, abroad, identifiers } = component;
        if (abroad !== null && abroad.parked.length > 0) unsettled.push(`${id} has ${abroad.parked.length} parked`);
        if (abroad !== null && abroad.arriving.size > 0) unsettled.push(`${id} waits for chunks`);
        for (const entry of identifiers.values())
          if (entry.pending) unsettled.push(`${id}: ${entry.namespace} ${entry.value} is pending`);
      }
    }
    return unsettled;
  }

  #listMoves(): (() => void)[] {
    const moves: (() => void)[] = this.#waiting.map((go, place) => () => {
      this.#waiting.splice(place, 1);
      go();
    });
    for (const resolver of this.#resolvers)
      if (!resolver.busy && resolver.arrivals.length + resolver.requests.length > 0)
        moves.push(() => this.#launch(resolver, this.#resolve(resolver)));
    for (const shard of this.#shards) {
      if (shard.busy) continue;
      if (shard.applied.offset < shard.log.length) moves.push(() => this.#launch(shard, this.#stitch(shard)));
      if (comparePositions(shard.published, shard.applied) < 0)
        moves.push(() => this.#launch(shard, this.#publish(shard)));
    }
    const [item] = this.#changes;
    if (item !== undefined)
      moves.push(() => {
        this.#changes.shift();
        for (const shard of this.#shards.keys()) this.#append(shard, [{ item, event: null }]);
      });
    return moves;
  }

  #launch(who: { busy: boolean }, work: Promise<void>): void {
    who.busy = true;
    void work
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        who.busy = false;
      });
  }

  #start(): Pick<Resolver, "index" | "recent" | "keys"> {
    const keys = this.#options.openKeys?.();
    return { index: new ComponentIndex(this.#gatedIndex()), recent: new RecentEvents(), keys };
  }

  async #resolve(resolver: Resolver): Promise<void> {
    const batch = resolver.arrivals.slice(0, 1 + Math.floor(this.#random() * BATCH_MAX));
    const arrivals = batch.map((arrival) => ({
      ...arrival,
      bytes: writePlace(this.#events.push(arrival.event) - 1),
      backfill: false,
      traceparent: null,
    }));
    try {
      const { registry } = this.engine;
      const { index, recent, keys } = resolver;
      const requests = [...resolver.requests];
      const resolution = await resolveBatch(
        {
          registry,
          index,
          shards: this.#shards.length,
          recent,
          erasures: this.#erasures,
          requests,
          holds: this.#options.holds ?? NO_HOLDS,
        },
        arrivals,
      );
      if (this.#goesWrong()) {
        // Born and joined in the index, and nobody is told: what was not appended is resolved by another process.
        Object.assign(resolver, this.#start());
        return;
      }
      resolver.arrivals.splice(0, batch.length);
      resolver.requests.splice(0, requests.length);
      const seals = await keys?.toSeal([...resolution.items.values()].flatMap(listSealed), "");
      for (const [shard, items] of resolution.items) this.#append(shard, items, seals);
      for (const { arrival, reason } of resolution.refused) this.#count(arrival, "dead-lettered", reason, null);
      for (const { arrival, anchor } of resolution.duplicates) this.#count(arrival, "duplicate", null, anchor);
      for (const { arrival, anchor } of resolution.suppressed) this.#count(arrival, "suppressed", null, anchor);
    } catch (error) {
      if (!(error instanceof Crashed)) throw error;
      // An outage of the index is waited for by the same process, with what it remembers; a crash starts another.
      if (this.#random() < 0.5) Object.assign(resolver, this.#start());
    }
  }

  #count(arrival: RecordedEvent, outcome: EventOutcome["outcome"], reason: string | null, anchor: string | null): void {
    const { source, event } = arrival;
    this.outcomes.push({ kind: "outcome", source, eventId: event.eventId, outcome, reason, anchor });
  }

  #append(shard: number, items: readonly Carried[], seals?: Seals): void {
    for (const bytes of encodeBundles((bundle) => this.#encode(bundle), 0, 0, items, seals)) this.#land(shard, bytes);
  }

  #land(shard: number, bytes: Uint8Array): void {
    this.#shards[shard]?.log.push(this.#bundles[readPlace(bytes)] as BundleValue);
  }

  #encode(bundle: BundleValue): Uint8Array {
    return writePlace(this.#bundles.push(bundle) - 1);
  }

  async #stitch(shard: Shard): Promise<void> {
    if (shard.stitcher !== null && this.#goesWrong()) shard.stitcher = null;
    const heard: Heard = { outcomes: [], outputs: [], committed: null };
    this.#heard.set(shard.number, heard);
    shard.stitcher ??= await this.#takeOver(shard);
    const from = shard.applied.offset;
    const upTo = Math.min(shard.log.length, from + 1 + Math.floor(this.#random() * BATCH_MAX));
    const bundles = await this.#read(shard, from, upTo);
    try {
      const step = await shard.stitcher.apply(bundles, shard.published, START);
      if (step.outcome !== "committed") shard.stitcher = null;
    } catch (error) {
      if (!(error instanceof Crashed || error instanceof StoreUnavailable)) throw error;
      shard.stitcher = null;
    }
    if (heard.committed === null) return;
    shard.applied = heard.committed;
    this.outcomes.push(...heard.outcomes);
    this.outputs.push(...heard.outputs);
  }

  async #read({ log, keys }: Shard, from: number, upTo: number): Promise<Bundle[]> {
    const bundles = log.slice(from, upTo);
    const opening = await keys?.toOpen(bundles.flatMap(listOpened));
    return bundles.map((bundle, place) => ({ offset: from + place, items: readBundle(bundle, opening) }));
  }

  /** The logs of all shards folded once more, each by itself: nothing is said, and nobody is asked. */
  async foldAnew(keys: PayloadKeys): Promise<{ readonly store: Store; readonly people: People }> {
    const store = openMemoryStore();
    const refuse = async (): Promise<never> => {
      throw new Error("a fold of what was published asks nobody");
    };
    for (const { number, log } of this.#shards) {
      const services = { ...this.#serve(store, keys), findRoots: refuse, join: refuse };
      const stitcher = new ShardStitcher(services, number, 0, START);
      const end = { offset: log.length, step: 0 };
      for (let at = START; at.offset < log.length; ) {
        const opening = await keys.toOpen(log.slice(at.offset, at.offset + 1).flatMap(listOpened));
        const items = readBundle(log[at.offset] as BundleValue, opening);
        ({ to: at } = await stitcher.apply([{ offset: at.offset, items }], end, end));
      }
    }
    return { store, people: await readPeople(this.engine, store, this.#shards.length) };
  }

  async #takeOver(shard: Shard): Promise<ShardStitcher> {
    shard.epoch = (await this.store.raiseEpochs([shard.number])).get(shard.number) as number;
    const { position } = await this.store.readHead(shard.number);
    const index = new ComponentIndex(this.#gatedIndex());
    shard.keys = this.#options.openKeys?.();
    const services = {
      ...this.#serve(this.#faultyStore(shard), shard.keys),
      findRoots: (components: readonly string[]) => index.findRoots(components),
      join: (request: Parameters<ComponentIndex["join"]>[0]) => index.join(request),
      onOutputs: (outputs: readonly Output[]) => this.#heard.get(shard.number)?.outputs.push(...outputs),
      onOutcome: (outcome: EventOutcome) => this.#heard.get(shard.number)?.outcomes.push(outcome),
    };
    return new ShardStitcher(services, shard.number, shard.epoch, position);
  }

  #serve(store: Store, keys: PayloadKeys | undefined) {
    return {
      engine: this.engine,
      store,
      shards: this.#shards.length,
      resolvedTopic: RESOLVED,
      encodeBundle: (bundle: BundleValue) => this.#encode(bundle),
      encodeOutput: () => ({ topic: "outputs", key: null, value: null }),
      prepareEvents: async () => {},
      ...(keys === undefined ? {} : { keys, sealing: (names: readonly string[]) => keys.toSeal(names, "") }),
    };
  }

  /** From the store's outbox, as a take-over does too: an entry goes out once, in order. */
  async #publish(shard: Shard): Promise<void> {
    const { outbox } = await this.store.readHead(shard.number);
    const due = outbox.filter(({ to }) => comparePositions(to, shard.published) > 0);
    const count = 1 + Math.floor(this.#random() * due.length);
    for (const { to, records } of due.slice(0, count)) {
      for (const record of records) this.#deliver(record);
      shard.published = to;
    }
    if (count >= due.length) shard.published = shard.applied;
  }

  #deliver({ topic, partition, value }: NewRecord): void {
    if (topic === RESOLVED && partition !== undefined && value !== null) this.#land(partition, value);
  }

  /** Refused, or done without an answer. */
  #faultyStore(shard: Shard): Store {
    return {
      ...this.store,
      commit: async (commit) => {
        if (this.#goesWrong()) return "fenced";
        const outcome = await this.store.commit(commit);
        const heard = this.#heard.get(shard.number);
        if (heard !== undefined) heard.committed = outcome === "committed" ? commit.to : null;
        if (this.#goesWrong()) throw new StoreUnavailable("no answer");
        return outcome;
      },
    };
  }

  /** Each call waits for its turn, and may fail before it, after it, or with some of its keys set. */
  #gatedIndex(): Index {
    const turn = () => new Promise<void>((go) => this.#waiting.push(go));
    return {
      ...this.#index,
      get: async (keys) => {
        await turn();
        return this.#index.get(keys);
      },
      putIfAbsent: async (entries) => {
        await turn();
        if (!this.#goesWrong()) return this.#index.putIfAbsent(entries);
        await this.#index.putIfAbsent(entries.slice(0, Math.floor(this.#random() * (entries.length + 1))));
        throw new Crashed();
      },
      close: async () => {},
    };
  }

  #goesWrong(): boolean {
    return this.#random() * 1000 < this.#options.faults;
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }
}

/**
 * Folds the inner log of one shard again, cut into bundles and steps as told; what it sends is on the log already.
 * forgetful: the stitcher is rebuilt from the store for each step.
 */
export async function replayLog(
  engine: Engine,
  steps: readonly (readonly (readonly Carried[])[])[],
  forgetful = false,
): Promise<{ readonly outputs: Output[]; readonly people: People }> {
  const store = openMemoryStore();
  const outputs: Output[] = [];
  const services = {
    engine,
    store,
    shards: 1,
    resolvedTopic: RESOLVED,
    encodeBundle: () => new Uint8Array(),
    encodeOutput: () => ({ topic: "outputs", key: null, value: null }),
    prepareEvents: async () => {},
    findRoots: async () => new Map(),
    join: async () => [],
    onOutputs: (told: readonly Output[]) => outputs.push(...told),
  };
  let offset = 0;
  let at: Position = START;
  let stitcher = new ShardStitcher(services, 0, 0, at);
  for (const step of steps) {
    const bundles = step.map((items) => ({ offset: offset++, items: structuredClone(items) }));
    for (let rest = bundles; rest.length > 0; rest = bundles.filter((bundle) => bundle.offset >= at.offset)) {
      if (forgetful) stitcher = new ShardStitcher(services, 0, 0, at);
      ({ to: at } = await stitcher.apply(rest, { offset, step: 0 }, START));
    }
  }
  return { outputs, people: await readPeople(engine, store, 1) };
}

function writePlace(place: number): Uint8Array {
  return new Uint8Array([place >>> 24, place >>> 16, place >>> 8, place]);
}

function readPlace(bytes: Uint8Array): number {
  return bytes.reduce((place, byte) => place * 256 + byte, 0);
}
