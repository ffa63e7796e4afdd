// One shard of the simulated store: the memory adapter, with a journal of what it acknowledged, which loses what Redis can
// lose. A fail-over is the same shard without its last entries; a lost part is listed and is not there; a lost key of the
// shard takes its outbox, a queue of timers, the list of names or the head away; a flush leaves nothing, its epoch included.
// What notices a loss is as in services/adapters/redis: counts in the head, names of parts, epochs that are made of time.

import { comparePositions, type Position } from "#ports/log.ts";
import type { CommitOutcome, ShardCommit, ShardHead, Store, Timer } from "#ports/store.ts";
import type { System } from "./system.ts";

export const LOSABLE_KEYS = ["outbox", "time", "completeness", "names", "head"] as const;
export type LosableKey = (typeof LOSABLE_KEYS)[number];

const START: Position = { offset: 0, step: 0 };
const UNTIL_TOLD = Number.MAX_SAFE_INTEGER;

export class LossyShard {
  /** The furthest R that was ever committed. */
  reached: Position = START;
  /** R. */
  held: Position = START;
  /** K when it was emptied, or lost whole. A fail-over may take that back. */
  owed = 0;
  #owedAtFlush = 0;
  readonly #publishedUpTo: () => number;
  readonly #system: System;
  readonly #shard: number;
  #store: Store;
  #journal: (() => Promise<unknown>)[] = [];
  readonly #lostParts = new Set<string>();
  readonly #lostKeys = new Set<LosableKey>();
  /** Epochs as their owners know them, as those of the memory adapter. */
  readonly #epochs = new Map<number, number>();
  #hasHead = false;
  /** Servers that have held the shard, one after the other; and in which of them its epoch was raised. */
  #server = 0;
  #raisedAt = 0;
  /** Readers know what they wait for. */
  #isTold = false;

  constructor(system: System, shard: number, publishedUpTo: () => number) {
    this.#publishedUpTo = publishedUpTo;
    this.#system = system;
    this.#shard = shard;
    this.#store = system.openMemoryStore();
  }

  /** Nothing is missed, or everything that was lost has been noticed. */
  get isWhole(): boolean {
    return this.#lostParts.size === 0 && this.#lostKeys.size === 0 && this.#isTold && this.#isHere;
  }

  /** Returns how many acknowledged entries were lost. */
  async failOver(lost: number): Promise<number> {
    const kept = this.#journal.slice(0, Math.max(0, this.#journal.length - lost));
    const gone = this.#journal.length - kept.length;
    this.#reset();
    this.#server += 1;
    for (const entry of kept) await entry();
    this.#journal = kept;
    this.held = (await this.readHead()).position;
    return gone;
  }

  flush(): void {
    this.#owedAtFlush = Math.max(this.owed, this.#publishedUpTo());
    this.#reset();
  }

