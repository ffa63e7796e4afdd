// The log, in our words: topics of records, read and written by the owner of a slot in one transaction.
// Kafka, the embedded log and the memory log implement it; test/contract/log.contract.ts says what they share.

/**
 * What text cannot say of a foreign record: a key that is not UTF-8, headers that are not or that are there twice.
 * Beside key and headers, which then hold what a reader can make of them.
 */
export interface RawParts {
  /** Absent: the key is text. */
  readonly key?: Uint8Array;
  readonly headers: Readonly<Record<string, readonly Uint8Array[]>>;
}

export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  /** Position inside the partition; grows, may have gaps (a transaction's markers take positions too). */
  readonly offset: number;
  /** Record timestamp, epoch milliseconds: what the product calls recordedAt. */
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly raw?: RawParts;
}

export interface NewRecord {
  readonly topic: string;
  /** Absent: the partition follows from the key (murmur2, as Java's default partitioner). */
  readonly partition?: number;
  readonly key: string | null;
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the key and of the headers of these names. Logs that hold our own records only may leave it out. */
  readonly raw?: RawParts;
  /** Absent: the log stamps its own time. */
  readonly timestampMs?: number;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Kafka topic configuration, e.g. {"cleanup.policy": "compact"}. Ignored by logs that keep everything. */
  readonly config: Readonly<Record<string, string>>;
}

/** Where a reader stands: the next offset to apply, and, inside a record that takes several commits, the next step of it. */
export interface Position {
  readonly offset: number;
  readonly step: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * A failed publication.
 * fenced: another owner has taken the slot; stop at once.
 * unknown: committed or not, nobody knows; drop this slot handle, take the slot over again and read `positions`.
 * unavailable: nothing was written; wait, take the slot over again and go on.
 */
export type LogErrorCode = "log-fenced" | "log-outcome-unknown" | "log-unavailable" | "log-untrusted";

export class LogError extends Error {
  readonly code: LogErrorCode;
  constructor(code: LogErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "LogError";
    this.code = code;
  }
}

/** How far a partition has been polled. */
export interface Reach {
  /**
   * Whatever was on it at this instant, by this machine's clock in epoch milliseconds, has been polled; Infinity: whatever is on it;
   * -Infinity: nobody knows.
   */
  readonly readUpToMs: number;
  /**
   * What is on it beyond, as it was last seen: records that wait, also where nobody has seen it for long; or such as another
   * producer's open transaction hides.
   */
  readonly rest: "none" | "waiting" | "hidden";
}

export interface Polled {
  readonly records: LogRecord[];
  /** Of each partition (`partitionKey`); of one that is not listed nobody knows. */
  readonly reach: ReadonlyMap<string, Reach>;
}

/**
 * A slot of partitions that this process owns, from assignment until revocation. One loop per slot drives it:
 * takeOver, positions, seek, then poll and publish for ever.
 */
export interface OwnedSlot {
  readonly slot: number;
  readonly partitions: readonly TopicPartition[];
  /** Aborted when the slot is taken away or the membership closes; every pending call then rejects or returns empty. */
  readonly revoked: AbortSignal;
  /** Fences every earlier owner's publications. Must come before `positions` and before any `publish`. May be repeated. */
  takeOver(): Promise<void>;
  /** Published-up-to position per partition of this slot (offset 0 where nothing was ever published). */
  positions(): Promise<ReadonlyMap<string, Position>>;
  /** Where `poll` continues, per partition key (`partitionKey`). Records already queued are discarded. */
  seek(positions: ReadonlyMap<string, Position>): void;
  /**
   * The next records, in offset order per partition; waits up to waitMs for the first one, then returns what is at hand
   * (possibly nothing). Only committed records.
   */
  poll(recordsMax: number, waitMs: number): Promise<Polled>;
  /**
   * Writes the records and moves the positions in one transaction. Throws LogError. An empty list only moves positions.
   * isSound is asked when all is written and nothing is committed: false gives the transaction up, as unavailable.
   */
  publish(
    records: readonly NewRecord[],
    positions: ReadonlyMap<string, Position>,
    isSound?: () => Promise<boolean>,
  ): Promise<void>;
}

export interface GroupOptions {
  /** Consumer group id: stable, visible in kafka-consumer-groups. */
  readonly group: string;
  readonly topics: readonly string[];
  /** Number of slots; every member of the group must agree. */
  readonly slots: number;
  /** Which slot a partition belongs to; the same for ever. */
  slotOf(partition: number): number;
  /**
   * Runs for as long as the slot is owned; at most one run per slot and process at a time. It returns after `revoked`
   * is aborted. A throw ends the whole membership (`closed` rejects).
   */
  run(slot: OwnedSlot): Promise<void>;
}

export interface Membership {
  /** Stops polling, waits for the runs to finish, leaves the group. */
  close(): Promise<void>;
  /** Settles when the membership is over: resolves after close, rejects on a fatal error. */
  readonly closed: Promise<void>;
}

/** A map: the offset to begin at, by `partitionKey`; a partition that is not in it is read from its start. */
export type ReadFrom = "start" | "end" | ReadonlyMap<string, number>;

export interface Log {
  /** Creates what is missing; an existing topic with another partition count or cleanup policy is a LogError. */
  createTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** The names of all topics that are there, also those of others. */
  listTopics(): Promise<string[]>;
  /** Of topics that are there: one line for each way in which they may lose what was acknowledged. */
  findUnsafeTopics(topics: readonly string[]): Promise<string[]>;
  /** Plain, at-least-once append in order (producers, imports). Resolves when acknowledged. */
  append(records: readonly NewRecord[]): Promise<void>;
  /** Joins a consumer group whose members share out whole slots. */
  joinGroup(options: GroupOptions): Promise<Membership>;
  /**
   * Reads committed records of whole topics; ends at the present end unless `follow`. awaitsOpen: behind every transaction
   * that is open at the call.
   */
  read(
    topics: readonly string[],
    options: { from: ReadFrom; follow: boolean; signal?: AbortSignal; awaitsOpen?: boolean },
  ): AsyncIterable<LogRecord>;
  /** The offset behind the last committed record of each partition, by `partitionKey`. */
  endOffsets(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * How far a group has come, by `partitionKey`; a partition that it never moved, or that the log has forgotten of it, is not
   * in it. For tools: what a transaction has in hand may be missing.
   */
  groupOffsets(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

export function comparePositions(a: Position, b: Position): number {
  return a.offset - b.offset || a.step - b.step;
}

export function partitionKey(partition: TopicPartition): string {
  return `${partition.topic}/${partition.partition}`;
}
