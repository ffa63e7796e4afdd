// What can happen next in a state, done by the production resolver, stitcher and engine over the state's values.
//
// A crash loses what was not committed; what was written to the index stays. So a worker may die after each of its writes to
// the index; one that has written nothing leaves no trace: its input is delivered again, which is the state before. What is
// committed and not published is in the outbox, and published later by whoever takes over. Every step begins with what is
// stored. The inner log has one partition for a shard, so what is in it arrives in its order; the moves choose whose step
// or publication comes next. Beyond that, messages are repeated out of order, which the log never does; a hand-over is not,
// because its home takes it in once.

import type { Carried } from "#core/item.ts";
import { createEngine, type Engine } from "#core/engine.ts";
import type { Component, Forwarder } from "#core/component.ts";
import { componentPart } from "#core/component.ts";
import type { Index } from "#ports/index.ts";
import type { ShardCommit, Store } from "#ports/store.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch } from "#services/resolver/resolver.ts";
import { ShardStitcher, type ShardServices } from "#services/stitcher/shard.ts";
import { encodeBundles, readBundle, type BundleValue } from "#services/wire/bundle.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { decodePart } from "#services/wire/part.ts";
import { configuration, strictConfiguration } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import type { Fault } from "./faults.ts";
import {
  countUnderWay,
  createIndex,
  createMessage,
  createParts,
  createShard,
  storeValue,
  type IndexValues,
  type Message,
  type Parts,
  type Shard,
  type State,
  type Task,
} from "./state.ts";
import { copyEvent, hash, readEvents, SHARDS, UNDER_WAY_MAX, type Bounds, type World } from "./worlds.ts";

export interface Move {
  readonly what: string;
  readonly state: State;
}

const RESOLVED = "weft.resolved";
const ORIGIN = { offset: 0, step: 0 };

class Died extends Error {}

/** The index as a worker sees it: the values, and how many more writes it lives for. */
class Values implements Index {
  values: ReadonlyMap<string, string>;
  writes = 0;
  isAsked = false;
  readonly #livesFor: number;
  /** What was read before somebody else went on; used until a write has told otherwise. */
  #seen: ReadonlyMap<string, string> | null;

  constructor(index: IndexValues, livesFor: number, seen: IndexValues | null = null) {
    this.values = index.values;
    this.#livesFor = livesFor;
    this.#seen = seen?.values ?? null;
  }

  async get(keys: readonly string[]): Promise<(string | null)[]> {
    this.isAsked = true;
    const values = this.#seen ?? this.values;
    return keys.map((key) => values.get(key) ?? null);
  }

  async putIfAbsent(entries: readonly { readonly key: string; readonly value: string }[]): Promise<string[]> {
    this.isAsked = true;
    this.#seen = null;
    return entries.map(({ key, value }) => {
      const present = this.values.get(key);
      if (present !== undefined) return present;
      if (this.writes >= this.#livesFor) throw new Died();
      this.values = new Map([...this.values, [key, value]]);
      this.writes += 1;
      return value;
    });
  }

  async close(): Promise<void> {}
}

export interface Variation {
  readonly fault?: Fault;
  /** Every move is tried in every state, also where one of them can be taken first without loss. */
  readonly isWhole?: boolean;
}

interface Routed {
  readonly messages: Message[];
  readonly index: IndexValues;
  readonly writes: number;
}

interface Applied {
  readonly parts: Parts;
  readonly sends: Message[];
  readonly index: IndexValues;
  readonly writes: number;
  /** Without the index: it is all the same when other workers do what they do. */
  readonly isPrivate: boolean;
}

export class Moves {
  readonly engine: Engine;
  readonly events: readonly RecordedEvent[];
  readonly #world: World;
  readonly #bounds: Bounds;
  readonly #isWhole: boolean;
  readonly #fault: Fault | null;
  readonly #resolving: Engine;
  /** Each a function of what its name says. */
  readonly #applied = new Map<string, Promise<Applied>>();
  readonly #routed = new Map<string, Promise<Routed>>();

  constructor(world: World, bounds: Bounds, { fault, isWhole = false }: Variation) {
    this.#world = world;
    this.#bounds = bounds;
    this.#fault = fault ?? null;
    this.#isWhole = isWhole;
    const { before, resolvers } = readEvents(world);
    this.events = [...before, ...resolvers.flat()];
    const create = (told: typeof configuration) =>
      createEngine({
        configuration: told,
        hash,
        resolverSlots: 1,
        decode: ([place = 0]) => (this.events[place] as RecordedEvent).event,
      });
    this.engine = create(configuration);
    this.#resolving = world.cautiousResolver === true ? create(strictConfiguration) : this.engine;
  }