  #reset(): void {
    this.owed = this.#owedAtFlush;
    this.#store = this.#system.openMemoryStore();
    this.#journal = [];
    this.#lostParts.clear();
    this.#lostKeys.clear();
    this.#epochs.clear();
    this.#hasHead = false;
    this.#isTold = false;
    this.held = START;
  }

  async listParts(): Promise<string[]> {
    const names: string[] = [];
    for await (const { key } of this.#store.scan(this.#shard, "")) names.push(key);
    return names;
  }

  /** Of these keys, those that can be lost. */
  async listHeld(keys: readonly string[]): Promise<string[]> {
    const values = await this.load(keys);
    return keys.filter((_, at) => values[at] !== null);
  }

  losePart(name: string): Promise<void> {
    return this.#note(async () => void this.#lostParts.add(name));
  }

  /** False: it was not there. */
  async loseKey(key: LosableKey): Promise<boolean> {
    if (this.#lostKeys.has(key) || !(await this.#holds(key))) return false;
    const owed = Math.max(this.owed, this.#publishedUpTo());
    await this.#note(async () => {
      this.#lostKeys.add(key);
      if (key !== "head") return;
      this.owed = owed;
      this.#hasHead = false;
      this.#isTold = false;
      this.#epochs.clear();
      this.held = START;
    });
    return true;
  }

  async raiseEpoch(atMs: number): Promise<number> {
    const epoch = Math.max(Math.max(0, ...this.#epochs.keys()) + 1, Math.ceil(atMs));
    const server = this.#server;
    await this.#note(async () => {
      const inner = (await this.#store.raiseEpochs([this.#shard])).get(this.#shard) as number;
      this.#epochs.set(epoch, inner);
      if (!this.#hasHead || this.#raisedAt !== server) {
        await this.#store.awaitPosition(this.#shard, inner, UNTIL_TOLD);
        this.#isTold = false;
      }
      this.#hasHead = true;
      this.#raisedAt = server;
    });
    return epoch;
  }

  async readHead(): Promise<ShardHead> {
    const head = await this.#store.readHead(this.#shard);
    const { size } = this.#lostKeys;
    return {
      position: this.#lostKeys.has("head") ? START : head.position,
      outbox: this.#lostKeys.has("outbox") ? [] : head.outbox,
      damage: size === 0 ? null : `${[...this.#lostKeys].join()} lost`,
    };
  }

  async standing(): ReturnType<Store["standing"]> {
    if (!this.#hasHead || !this.#isHere) return null;
    const standing = await this.#store.standing(this.#shard);
    if (standing === null) return null;
    const epoch = [...this.#epochs.keys()].find((one) => this.#innerOf(one) === standing.epoch) ?? -1;
    return { ...standing, epoch, ...(this.#lostKeys.has("head") ? { position: START } : {}) };
  }

  async awaitPosition(epoch: number, until: number): Promise<"told" | "fenced"> {
    let outcome: "told" | "fenced" = "fenced";
    await this.#note(async () => {
      outcome = await this.#store.awaitPosition(this.#shard, this.#innerOf(epoch), until);
      if (outcome === "told") this.#isTold = true;
    });
    return outcome;
  }

  async clear(epoch: number): Promise<"cleared" | "fenced"> {
    let outcome: "cleared" | "fenced" = "fenced";
    const owed = Math.max(this.owed, this.#publishedUpTo());
    await this.#note(async () => {
      outcome = await this.#store.clear(this.#shard, this.#innerOf(epoch));
      if (outcome === "fenced") return;
      this.owed = owed;
      this.#lostParts.clear();
      this.#lostKeys.clear();
      this.#isTold = false;
      this.held = START;
    });
    return outcome;
  }

  async load(keys: readonly string[]): Promise<(Uint8Array | null)[]> {
    const values = await this.#store.load(this.#shard, keys);
    return values.map((value, at) => (this.#lostParts.has(keys[at] as string) ? null : value));
  }

  async dueTimers(queue: Timer["queue"], upToMs: number, max: number): Promise<Timer[]> {
    return this.#lostKeys.has(queue) ? [] : await this.#store.dueTimers(this.#shard, queue, upToMs, max);
  }

  async *scan(prefix: string): ReturnType<Store["scan"]> {
    if (this.#lostKeys.has("names")) return;
    for await (const part of this.#store.scan(this.#shard, prefix)) {
      if (this.#lostParts.has(part.key))
        throw new this.#system.StoreDamaged(`shard ${this.#shard}: ${part.key} is lost`);
      yield part;
    }
  }

  async scrub(): ReturnType<Store["scrub"]> {
    const [lost = null] = this.#lostKeys.has("names") ? [] : this.#lostParts;
    return { next: "0", lost };
  }

  async hasLost(keys: readonly string[]): Promise<boolean> {
    return !this.#lostKeys.has("names") && keys.some((key) => this.#lostParts.has(key));
  }

  async commit(given: ShardCommit): Promise<CommitOutcome> {
    const commit = { ...given, epoch: this.#innerOf(given.epoch) };
    if (this.#lostKeys.size > 0) {
      const nothing = { parts: new Map(), timersAdded: [], timersRemoved: [], outbox: [], published: START };
      const outcome = await this.#store.commit({ ...commit, to: commit.from, ...nothing });
      return outcome === "committed" ? "damaged" : outcome;
    }
    const outcome = await this.#store.commit(commit);
    if (outcome !== "committed") return outcome;
    const parts = new Map([...commit.parts].map(([key, value]) => [key, value === null ? null : Buffer.from(value)]));
    const end = () => {
      for (const key of parts.keys()) this.#lostParts.delete(key);
      this.held = commit.to;
    };
    this.#journal.push(async () => {
      await this.#store.commit({ ...commit, parts });
      end();
    });
    end();
    if (comparePositions(commit.to, this.reached) > 0) this.reached = commit.to;
    return outcome;
  }

  /** Done now, and again after a fail-over that has not lost it. */
  async #note(entry: () => Promise<void>): Promise<void> {
    this.#journal.push(entry);
    await entry();
  }

  #innerOf(epoch: number): number {
    return this.#hasHead && this.#isHere ? (this.#epochs.get(epoch) ?? -1) : -1;
  }

  /** Its epoch was raised at the server that holds it. */
  get #isHere(): boolean {
    return this.#raisedAt === this.#server;
  }

  async #holds(key: LosableKey): Promise<boolean> {
    if (key === "head") return this.#hasHead && (await this.#holds("names"));
    if (key === "outbox") return (await this.#store.readHead(this.#shard)).outbox.length > 0;
    if (key !== "names") return (await this.#store.dueTimers(this.#shard, key, Number.MAX_SAFE_INTEGER, 1)).length > 0;
    const first = await this.#store.scan(this.#shard, "")[Symbol.asyncIterator]().next();
    return first.done !== true;
  }
}
