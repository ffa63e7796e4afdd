// Where the partitions of a group's topics end, asked of the brokers. An answer always belongs to a question put after the
// call; callers that come while one is under way share the next.

import type { Cluster } from "kafkajs";
import { partitionKey } from "#ports/log.ts";

export interface Ends {
  readonly partitions: ReadonlyMap<string, PartitionEnds>;
  /** performance.now() before the question was put. */
  readonly asOfMs: number;
}

export interface PartitionEnds {
  /** Behind the last committed record. */
  readonly end: number;
  /** Behind the last record, committed or not. */
  readonly high: number;
}

const READ_UNCOMMITTED = 0;

export class EndReader {
  readonly #committed: Cluster;
  readonly #all: Cluster;
  readonly #topics: readonly string[];
  #current: Promise<unknown> = Promise.resolve();
  #next: Promise<Ends> | null = null;

  /** cluster: of a consumer that reads what is committed. */
  constructor(cluster: Cluster, topics: readonly string[]) {
    this.#committed = cluster;
    // The same connections: which end a cluster asks for is its property, not the call's.
    this.#all = Object.create(cluster, { isolationLevel: { value: READ_UNCOMMITTED } }) as Cluster;
    this.#topics = topics;
  }

  read(): Promise<Ends> {
    this.#next ??= this.#askNext();
    return this.#next;
  }

  async #askNext(): Promise<Ends> {
    // Also where nothing is under way: until here the caller has not yet noted that this one can be shared.
    await this.#current.catch(() => {});
    const asked = this.#ask();
    this.#current = asked;
    this.#next = null;
    return await asked;
  }

  async #ask(): Promise<Ends> {
    const asOfMs = performance.now();
    const [committed, all] = await Promise.all([this.#askOf(this.#committed), this.#askOf(this.#all)]);
    const partitions = new Map<string, PartitionEnds>();
    for (const [key, end] of committed) partitions.set(key, { end, high: all.get(key) ?? Number.POSITIVE_INFINITY });
    return { partitions, asOfMs };
  }

  async #askOf(cluster: Cluster): Promise<ReadonlyMap<string, number>> {
    const found = await cluster.fetchTopicsOffset(
      this.#topics.map((topic) => ({
        topic,
        fromBeginning: false,
        partitions: cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId })),
      })),
    );
    return new Map(
      found.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [partitionKey({ topic, partition }), Number(offset)] as const),
      ),
    );
  }
}
