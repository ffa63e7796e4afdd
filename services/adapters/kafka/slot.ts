// One owned slot: its queue, its feeds, its transactional producer, and where it stands.

import type { Cluster } from "kafkajs";
import {
  LogError,
  partitionKey,
  type NewRecord,
  type OwnedSlot,
  type Polled,
  type Position,
  type TopicPartition,
} from "#ports/log.ts";
import { isFenced, toLogError } from "./failure.ts";
import type { Feed } from "./feed.ts";
import type { Fetcher } from "./fetcher.ts";
import type { Outage } from "./outage.ts";
import type { Publisher } from "./publisher.ts";
import { SlotQueue } from "./slot-queue.ts";
import { fetchStablePositions } from "./stable-offsets.ts";

export interface SlotParts {
  readonly slot: number;
  readonly partitions: readonly TopicPartition[];
  readonly group: string;
  readonly cluster: Cluster;
  readonly fetcher: Fetcher;
  readonly publisher: Publisher;
  readonly outage: Outage;
  readonly revoked: AbortSignal;
}

export class KafkaSlot implements OwnedSlot {
  readonly slot: number;
  readonly partitions: readonly TopicPartition[];
  readonly revoked: AbortSignal;
  readonly #parts: SlotParts;
  readonly #queue: SlotQueue;
  #feeds: Feed[] = [];

  constructor(parts: SlotParts) {
    this.slot = parts.slot;
    this.partitions = parts.partitions;
    this.revoked = parts.revoked;
    this.#parts = parts;
    this.#queue = new SlotQueue(parts.partitions, () => parts.fetcher.wake());
    parts.revoked.addEventListener("abort", () => {
      this.#forgetFeeds();
      this.#queue.wake();
    });
  }

  async takeOver(): Promise<void> {
    const { outage, publisher } = this.#parts;
    try {
      await outage.outlast(() => publisher.takeOver(), this.revoked);
    } catch (error) {
      throw isFenced(error) ? toLogError(error, false) : error;
    }
    // Taken away while the producer was being made: it must not stay.
    if (this.revoked.aborted) await publisher.close();
  }

  async positions(): Promise<ReadonlyMap<string, Position>> {
    const { outage, cluster, group } = this.#parts;
    return await outage.outlast(() => fetchStablePositions(cluster, group, this.partitions), this.revoked);
  }

  seek(positions: ReadonlyMap<string, Position>): void {
    for (const key of positions.keys())
      if (!this.partitions.some((partition) => partitionKey(partition) === key))
        throw new Error(`${key} does not belong to slot ${this.slot}`);
    if (this.revoked.aborted) return;
    this.#forgetFeeds();
    this.#queue.clear();
    this.#feeds = this.partitions.map((partition) =>
      this.#parts.fetcher.follow(partition, positions.get(partitionKey(partition))?.offset ?? 0, {
        deliver: (fetched) => this.#queue.push(partition, fetched),
        isFull: () => this.#queue.isFull,
        fail: (error) => this.#queue.fail(error),
      }),
    );
  }

  async poll(recordsMax: number, waitMs: number): Promise<Polled> {
    if (!this.revoked.aborted) await this.#queue.wait(waitMs);
    if (this.revoked.aborted) return { records: [], reach: new Map() };
    const records = this.#queue.take(recordsMax);
    return { records, reach: this.#queue.listReach() };
  }

  async publish(
    records: readonly NewRecord[],
    positions: ReadonlyMap<string, Position>,
    isSound?: () => Promise<boolean>,
  ): Promise<void> {
    if (this.revoked.aborted) throw new LogError("log-fenced", "the slot was taken away");
    const moved = this.partitions.flatMap((partition) => {
      const position = positions.get(partitionKey(partition));
      return position === undefined ? [] : [{ ...partition, ...position }];
    });
    if (moved.length !== positions.size) throw new Error(`slot ${this.slot} cannot move positions of other slots`);
    await this.#parts.publisher.publish(records, moved, isSound);
  }

  #forgetFeeds(): void {
    // A feed that is forgotten may still have a fetch under way: what it brings is void.
    for (const feed of this.#feeds) {
      feed.moveTo(feed.next);
      this.#parts.fetcher.forget(feed);
    }
    this.#feeds = [];
  }
}
