// What can happen next in a state.
//
// A crash loses what was not committed; what was written to the index stays. So a worker may die after each of its writes to
// the index; one that has written nothing leaves no trace: its input is delivered again, which is the state before. What is
// committed and not published is in the outbox, and published later by whoever takes over. Every step begins with what is
// stored. The inner log has one partition for a shard, so what is in it arrives in its order; the moves choose whose step
// or publication comes next. Beyond that, messages are repeated out of order, which the log never does; a hand-over is not,
// because its home takes it in once.

import type { Engine } from "#core/engine.ts";
import { readBundle } from "#services/wire/bundle.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import type { Fault } from "./faults.ts";
import {
  countUnderWay,
  createIndex,
  createMessage,
  createParts,
  createShard,
  type Message,
  type Shard,
  type State,
  type Task,
} from "./state.ts";
import { Workers } from "./workers.ts";
import { readEvents, SHARDS, UNDER_WAY_MAX, type Bounds, type World } from "./worlds.ts";

export interface Move {
  readonly what: string;
  readonly state: State;
}

export interface Variation {
  readonly fault?: Fault;
  /** Every move is tried in every state, also where one of them can be taken first without loss. */
  readonly isWhole?: boolean;
}

export class Moves {
  readonly events: readonly RecordedEvent[];
  readonly #world: World;
  readonly #bounds: Bounds;
  readonly #isWhole: boolean;
  readonly #workers: Workers;

  constructor(world: World, bounds: Bounds, { fault, isWhole = false }: Variation) {
    this.#world = world;
    this.#bounds = bounds;
    this.#isWhole = isWhole;
    const { before, resolvers } = readEvents(world);
    this.events = [...before, ...resolvers.flat()];
    this.#workers = new Workers(this.events, world.cautiousResolver === true, fault ?? null);
  }

  get engine(): Engine {
    return this.#workers.engine;
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
    const whole = await this.#workers.route(state, task, seen, Infinity);
    const index = whole.index;
    if (slow) moves.push({ what: `${told}: writes`, state: put({ index }, { ...again, resolved: whole.messages }) });
    else moves.push({ what: told, state: put({ index, shards: append(state.shards, whole.messages) }, done) });
    if (task.record === "first" && state.copiesLeft > 0) {
      const twice: Task[] = [{ ...task, record: "only" }, ...rest, { ...task, record: "second" }];
      const repeat = { tasks: twice, seen, resolved: null };
      moves.push({ what: `${told}: comes again later`, state: put({ copiesLeft: state.copiesLeft - 1 }, repeat) });
    }
    if (state.crashesLeft === 0) return;
    // A slow one that has written everything dies before it appends, above.
    const last = slow ? whole.writes - 1 : whole.writes;
    for (let writes = 1; writes <= last; writes += 1) {
      const half = await this.#workers.route(state, task, seen, writes);
      const crashesLeft = state.crashesLeft - 1;
      moves.push({
        what: `${told}: dies after ${writes} writes`,
        state: put({ index: half.index, crashesLeft }, again),
      });
    }
  }

  async #stitch(state: State, number: number, moves: Move[]): Promise<boolean> {
    const shard = state.shards[number] as Shard;
    let arePrivate = shard.log.length > 0;
    const isAwaited = state.resolvers.some(({ tasks }) => tasks.length > 0);
    const deliver = async (message: Message, left: Omit<Shard, "id">, again: boolean): Promise<void> => {
      const whole = await this.#workers.apply(state, number, message, Infinity);
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
        const half = writes === whole.writes ? whole : await this.#workers.apply(state, number, message, writes);
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
        case "rules":
          return item.kind;
      }
    })
    .join(" + ");
}
