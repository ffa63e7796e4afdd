// The simulated store and index. The store is the memory adapter, one for each shard, with a journal of what it
// acknowledged: a fail-over is the same shard without its last entries (commits and raised epochs), each shard losing its
// own number of them. Left out, and left to real services (test/e2e/redis-loss.test.ts, test/chaos): the index loses no entry,
// no single part is lost, and nothing is flushed whole.

import type { Index } from "#ports/index.ts";
import { comparePositions, type Position } from "#ports/log.ts";
import type { CommitOutcome, ShardCommit, Store } from "#ports/store.ts";
import type { System } from "./system.ts";
import type { Incarnation } from "./incarnation.ts";
import { send, type World } from "./world.ts";

const START: Position = { offset: 0, step: 0 };

interface ShardState {
  store: Store;
  journal: ("raise" | ShardCommit)[];
  /** The furthest R that was ever committed. */
  reached: Position;
  /** R. */
  held: Position;
}

export class ServerState {
  readonly #world: World;
  readonly #system: System;
  readonly #shards: ShardState[];
  readonly #index: Index;
  /** Looks at what was committed; isAnew: on the way to where the shard was before. */
  onCommit: (commit: ShardCommit, isAnew: boolean) => Promise<void> = async () => {};

  constructor(world: World, system: System) {
    this.#world = world;
    this.#system = system;
    this.#index = system.openMemoryIndex();
    this.#shards = Array.from({ length: world.plan.shards }, () => ({
      store: system.openMemoryStore(),
      journal: [],
      reached: START,
      held: START,
    }));
  }

  /** An output of this position may be visible. */
  isCommitted(shard: number, place: Position): boolean {
    return comparePositions(this.#shards[shard]?.reached ?? START, place) > 0;
  }

  /** The furthest R that there ever was. */
  reachedBy(shard: number): Position {
    return this.#at(shard).reached;
  }

  readIndex(): Index {
    return this.#index;
  }

  /** R, as the store has it now. */
  appliedUpTo(shard: number): Position {
    return this.#at(shard).held;
  }

  /** Everything as it is, for the end of a run. */
  readAll(): Pick<Store, "load" | "scan" | "dueTimers" | "standing"> {
    return {
      standing: (shard) => this.#at(shard).store.standing(shard),
      dueTimers: (shard, queue, upToMs, max) => this.#at(shard).store.dueTimers(shard, queue, upToMs, max),
      load: (shard, keys) => this.#at(shard).store.load(shard, keys),
      scan: (shard, prefix) => this.#at(shard).store.scan(shard, prefix),
    };
  }

  /** Returns how many acknowledged entries were lost. */
  async failOver(shard: number, lost: number): Promise<number> {
    const state = this.#at(shard);
    const kept = state.journal.slice(0, Math.max(0, state.journal.length - lost));
    const gone = state.journal.length - kept.length;
    const store = this.#system.openMemoryStore();
    for (const entry of kept) {
      if (entry === "raise") await store.raiseEpochs([shard]);
      else await store.commit(entry);
    }
    state.store = store;
    state.journal = kept;
    state.held = (await store.readHead(shard)).position;
    return gone;
  }

  openStore(incarnation: Incarnation): Store {
    const ask = <T>(name: string, effect: () => T | Promise<T>): Promise<T> =>
      send(this.#world, incarnation, {
        name,
        refused: "store-refused",
        lost: "store-lost",
        late: "store-late",
        effect,
        error: (why) => new this.#system.StoreUnavailable(why),
      });
    return {
      raiseEpochs: (shards) => ask(`raise epochs of ${shards.join()}`, () => this.#raise(shards)),
      readHead: (shard) => ask(`read head of ${shard}`, () => this.#at(shard).store.readHead(shard)),
      load: (shard, keys) => ask(`load from ${shard}`, () => this.#at(shard).store.load(shard, keys)),
      dueTimers: (shard, queue, upToMs, max) =>
        ask(`timers of ${shard}`, () => this.#at(shard).store.dueTimers(shard, queue, upToMs, max)),
      commit: (commit) => {
        const name = `commit to ${commit.shard} from ${nameOf(commit.from)}`;
        return ask(name, () => (this.#diesInside(incarnation, commit, name) ? "fenced" : this.#commit(commit)));
      },
      scan: (shard, prefix) => this.#at(shard).store.scan(shard, prefix),
      scrub: (shard, cursor) => ask(`scrub ${shard}`, () => this.#at(shard).store.scrub(shard, cursor)),
      hasLost: async () => false,
      standing: (shard) => this.#at(shard).store.standing(shard),
      awaitPosition: (shard, epoch, until) =>
        ask(`await ${shard}`, () => this.#at(shard).store.awaitPosition(shard, epoch, until)),
      clear: (shard, epoch) => ask(`clear ${shard}`, () => this.#clear(shard, epoch)),
      close: async () => {},
    };
  }

  openIndex(incarnation: Incarnation): Index {
    const error = (why: string) => new this.#system.StoreUnavailable(why);
    const kinds = { refused: "index-refused", lost: "index-lost", error } as const;
    return {
      get: (keys) =>
        send(this.#world, incarnation, { ...kinds, name: `index get ${keys[0]}`, effect: () => this.#index.get(keys) }),
      putIfAbsent: (entries) => {
        const name = `index put ${entries[0]?.key}`;
        const put = async () => {
          if (!this.#world.goesWrong("index-partial", this.#world.number(name)))
            return await this.#index.putIfAbsent(entries);
          await this.#index.putIfAbsent(entries.slice(0, Math.ceil(entries.length / 2)));
          throw error("no answer");
        };
        return send(this.#world, incarnation, { ...kinds, name, effect: put });
      },
      restore: (entries) => this.#index.restore(entries),
      readMarks: () => this.#index.readMarks(),
      moveMarks: (from, to) => this.#index.moveMarks(from, to),
      close: async () => {},
    };
  }

  /** The owner dies with a bundle half published, and what it was about to commit never comes; nobody hears the answer. */
  #diesInside(incarnation: Incarnation, { from }: ShardCommit, name: string): boolean {
    if (from.step === 0 || !this.#world.goesWrong("crash-inside-a-bundle", this.#world.number(`${name} inside`)))
      return false;
    incarnation.crash();
    return true;
  }

  async #raise(shards: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const epochs = new Map<number, number>();
    for (const shard of shards) {
      const state = this.#at(shard);
      state.journal.push("raise");
      for (const [number, epoch] of await state.store.raiseEpochs([shard])) epochs.set(number, epoch);
    }
    return epochs;
  }

  async #clear(shard: number, epoch: number): Promise<"cleared" | "fenced"> {
    const state = this.#at(shard);
    const outcome = await state.store.clear(shard, epoch);
    if (outcome === "fenced") return outcome;
    this.#world.count("shard emptied");
    state.journal = state.journal.filter((entry) => entry === "raise");
    state.held = START;
    return outcome;
  }

  async #commit(commit: ShardCommit): Promise<CommitOutcome> {
    const state = this.#at(commit.shard);
    const outcome = await state.store.commit(commit);
    if (outcome !== "committed") this.#world.count(`commit ${outcome}`);
    else {
      const parts = new Map([...commit.parts].map(([key, value]) => [key, value === null ? null : Buffer.from(value)]));
      state.journal.push({ ...commit, parts });
      state.held = commit.to;
      const isAnew = comparePositions(commit.from, state.reached) < 0;
      if (comparePositions(commit.to, state.reached) > 0) state.reached = commit.to;
      if (commit.to.step > 0) this.#world.count("step cut inside a bundle");
      if (commit.from.step > 0) this.#world.count("step begun inside a bundle");
      await this.onCommit(commit, isAnew);
    }
    return outcome;
  }

  #at(shard: number): ShardState {
    const state = this.#shards[shard];
    if (state === undefined) throw new Error(`no shard ${shard}`);
    return state;
  }
}

function nameOf({ offset, step }: Position): string {
  return step === 0 ? String(offset) : `${offset}-${step}`;
}
