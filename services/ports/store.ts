// The store of the current view: parts (small values under string keys), timers, position and outbox of each shard,
// all changed by one fenced step. Redis, the embedded store and the memory store implement it;
// test/contract/store.contract.ts says what they share.
// Part keys and timer refs are ASCII and hold no personal value.

import type { NewRecord, Position } from "./log.ts";

export interface Timer {
  /** `time`: due when the shard's time reaches atMs. `completeness`: due when every awaited source is complete up to atMs. */
  readonly queue: "time" | "completeness";
  readonly atMs: number;
  readonly ref: string;
}

/** One committed step's publications, kept until they are known to be published. */
export interface OutboxEntry {
  /** Position of the inner log after this step. */
  readonly to: Position;
  readonly records: readonly NewRecord[];
}

export interface ShardHead {
  /** R: the next position of the inner log to apply; {0,0} for a shard never written. */
  readonly position: Position;
  /** Entries not yet trimmed, oldest first. */
  readonly outbox: readonly OutboxEntry[];
  /** What of the shard is not there any more though it was acknowledged, for people; null: nothing is missed. */
  readonly damage: string | null;
}

/** What a reader beside the owner has to know before it believes what it reads. */
export interface ShardStanding {
  /** Of its present owner. */
  readonly epoch: number;
  readonly position: Position;
  /** Before the position has reached it, the shard stands behind what the world was told: it is being folded anew. */
  readonly until: number;
}

/** Where a shard stands, and parts of it that are no older. */
export interface Survey {
  readonly standing: ShardStanding | null;
  /** As of `load`. */
  readonly values: readonly (Uint8Array | null)[];
}

export interface ShardCommit {
  readonly shard: number;
  readonly epoch: number;
  /** R as this owner knows it; the step is refused if the store holds another. */
  readonly from: Position;
  readonly to: Position;
  /** null deletes. */
  readonly parts: ReadonlyMap<string, Uint8Array | null>;
  /**
   * Keys that `load` said are not there, since the last step: where one is listed all the same it was lost, and the step must
   * not stand, whatever it makes of it.
   */
  readonly absent: ReadonlySet<string>;
  readonly timersAdded: readonly Timer[];
  readonly timersRemoved: readonly Timer[];
  /** Appended to the outbox as one entry at `to` (none if empty). */
  readonly outbox: readonly NewRecord[];
  /** Outbox entries with `to` at or before this position are dropped in the same step. */
  readonly published: Position;
}

/**
 * fenced: a newer epoch owns the shard, or its epoch was raised at another server. moved: R is not `from`. damaged: the shard
 * has lost what it acknowledged, so its owner empties it and folds it anew. All three: nothing was changed; drop caches, take over
 * again.
 */
export type CommitOutcome = "committed" | "fenced" | "moved" | "damaged";

/** Thrown when the store cannot be reached or refuses for a passing reason: wait and retry, the outcome of a commit is unknown. */
export class StoreUnavailable extends Error {
  readonly code = "store-unavailable";
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StoreUnavailable";
  }
}

/** Something that the store must hold is not there: it has lost what it acknowledged, or it was read while it changed. */
export class StoreDamaged extends Error {
  readonly code = "store-damaged";
  constructor(message: string) {
    super(message);
    this.name = "StoreDamaged";
  }
}

/** A reader came to a shard that has lost something and does not yet stand again where the world was told that it does. */
export class StoreBehind extends Error {
  readonly code = "store-behind";
  constructor(message: string) {
    super(message);
    this.name = "StoreBehind";
  }
}

/** So often whatever keeps the store lets go of the bytes of what was overwritten and deleted. */
export const REWRITE_EVERY_MS = 86_400_000;

export interface Store {
  /**
   * Raises the epoch of each shard and returns the new epochs: every older owner is fenced, also after a loss of the store. An
   * owner is fenced too once another server answers, or another run of it, or one that was a replica in between: it may have
   * read what that one never had.
   */
  raiseEpochs(shards: readonly number[]): Promise<ReadonlyMap<number, number>>;
  readHead(shard: number): Promise<ShardHead>;
  /** Looks a few parts further for one that is listed and not there; cursor: "0" at first, and again at the end. */
  scrub(shard: number, cursor: string): Promise<{ readonly next: string; readonly lost: string | null }>;
  /** Of keys that `load` says are not there: whether one is listed all the same, so it was lost. */
  hasLost(shard: number, keys: readonly string[]): Promise<boolean>;
  /**
   * Null: the shard was never taken over, or the store has lost it and nobody has noticed yet; or nobody has vouched for it since
   * the store was started, which may have been from a backup.
   */
  standing(shard: number): Promise<ShardStanding | null>;
  /** Both in one round trip: for readers beside the shard's writer. */
  survey(shard: number, keys: readonly string[]): Promise<Survey>;
  /** The owner says what has been published, so that readers wait for it. To be told at each take-over, and now and then. */
  awaitPosition(shard: number, epoch: number, until: number): Promise<"told" | "fenced">;
  /**
   * Empties the shard, so that it can be folded anew from the start of the log. Until it returns, the shard is damaged; until
   * awaitPosition is called again, its readers wait.
   */
  clear(shard: number, epoch: number): Promise<"cleared" | "fenced">;
  /** One round trip. Result i belongs to keys[i]; null where there is no such part. */
  load(shard: number, keys: readonly string[]): Promise<(Uint8Array | null)[]>;
  /** Timers of a queue with atMs <= upToMs, by (atMs, ref), at most `max`. */
  dueTimers(shard: number, queue: Timer["queue"], upToMs: number, max: number): Promise<Timer[]>;
  commit(commit: ShardCommit): Promise<CommitOutcome>;
  /**
   * Every part key of a shard that begins with the prefix, in no order; for digests, folds and tools, not for the hot path.
   * Throws StoreDamaged where one that is listed is not there.
   */
  scan(shard: number, prefix: string): AsyncIterable<{ key: string; value: Uint8Array }>;
  close(): Promise<void>;
}
