// What a log of one process asks of the place that keeps its records. Everything is synchronous: a write is atomic
// because nothing else can happen meanwhile (or because it is one transaction of the file below).

import type { LogRecord, Position, TopicPartition, TopicSpec } from "#ports/log.ts";

export type PlacedRecord = Omit<LogRecord, "offset">;

/** The part of a publication that belongs to its slot: refused unless the epoch is the slot's present one. */
export interface Move {
  readonly group: string;
  readonly slot: number;
  readonly epoch: number;
  readonly positions: ReadonlyMap<string, Position>;
}

export interface Records {
  topic(name: string): TopicSpec | undefined;
  topics(): string[];
  createTopic(spec: TopicSpec): void;
  /** All or nothing. Must copy the bytes, which belong to the caller. */
  write(records: readonly PlacedRecord[], move: Move | null): "written" | "fenced";
  /** The offset that the next record of the partition will get. */
  endOffset(topic: string, partition: number): number;
  read(topic: string, partition: number, from: number, max: number): LogRecord[];
  /** Published-up-to positions of a group; a partition that it never moved is not among them. */
  positions(group: string, partitions: readonly TopicPartition[]): Map<string, Position>;
  raiseEpoch(group: string, slot: number): number;
}
