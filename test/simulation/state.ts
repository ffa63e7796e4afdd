// The simulated store and index: one shard beside the other (lossy-shard.ts), and an index that can lose what it
// acknowledged like theirs. Requests come through a process's own connections; what is lost is lost behind their back.

import type { Index } from "#ports/index.ts";
import { comparePositions, type Position } from "#ports/log.ts";
import type { CommitOutcome, ShardCommit, Store } from "#ports/store.ts";
import { openLossyIndex } from "#support/lossy-index.ts";
import type { System } from "./system.ts";
import type { Incarnation } from "./incarnation.ts";
import { type LosableKey, LossyShard } from "./lossy-shard.ts";
import { send, type World } from "./world.ts";

export class ServerState {
  /** True plants a bug: epochs begin anew where they were lost. */
  resetsEpochs = false;
  /** What a shard held is gone, and will be folded anew. */
  onEmptied: (shard: number) => void = () => {};
  readonly #world: World;
  readonly #system: System;
  readonly #shards: LossyShard[];
  readonly #index: ReturnType<typeof openLossyIndex>;
  /** Looks at what was committed; isAnew: on the way to where the shard was before. */
  onCommit: (commit: ShardCommit, isAnew: boolean) => Promise<void> = async () => {};

  constructor(world: World, system: System) {
    this.#world = world;
    this.#system = system;
    this.#index = openLossyIndex(system.openMemoryIndex);
    this.#shards = Array.from({ length: world.plan.shards }, (_, shard) => new LossyShard(system, shard));
  }

  /** An output of this position may be visible. */
  isCommitted(shard: number, place: Position): boolean {
    return comparePositions(this.#at(shard).reached, place) > 0;
  }

  /** The furthest R that there ever was. */
  reachedBy(shard: number): Position {
    return this.#at(shard).reached;
  }

  readIndex(): Index {
    return this.#index.index;
  }

  /** R, as the store has it now. */
  appliedUpTo(shard: number): Position {
    return this.#at(shard).held;
  }

  /** Whatever the shards and the index have lost was noticed. */
  get isWhole(): boolean {
    return this.#index.isMarked() && this.#shards.every(({ isWhole }) => isWhole);
  }

  /** Everything as it is, for readers and for the end of a run. */
  readAll(): Pick<Store, "load" | "scan" | "dueTimers" | "standing"> {
    return {
      standing: (shard) => this.#at(shard).standing(),
      dueTimers: (shard, queue, upToMs, max) => this.#at(shard).dueTimers(queue, upToMs, max),
      load: (shard, keys) => this.#at(shard).load(keys),
      scan: (shard, prefix) => this.#at(shard).scan(prefix),
    };
  }

  /** Returns how many acknowledged entries were lost. */
  failOver(shard: number, lost: number): Promise<number> {
    return this.#at(shard).failOver(lost);
  }

  losePart(shard: number, luck: number): Promise<boolean> {
    return this.#at(shard).losePart(luck);
  }

  async loseKey(shard: number, key: LosableKey): Promise<boolean> {
    const isLost = await this.#at(shard).loseKey(key);
    if (isLost && key === "head") this.onEmptied(shard);
    return isLost;
  }

  /** Of the index: another server has taken over, without the last writes. */
  failOverIndex(lost: number): Promise<void> {
    return this.#index.loseLast(lost);
  }

  /** FLUSHALL. */
  async flush(): Promise<void> {
    for (const [shard, one] of this.#shards.entries()) {
      one.flush();
      this.onEmptied(shard);
    }
    await this.#index.loseAll();
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
      readHead: (shard) => ask(`read head of ${shard}`, () => this.#at(shard).readHead()),
      load: (shard, keys) => ask(`load from ${shard}`, () => this.#at(shard).load(keys)),
      dueTimers: (shard, queue, upToMs, max) =>
        ask(`timers of ${shard}`, () => this.#at(shard).dueTimers(queue, upToMs, max)),
      commit: (commit) => {
        const name = `commit to ${commit.shard} from ${nameOf(commit.from)}`;
        return ask(name, () => (this.#diesInside(incarnation, commit, name) ? "fenced" : this.#commit(commit)));
      },
      scan: (shard, prefix) => this.#at(shard).scan(prefix),
      scrub: (shard) => ask(`scrub ${shard}`, () => this.#at(shard).scrub()),
      hasLost: (shard, keys) => ask(`what ${shard} has lost`, () => this.#at(shard).hasLost(keys)),
      standing: (shard) => ask(`standing of ${shard}`, () => this.#at(shard).standing()),
      awaitPosition: (shard, epoch, until) => ask(`await ${shard}`, () => this.#at(shard).awaitPosition(epoch, until)),
      clear: (shard, epoch) => ask(`clear ${shard}`, () => this.#clear(shard, epoch)),
      close: async () => {},
    };
  }

  openIndex(incarnation: Incarnation): Index {
    const error = (why: string) => new this.#system.StoreUnavailable(why);
    const { index } = this.#index;
    const ask = <T>(name: string, effect: () => Promise<T>): Promise<T> =>
      send(this.#world, incarnation, { refused: "index-refused", lost: "index-lost", error, name, effect });
    return {
      get: (keys) => ask(`index get ${keys[0]}`, () => index.get(keys)),
      putIfAbsent: (entries) => {
        const name = `index put ${entries[0]?.key}`;
        const put = async () => {
          if (!this.#world.goesWrong("index-partial", this.#world.number(name)))
            return await index.putIfAbsent(entries);
          await index.putIfAbsent(entries.slice(0, Math.ceil(entries.length / 2)));
          throw error("no answer");
        };
        return ask(name, put);
      },
      restore: (entries) => ask(`index restore ${entries[0]?.key}`, () => index.restore(entries)),
      readMarks: () => ask("index marks", () => index.readMarks()),
      moveMarks: (from, to) => ask("index mark", () => index.moveMarks(from, to)),
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
      const atMs = this.resetsEpochs ? 0 : this.#world.nowMs;
      epochs.set(shard, await this.#at(shard).raiseEpoch(atMs));
    }
    return epochs;
  }

  async #clear(shard: number, epoch: number): Promise<"cleared" | "fenced"> {
    const outcome = await this.#at(shard).clear(epoch);
    if (outcome === "fenced") return outcome;
    this.#world.count("shard emptied");
    this.onEmptied(shard);
    return outcome;
  }

  async #commit(commit: ShardCommit): Promise<CommitOutcome> {
    const isAnew = comparePositions(commit.from, this.#at(commit.shard).reached) < 0;
    const outcome = await this.#at(commit.shard).commit(commit);
    if (outcome !== "committed") this.#world.count(`commit ${outcome}`);
    else {
      if (commit.to.step > 0) this.#world.count("step cut inside a bundle");
      if (commit.from.step > 0) this.#world.count("step begun inside a bundle");
      await this.onCommit(commit, isAnew);
    }
    return outcome;
  }

  #at(shard: number): LossyShard {
    const state = this.#shards[shard];
    if (state === undefined) throw new Error(`no shard ${shard}`);
    return state;
  }
}

function nameOf({ offset, step }: Position): string {
  return step === 0 ? String(offset) : `${offset}-${step}`;
}
