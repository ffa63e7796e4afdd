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
}

export interface ShardCommit {
  readonly shard: number;
  readonly epoch: number;
  /** R as this owner knows it; the step is refused if the store holds another. */
  readonly from: Position;
  readonly to: Position;
  /** null deletes. */
  readonly parts: ReadonlyMap<string, Uint8Array | null>;
  readonly timersAdded: readonly Timer[];
  readonly timersRemoved: readonly Timer[];
  /** Appended to the outbox as one entry at `to` (none if empty). */
  readonly outbox: readonly NewRecord[];
  /** Outbox entries with `to` at or before this position are dropped in the same step. */
  readonly published: Position;
}

/** fenced: a newer epoch owns the shard. moved: R is not `from`. Both: nothing was changed; drop caches, take over again. */
export type CommitOutcome = "committed" | "fenced" | "moved";

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

export interface Store {
  /** Raises the epoch of each shard by one and returns the new epochs: every older owner is fenced from here on. */
  raiseEpochs(shards: readonly number[]): Promise<ReadonlyMap<number, number>>;
  readHead(shard: number): Promise<ShardHead>;
  /** One round trip. Result i belongs to keys[i]; null where there is no such part. */
  load(shard: number, keys: readonly string[]): Promise<(Uint8Array | null)[]>;
  /** Timers of a queue with atMs <= upToMs, by (atMs, ref), at most `max`. */
  dueTimers(shard: number, queue: Timer["queue"], upToMs: number, max: number): Promise<Timer[]>;
  commit(commit: ShardCommit): Promise<CommitOutcome>;
  /** Every part key of a shard that begins with the prefix, in no order; for digests, folds and tools, not for the hot path. */
  scan(shard: number, prefix: string): AsyncIterable<{ key: string; value: Uint8Array }>;
  close(): Promise<void>;
}
