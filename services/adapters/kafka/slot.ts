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
import type { Bounds, Ends } from "./ends.ts";
import { toLogError } from "./failure.ts";
import type { Publisher } from "./publisher.ts";
import { SlotQueue, type Delivery } from "./slot-queue.ts";

/** Offsets of a transaction that was just completed may become visible a moment after InitProducerId answered. */
const STABLE_READ_PAUSE_MS = 30;
const BOUNDS_RETRY_MS = 300;
/** How long `poll` waits to hear that the log has not grown. */
const END_WAIT_MS = 1000;
/** An end below a position may be a leader that has just been elected: looked at again before it is believed. */
const SHORT_LOG_LOOKS = 4;

export interface SlotParts {
  readonly slot: number;
  readonly partitions: readonly TopicPartition[];
  readonly group: string;
  readonly consumer: Consumer;
  readonly admin: Admin;
  readonly ends: Ends;
  readonly publisher: Publisher;
  /** Joined again, or gone: kafkajs then forgets what was paused. */
  readonly revoked: AbortSignal;
  onNotice(line: string): void;
}

export class KafkaSlot implements OwnedSlot {
  readonly slot: number;
  readonly partitions: readonly TopicPartition[];
  readonly revoked: AbortSignal;
  readonly #queue: SlotQueue;
  readonly #parts: SlotParts;
  /** Counts the seeks; an older one that is still asking for bounds stops. */
  #turn = 0;

  constructor(parts: SlotParts) {
    this.slot = parts.slot;
    this.partitions = parts.partitions;
    this.revoked = parts.revoked;
    this.#parts = parts;
    this.#queue = new SlotQueue(parts.partitions, (full) => this.#pause(full));
    parts.revoked.addEventListener("abort", () => this.#queue.wake());
  }

  async takeOver(): Promise<void> {
    this.#checkOwned();
    await this.#parts.publisher.takeOver();
    this.#checkOwned();
  }

  async positions(): Promise<ReadonlyMap<string, Position>> {
    try {
      for (let before = await this.#readPositions(); ; ) {
        this.#checkOwned();
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
    const found = new Map<string, Position>();
    for (const { topic, partitions } of offsets)
      for (const { partition, offset, metadata } of partitions)
        found.set(partitionKey({ topic, partition }), {
          offset: Math.max(0, Number(offset)),
          step: Number(metadata ?? 0) || 0,
        });
    return new Map(
      this.partitions.map(partitionKey).map((key) => [key, found.get(key) ?? { offset: 0, step: 0 }] as const),
    );
  }

  seek(positions: ReadonlyMap<string, Position>): void {
    const starts = new Map([...positions].map(([key, { offset }]) => [partitionKey(this.#partitionOf(key)), offset]));
    this.#queue.clear();
    this.#open(starts);
  }

  /** What the fetch loop brought. */
  deliver(delivery: Delivery): void {
    // Neither continued nor asked for: kafkajs has moved by itself (a position that is gone), or was never moved.
    if (!this.#queue.push(delivery)) this.#open(this.#queue.stop());
  }

  /** The run is over: nobody will ask for what is queued. */
  end(): void {
    this.#turn += 1;
    this.#queue.clear();
    this.#pause(true);
  }

  #open(starts: ReadonlyMap<string, number>): void {
    this.#turn += 1;
    this.#pause(true);
    void this.#openFrom(starts, this.#turn);
  }

  /** The ends are asked for first: the only way to know that an idle partition was read to its end. */
  async #openFrom(starts: ReadonlyMap<string, number>, turn: number): Promise<void> {
    for (let look = 1; ; look += 1) {
      const bounds = await this.#parts.ends.read().catch(() => null);
      if (turn !== this.#turn || this.revoked.aborted) return;
      const isShort = ({ high }: Bounds, key: string) => (starts.get(key) ?? 0) > high;
      if (bounds !== null && (look >= SHORT_LOG_LOOKS || ![...bounds].some(([key, bound]) => isShort(bound, key)))) {
        for (const partition of this.partitions)
          this.#openPartition(
            partition,
            starts.get(partitionKey(partition)) ?? 0,
            bounds.get(partitionKey(partition)) ?? { low: 0, high: 0 },
          );
        this.#pause(this.#queue.isFull);
        return;
      }
      await delay(BOUNDS_RETRY_MS);
    }
  }

  #openPartition(partition: TopicPartition, wanted: number, { low, high }: Bounds): void {
    const start = wanted < low || wanted > high ? low : wanted;
    const name = partitionKey(partition);
    if (start > wanted && wanted > 0)
      this.#parts.onNotice(`${name}: records ${wanted} to ${start - 1} were deleted before they were read; going on`);
    if (start < wanted)
      this.#parts.onNotice(`${name}: ends at ${high}, before position ${wanted}: made anew? reading it from ${start}`);
    this.#queue.start(partition, start, high);
    this.#tell((consumer) => consumer.seek({ ...partition, offset: String(start) }));
  }

  async poll(recordsMax: number, waitMs: number): Promise<{ records: LogRecord[]; atEnd: boolean }> {
    if (!this.revoked.aborted) await this.#queue.wait(waitMs);
    if (this.revoked.aborted) return { records: [], atEnd: false };
    const records = this.#queue.take(recordsMax);
    return { records, atEnd: this.#queue.isAtEnd && (await this.#confirmEnd()) };
  }

  /** Everything that was there when `poll` was called has been read: an end heard of earlier would not say so. */
  async #confirmEnd(): Promise<boolean> {
    const heard = await Promise.race([
      this.#parts.ends.read().catch(() => null),
      delay(END_WAIT_MS, null, { ref: false }),
    ]);
    if (heard === null || this.revoked.aborted) return false;
    for (const partition of this.partitions)
      this.#queue.learnEnd(partition, heard.get(partitionKey(partition))?.high ?? 0);
    return this.#queue.isAtEnd;
  }

  async publish(records: readonly NewRecord[], positions: ReadonlyMap<string, Position>): Promise<void> {
    this.#checkOwned();
    const named = [...positions].map(([key, position]) => ({ ...this.#partitionOf(key), ...position }));
    await this.#parts.publisher.publish(records, named);
  }

  #partitionOf(key: string): TopicPartition {
    const partition = this.partitions.find((candidate) => partitionKey(candidate) === key);
    if (partition === undefined) throw new Error(`${key} does not belong to slot ${this.slot} of ${this.#parts.group}`);
    return partition;
  }

  #checkOwned(): void {
    if (this.revoked.aborted) throw new LogError("log-fenced", "the slot was taken away");
  }

  #pause(paused: boolean): void {
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of this.partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
    const list = [...topics].map(([topic, partitions]) => ({ topic, partitions }));
    this.#tell((consumer) => (paused ? consumer.pause(list) : consumer.resume(list)));
  }

  /** A consumer that has just crashed refuses to be told anything; the slot is about to be revoked then. */
  #tell(command: (consumer: Consumer) => void): void {
    if (this.revoked.aborted) return;
    try {
      command(this.#parts.consumer);
    } catch {
      this.#queue.stop();
    }
  }
}

function samePositions(a: ReadonlyMap<string, Position>, b: ReadonlyMap<string, Position>): boolean {
  return [...a].every(([key, { offset, step }]) => b.get(key)?.offset === offset && b.get(key)?.step === step);
}
