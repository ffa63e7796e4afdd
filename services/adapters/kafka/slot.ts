// One owned slot: its queue, its transactional producer, and where it stands.

import { setTimeout as delay } from "node:timers/promises";
import type { Admin, Consumer } from "kafkajs";
import {
  LogError,
  partitionKey,
  type LogRecord,
  type NewRecord,
  type OwnedSlot,
  type Position,
  type TopicPartition,
} from "#ports/log.ts";
import { toLogError } from "./failure.ts";
import type { Publisher } from "./publisher.ts";
import { SlotQueue } from "./slot-queue.ts";

/** Offsets of a transaction that was just completed may become visible a moment after InitProducerId answered. */
const STABLE_READ_PAUSE_MS = 30;

export interface SlotParts {
  readonly slot: number;
  readonly partitions: readonly TopicPartition[];
  readonly group: string;
  readonly consumer: Consumer;
  readonly admin: Admin;
  readonly publisher: Publisher;
  /** Joined again, or gone: kafkajs then forgets what was paused. */
  readonly revoked: AbortSignal;
}

export class KafkaSlot implements OwnedSlot {
  readonly slot: number;
  readonly partitions: readonly TopicPartition[];
  readonly revoked: AbortSignal;
  readonly queue: SlotQueue;
  readonly #parts: SlotParts;

  constructor(parts: SlotParts) {
    this.slot = parts.slot;
    this.partitions = parts.partitions;
    this.revoked = parts.revoked;
    this.#parts = parts;
    this.queue = new SlotQueue(parts.partitions, (full) => this.#pause(full));
    parts.revoked.addEventListener("abort", () => this.queue.wake());
  }

  takeOver(): Promise<void> {
    return this.#parts.publisher.takeOver();
  }

  async positions(): Promise<ReadonlyMap<string, Position>> {
    try {
      for (let before = await this.#readPositions(); ; ) {
        await delay(STABLE_READ_PAUSE_MS);
        const after = await this.#readPositions();
        if (samePositions(before, after)) return after;
        before = after;
      }
    } catch (error) {
      throw toLogError(error, false);
    }
  }

  async #readPositions(): Promise<Map<string, Position>> {
    const topics = [...new Set(this.partitions.map(({ topic }) => topic))];
    const offsets = await this.#parts.admin.fetchOffsets({ groupId: this.#parts.group, topics });
    const positions = new Map<string, Position>();
    for (const { topic, partitions } of offsets) {
      for (const { partition, offset, metadata } of partitions) {
        if (this.partitions.some((owned) => owned.topic === topic && owned.partition === partition))
          positions.set(partitionKey({ topic, partition }), {
            offset: Math.max(0, Number(offset)),
            step: Number(metadata ?? 0) || 0,
          });
      }
    }
    for (const partition of this.partitions) {
      const key = partitionKey(partition);
      if (!positions.has(key)) positions.set(key, { offset: 0, step: 0 });
    }
    return positions;
  }

  seek(positions: ReadonlyMap<string, Position>): void {
    const starts = new Map(
      this.partitions.map((partition) => [
        partitionKey(partition),
        { next: positions.get(partitionKey(partition))?.offset ?? 0, end: Number.POSITIVE_INFINITY },
      ]),
    );
    this.queue.reset(starts);
    for (const { topic, partition } of this.partitions) {
      this.#parts.consumer.seek({
        topic,
        partition,
        offset: String(starts.get(partitionKey({ topic, partition }))?.next ?? 0),
      });
    }
    this.#pause(false);
    void this.#learnEnds(starts).catch(() => {});
  }

  /** Where the partitions end now: the only way to know that an idle one was read to its end. */
  async #learnEnds(starts: ReadonlyMap<string, { next: number }>): Promise<void> {
    for (const topic of new Set(this.partitions.map(({ topic }) => topic))) {
      for (const { partition, high } of await this.#parts.admin.fetchTopicOffsets(topic)) {
        const start = starts.get(partitionKey({ topic, partition }));
        if (start !== undefined) this.queue.learnEnd({ topic, partition }, Number(high));
      }
    }
  }

  async poll(recordsMax: number, waitMs: number): Promise<{ records: LogRecord[]; atEnd: boolean }> {
    if (!this.revoked.aborted) await this.queue.wait(waitMs);
    if (this.revoked.aborted) return { records: [], atEnd: false };
    const records = this.queue.take(recordsMax);
    return { records, atEnd: this.queue.atEnd };
  }

  async publish(records: readonly NewRecord[], positions: ReadonlyMap<string, Position>): Promise<void> {
    if (this.revoked.aborted) throw new LogError("log-fenced", "the slot was taken away");
    const named = this.partitions.flatMap((partition) => {
      const position = positions.get(partitionKey(partition));
      return position === undefined ? [] : [{ ...partition, ...position }];
    });
    await this.#parts.publisher.publish(records, named);
  }

  #pause(paused: boolean): void {
    if (this.revoked.aborted) return;
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of this.partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
    const list = [...topics].map(([topic, partitions]) => ({ topic, partitions }));
    if (paused) this.#parts.consumer.pause(list);
    else this.#parts.consumer.resume(list);
  }
}

function samePositions(a: ReadonlyMap<string, Position>, b: ReadonlyMap<string, Position>): boolean {
  return [...a].every(([key, { offset, step }]) => b.get(key)?.offset === offset && b.get(key)?.step === step);
}