  /** The state after the events told before, each with its consequences. */
  async begin(): Promise<State> {
    const { before, resolvers } = this.#world;
    const shard = createShard({ parts: createParts(new Map()), log: [], outbox: [], again: [] });
    const idle = { seen: null, resolved: null };
    let state: State = {
      index: createIndex(new Map()),
      resolvers: [],
      shards: Array.from({ length: SHARDS }, () => shard),
      crashesLeft: 0,
      copiesLeft: 0,
    };
    for (const event of before.keys()) {
      state = { ...state, resolvers: [{ tasks: [{ event, record: "first" }], ...idle }] };
      for (let [move] = await this.list(state); move !== undefined; [move] = await this.list(state)) ({ state } = move);
    }
    let event = before.length;
    const working = resolvers.map((texts) => ({
      tasks: texts.map(() => ({ event: event++, record: "first" as const })),
      ...idle,
    }));
    return { ...state, resolvers: working, crashesLeft: this.#bounds.crashes, copiesLeft: this.#bounds.copies };
  }

  /**
   * All of them; or only those of one shard, where whatever it can be given next leaves the index alone. Such a step changes
   * nothing but the shard's own parts and the end of its outbox, so nobody else's move changes what it does or is changed by
   * it, and whatever can come before it can as well come after. Nor does it keep out an event that waits to be taken in: no
   * more messages are under way after it than before.
   */
  async list(state: State): Promise<Move[]> {
    const moves: Move[] = [];
    for (const shard of state.shards.keys()) {
      const own: Move[] = [];
      if ((await this.#stitch(state, shard, own)) && !this.#isWhole) return own;
      moves.push(...own);
    }
    for (const shard of state.shards.keys()) publish(state, shard, moves);
    for (const resolver of state.resolvers.keys()) await this.#resolve(state, resolver, moves);
    return moves;
  }

  async #resolve(state: State, number: number, moves: Move[]): Promise<void> {
    const { tasks, seen, resolved } = state.resolvers[number] ?? { tasks: [], seen: null, resolved: null };
    const [task, ...rest] = tasks;
    if (task === undefined) return;
    const slow = this.#world.slowResolvers === true;
    const put = (changed: Partial<State>, left: State["resolvers"][number]) => {
      return { ...state, ...changed, resolvers: state.resolvers.with(number, left) };
    };
    const told = `resolver ${number}, e${task.event}${task.record === "second" ? " again" : ""}`;
    const done = { tasks: rest, seen: null, resolved: null };
    const again = { tasks, seen: null, resolved: null };
    if (resolved !== null) {
      moves.push({ what: `${told}: appends`, state: put({ shards: append(state.shards, resolved) }, done) });
      if (state.crashesLeft > 0)
        moves.push({ what: `${told}: dies`, state: put({ crashesLeft: state.crashesLeft - 1 }, again) });
      return;
    }
    if (countUnderWay(state) >= UNDER_WAY_MAX) return;
    if (slow && seen === null) {
      moves.push({ what: `${told}: reads`, state: put({}, { ...again, seen: state.index }) });
      return;
    }
    const whole = await this.#route(state, task, seen, Infinity);
    const index = whole.index;
    if (slow) moves.push({ what: `${told}: writes`, state: put({ index }, { ...again, resolved: whole.messages }) });
    else moves.push({ what: told, state: put({ index, shards: append(state.shards, whole.messages) }, done) });
    if (task.record === "first" && state.copiesLeft > 0) {
      const twice: Task[] = [{ ...task, record: "only" }, ...rest, { ...task, record: "second" }];
      const repeat = { tasks: twice, seen, resolved: null };
      moves.push({ what: `${told}: comes again later`, state: put({ copiesLeft: state.copiesLeft - 1 }, repeat) });
    }
    if (state.crashesLeft === 0) return;
    for (let writes = 1; writes < whole.writes || (writes === whole.writes && !slow); writes += 1) {
      const half = await this.#route(state, task, seen, writes);
      const crashesLeft = state.crashesLeft - 1;
      moves.push({
        what: `${told}: dies after ${writes} writes`,
        state: put({ index: half.index, crashesLeft }, again),
      });
    }
  }

  #route(state: State, task: Task, seen: IndexValues | null, livesFor: number): Promise<Routed> {
    const name = `${state.index.id} ${seen?.id} ${task.event} ${task.record} ${livesFor}`;
    return remember(this.#routed, name, async () => {
      const values = new Values(state.index, livesFor, seen);
      const recorded = this.events[task.event] as RecordedEvent;
      const { registry } = this.#resolving;
      const arrival = {
        ...(task.record === "second" ? copyEvent(recorded) : recorded),
        bytes: Uint8Array.of(task.event),
        backfill: false,
        traceparent: null,
      };
      const messages: Message[] = [];
      try {
        const options = { registry, index: new ComponentIndex(values), shards: SHARDS, recent: new RecentEvents() };
        const { items, refused } = await resolveBatch(options, [arrival]);
        for (const { detail } of refused) throw new Error(`e${task.event} is refused: ${detail}`);
        for (const [shard, carried] of items) messages.push(...split(shard, carried));
      } catch (error) {
        if (!(error instanceof Died)) throw error;
      }
      return { messages, index: createIndex(values.values), writes: values.writes };
    });
  }

