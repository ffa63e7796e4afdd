// Where the partitions of a group's topics end, asked of the brokers. An answer always belongs to a question put after the
// call; callers that come while one is under way share the next.

import type { Cluster } from "kafkajs";
import { partitionKey } from "#ports/log.ts";

/** The offset behind the last committed record, per partition. */
type EndOffsets = ReadonlyMap<string, number>;

export class Ends {
  readonly #cluster: Cluster;
  readonly #topics: readonly string[];
  #current: Promise<unknown> = Promise.resolve();
  #next: Promise<EndOffsets> | null = null;

  constructor(cluster: Cluster, topics: readonly string[]) {
    this.#cluster = cluster;
    this.#topics = topics;
  }

  read(): Promise<EndOffsets> {
    this.#next ??= this.#askNext();
    return this.#next;
  }

  async #askNext(): Promise<EndOffsets> {
    // Also where nothing is under way: until here the caller has not yet noted that this one can be shared.
    await this.#current.catch(() => {});
    const asked = this.#ask();
    this.#current = asked;
    this.#next = null;
    return await asked;
  }

  async #ask(): Promise<EndOffsets> {
    const found = await this.#cluster.fetchTopicsOffset(
      this.#topics.map((topic) => ({
        topic,
        fromBeginning: false,
        partitions: this.#cluster
          .findTopicPartitionMetadata(topic)
          .map(({ partitionId }) => ({ partition: partitionId })),
      })),
    );
    return new Map(
      found.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [partitionKey({ topic, partition }), Number(offset)] as const),
      ),
    );
  }
}
