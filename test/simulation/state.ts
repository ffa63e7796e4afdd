// The simulated store and index: one shard beside the other (lossy-shard.ts), and an index that can lose what it
// acknowledged like theirs. Requests come through a process's own connections; what is lost is lost behind their back.

import type { Index } from "#ports/index.ts";
import { comparePositions, type Position } from "#ports/log.ts";
import type { CommitOutcome, ShardCommit, Store, Survey } from "#ports/store.ts";
import { indexKey } from "#services/wire/payload-keys.ts";
import { openLossyIndex } from "#support/lossy-index.ts";
import type { System } from "./system.ts";
import type { Incarnation } from "./incarnation.ts";
import { Keyring } from "./keyring.ts";
import { type LosableKey, LossyShard } from "./lossy-shard.ts";
import { send, type World } from "./world.ts";

/** Steps that changed somebody, or let time pass and more. */
export const FOLDED_UNDER_FAULTS = "step folded while faults strike";
export const FOLDED_AFTERWARDS = "step folded afterwards";
const KEYS = indexKey("");
/** Entries or writes that are lost at most where something fails over right behind a request. */
const LOST_AT_ONCE_MAX = 3;

export class ServerState {
  /** True plants a bug: epochs begin anew where they were lost. */
  resetsEpochs = false;
  /** K of a shard. */
  publishedUpTo: (shard: number) => number = () => 0;
  /** Every key that was ever drawn. */
  readonly keyring = new Keyring();
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
    this.#shards = Array.from(
      { length: world.plan.shards },
      (_, shard) => new LossyShard(system, shard, () => this.publishedUpTo(shard)),
    );
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
  readAll(): Pick<Store, "load" | "scan" | "dueTimers" | "standing" | "survey"> {
    return {
      standing: (shard) => this.#at(shard).standing(),
      survey: (shard, keys) => this.#survey(shard, keys),
      dueTimers: (shard, queue, upToMs, max) => this.#at(shard).dueTimers(queue, upToMs, max),
      load: (shard, keys) => this.#at(shard).load(keys),
      scan: (shard, prefix) => this.#at(shard).scan(prefix),
    };
  }

  hasLost(shard: number, keys: readonly string[]): Promise<boolean> {
    return this.#at(shard).hasLost(keys);
  }

  async #survey(shard: number, keys: readonly string[]): Promise<Survey> {
    return { standing: await this.#at(shard).standing(), values: await this.#at(shard).load(keys) };
  }

  async failOver(shard: number, lost: number): Promise<void> {
    if ((await this.#at(shard).failOver(lost)) > 0) this.#world.count("shard that lost acknowledged writes");
  }

  /** luck picks the part. False: there is none. */
  async losePart(shard: number, luck: number): Promise<boolean> {
    const names = (await this.#at(shard).listParts()).toSorted();
    const name = names[Math.floor(luck * names.length)];
    if (name !== undefined) await this.#at(shard).losePart(name);
    return name !== undefined;
  }

  loseKey(shard: number, key: LosableKey): Promise<boolean> {
    return this.#at(shard).loseKey(key);
  }

  /** How far the world had been told when the shard was emptied or lost whole: no reader may be served less. */
  owedBy(shard: number): number {
    return this.#at(shard).owed;
  }

  /** Of the index: another server has taken over, without the last writes. */
  failOverIndex(lost: number): Promise<void> {
    return this.#index.loseLast(lost);
  }

  /** FLUSHALL. */
  async flush(): Promise<void> {
    for (const shard of this.#shards) shard.flush();
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
    const write = <T>(name: string, shards: readonly number[], effect: () => Promise<T>): Promise<T> =>
      ask(name, async () => {
        const answer = await effect();
        for (const shard of shards) await this.#failOverAt(`${name} of ${shard}`, shard);
        return answer;
      });
    return {
      raiseEpochs: (shards) => write(`raise epochs of ${shards.join()}`, shards, () => this.#raise(shards)),
      readHead: (shard) => ask(`read head of ${shard}`, () => this.#at(shard).readHead()),
      load: (shard, keys) => ask(`load from ${shard}`, () => this.#load(shard, keys)),
      dueTimers: (shard, queue, upToMs, max) =>
        ask(`timers of ${shard}`, () => this.#at(shard).dueTimers(queue, upToMs, max)),
      commit: (commit) => {
        const name = `commit to ${commit.shard} from ${nameOf(commit.from)}`;
        return write(name, [commit.shard], async () =>
          this.#diesInside(incarnation, commit, name) ? "fenced" : await this.#commit(commit),
        );
      },
      scan: (shard, prefix) => this.#at(shard).scan(prefix),
      scrub: (shard) => ask(`scrub ${shard}`, () => this.#at(shard).scrub()),
      hasLost: (shard, keys) => ask(`what ${shard} has lost`, () => this.#at(shard).hasLost(keys)),
      standing: (shard) => ask(`standing of ${shard}`, () => this.#at(shard).standing()),
      survey: (shard, keys) => ask(`survey of ${shard}`, () => this.#survey(shard, keys)),
      awaitPosition: (shard, epoch, until) =>
        write(`await ${shard}`, [shard], () => this.#at(shard).awaitPosition(epoch, until)),
      clear: (shard, epoch) => write(`clear ${shard}`, [shard], () => this.#clear(shard, epoch)),
      close: async () => {},
    };
  }

  openIndex(incarnation: Incarnation): Index {
    const error = (why: string) => new this.#system.StoreUnavailable(why);
    const { index } = this.#index;
    const ask = <T>(name: string, asked: () => Promise<T>): Promise<T> => {
      const effect = async () => {
        const answer = await asked();
        const lost = this.#countLost("index-failover-at-a-request", name);
        if (lost > 0) await this.failOverIndex(lost);
        return answer;
      };
      return send(this.#world, incarnation, { refused: "index-refused", lost: "index-lost", error, name, effect });
    };
    return {
      get: (keys) => ask(`index get ${keys[0]}`, () => index.get(keys)),
      putIfAbsent: (entries) => {
        const name = `index put ${entries[0]?.key}`;
        const put = async () => {
          for (const { key, value } of entries)
            if (key.startsWith(KEYS)) this.keyring.add(key.slice(KEYS.length), value);
          if (!this.#world.goesWrong("index-partial", this.#world.number(name)))
            return await index.putIfAbsent(entries);
          await index.putIfAbsent(entries.slice(0, Math.ceil(entries.length / 2)));
          throw error("no answer");
        };
        return ask(name, put);
      },
      restore: (entries, final) => ask(`index restore ${entries[0]?.key}`, () => index.restore(entries, final)),
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

  /** 0: nothing goes wrong. */
  #countLost(kind: "failover-at-a-write" | "index-failover-at-a-request", name: string): number {
    const world = this.#world;
    const numbered = world.number(`${name} lost`);
    return world.goesWrong(kind, numbered) ? 1 + Math.floor(world.draw(`${numbered} count`) * LOST_AT_ONCE_MAX) : 0;
  }

  async #failOverAt(name: string, shard: number): Promise<void> {
    const lost = this.#countLost("failover-at-a-write", name);
    if (lost > 0) await this.failOver(shard, lost);
  }

  async #load(shard: number, keys: readonly string[]): Promise<(Uint8Array | null)[]> {
    const world = this.#world;
    const at = this.#at(shard);
    const there = await at.listHeld(keys);
    const name = world.number(`read of ${shard}`);
    if (there.length > 0 && world.goesWrong("lost-part-at-a-read", name))
      await at.losePart(there[Math.floor(world.draw(`${name} which`) * there.length)] as string);
    return await at.load(keys);
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
    if (outcome === "cleared") this.#world.count("shard emptied");
    return outcome;
  }

  async #commit(commit: ShardCommit): Promise<CommitOutcome> {
    const isAnew = comparePositions(commit.from, this.#at(commit.shard).reached) < 0;
    const outcome = await this.#at(commit.shard).commit(commit);
    if (outcome !== "committed") this.#world.count(`commit ${outcome}`);
    else {
      if (commit.parts.size > 1) this.#world.count(this.#world.faultsOn ? FOLDED_UNDER_FAULTS : FOLDED_AFTERWARDS);
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