  async #stitch(state: State, number: number, moves: Move[]): Promise<boolean> {
    const shard = state.shards[number] as Shard;
    let arePrivate = shard.log.length > 0;
    const isAwaited = state.resolvers.some(({ tasks }) => tasks.length > 0);
    const deliver = async (message: Message, left: Omit<Shard, "id">, again: boolean): Promise<void> => {
      const whole = await this.#apply(state, number, message, Infinity);
      const mayRepeat = state.copiesLeft > 0 && !message.single;
      arePrivate &&= whole.isPrivate && (!isAwaited || whole.sends.length + Number(mayRepeat) <= 1);
      const put = (changed: Partial<State>, more: readonly Message[]) => {
        const outbox = whole.sends.length === 0 ? left.outbox : [...left.outbox, whole.sends];
        const next = createShard({ ...left, parts: whole.parts, outbox, again: [...left.again, ...more] });
        return { ...state, index: whole.index, ...changed, shards: state.shards.with(number, next) };
      };
      const what = `shard ${number}: ${tell(message)}${again ? " again" : ""}`;
      moves.push({ what, state: put({}, []) });
      if (mayRepeat) {
        const copy = createMessage(number, message.bundle, true);
        moves.push({ what: `${what}, and once more later`, state: put({ copiesLeft: state.copiesLeft - 1 }, [copy]) });
      }
      if (state.crashesLeft === 0) return;
      for (let writes = 1; writes <= whole.writes; writes += 1) {
        const half = writes === whole.writes ? whole : await this.#apply(state, number, message, writes);
        const crashesLeft = state.crashesLeft - 1;
        moves.push({
          what: `${what}: dies after ${writes} writes`,
          state: { ...state, index: half.index, crashesLeft },
        });
      }
    };
    const [head, ...log] = shard.log;
    if (head !== undefined) await deliver(head, { ...shard, log }, false);
    for (const [place, copy] of shard.again.entries())
      await deliver(copy, { ...shard, again: shard.again.toSpliced(place, 1) }, true);
    return arePrivate;
  }

  #apply({ shards, index }: State, number: number, message: Message, livesFor: number): Promise<Applied> {
    const { parts } = shards[number] as Shard;
    const name = `${parts.id} ${message.id} ${index.id} ${livesFor}`;
    return remember(this.#applied, name, async () => {
      const items = readBundle(message.bundle).flatMap((carried) => {
        return this.#fault?.deliver?.(carried, (id) => peek(parts, id)) ?? carried;
      });
      if (items.length === 0) return { parts, sends: [], index, writes: 0, isPrivate: true };
      const values = new Values(index, livesFor);
      const known = new ComponentIndex(values);
      const bundles: BundleValue[] = [];
      const commits: ShardCommit[] = [];
      const services: ShardServices = {
        engine: this.engine,
        store: createStore(parts, commits),
        shards: SHARDS,
        resolvedTopic: RESOLVED,
        encodeBundle: (bundle) => Uint8Array.of(bundles.push(bundle) - 1),
        encodeOutput: () => ({ topic: "outputs", key: null, value: null }),
        prepareEvents: async () => {},
        findRoots: (components) => known.findRoots(components),
        join: async (request) => (this.#fault?.isWithoutJoins === true ? [] : known.join(request)),
      };
      const sends: Message[] = [];
      try {
        const { records } = await new ShardStitcher(services, number, 0, ORIGIN).apply(
          [{ offset: 0, items }],
          ORIGIN,
          0,
        );
        for (const { topic, partition, value } of records) {
          if (topic !== RESOLVED || partition === undefined) continue;
          const sent = readBundle(bundles[value?.[0] ?? 0] as BundleValue);
          sends.push(
            ...split(
              partition,
              sent.flatMap((carried) => this.#fault?.send?.(carried, number) ?? carried),
            ),
          );
        }
      } catch (error) {
        if (!(error instanceof Died)) throw error;
      }
      const written = commits.reduce(takeCommit, parts);
      return {
        parts: written,
        sends,
        index: createIndex(values.values),
        writes: values.writes,
        isPrivate: !values.isAsked,
      };
    });
  }
}

function remember<T>(results: Map<string, Promise<T>>, name: string, find: () => Promise<T>): Promise<T> {
  const known = results.get(name) ?? find();
  results.set(name, known);
  return known;
}

/** One record for each item: finer than the product's, which may cut its bundles anywhere. */
function split(shard: number, items: readonly Carried[]): Message[] {
  const messages: Message[] = [];
  const take = (bundle: BundleValue): Uint8Array => {
    messages.push(createMessage(shard, bundle));
    return new Uint8Array();
  };
  for (const carried of items) encodeBundles(take, 0, 0, [carried]);
  return messages;
}

function peek({ values }: Parts, id: string): Component | Forwarder | null {
  const key = componentPart(id);
  const stored = values.get(key);
  return stored === undefined ? null : (decodePart({ key, value: stored.bytes }).value as Component | Forwarder);
}

function takeCommit({ values }: Parts, commit: ShardCommit): Parts {
  const next = new Map(values);
  for (const [key, bytes] of commit.parts) {
    if (bytes === null) next.delete(key);
    else next.set(key, storeValue(key, new Uint8Array(bytes)));
  }
  return createParts(next);
}

/** The parts of a state as a store: a commit is only noted. */
export function createStore({ values }: Parts, commits: ShardCommit[]): Store {
  return {
    raiseEpochs: async () => new Map(),
    readHead: async () => ({ position: ORIGIN, outbox: [] }),
    load: async (_, keys) => keys.map((key) => values.get(key)?.bytes ?? null),
    dueTimers: async () => [],
    commit: async (commit) => {
      commits.push(commit);
      return "committed";
    },
    async *scan(_, prefix) {
      for (const [key, { bytes }] of values) if (key.startsWith(prefix)) yield { key, value: bytes };
    },
    close: async () => {},
  };
}

function append(shards: readonly Shard[], messages: readonly Message[]): Shard[] {
  return shards.map((shard, number) => {
    const own = messages.filter((message) => message.shard === number);
    return own.length === 0 ? shard : createShard({ ...shard, log: [...shard.log, ...own] });
  });
}

/** The oldest step that is committed and not published: in one transaction, each shard's items in order. */
function publish(state: State, number: number, moves: Move[]): void {
  const shard = state.shards[number] as Shard;
  const [messages, ...outbox] = shard.outbox;
  if (messages === undefined) return;
  const shards = append(state.shards.with(number, createShard({ ...shard, outbox })), messages);
  moves.push({ what: `shard ${number}: publishes ${messages.map(tell).join(", ")}`, state: { ...state, shards } });
}

function nameOf(key: string): string {
  return key.replace(/\.+..$/, "").replace(/^(\d)-\d+-/, "$1-");
}

function tell({ bundle }: Message): string {
  return readBundle(bundle)
    .map(({ item }) => {
      switch (item.kind) {
        case "event":
          return `${item.eventId} as ${item.role} at ${nameOf(item.component)}`;
        case "absorb":
          return `absorb ${nameOf(item.component)} into ${nameOf(item.into)}`;
        case "handover":
          return `hand-over of ${nameOf(item.from)} to ${nameOf(item.component)}`;
        case "status":
          return `status ${item.version} of ${nameOf(item.of)} to ${nameOf(item.to)}`;
        case "progress":
          return "progress";
      }
    })
    .join(" + ");
}
