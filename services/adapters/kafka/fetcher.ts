// Fetches committed records of any number of partitions, one request at a time per broker, beside whatever is done with
// them. kafkajs' consumer keeps the membership of a group but does not fetch for us: it fetches nothing while a batch is
// handled, tells nobody of an empty fetch (so nobody knows the end), lets aborted records through (committed.ts), and
// answers an offset that is out of range by committing -2 as the group's offset, outside every transaction.

import { setTimeout as delay } from "node:timers/promises";
import type { Broker, Cluster, Consumer } from "kafkajs";
import { partitionKey, type TopicPartition } from "#ports/log.ts";
import { nextOffset, selectCommitted, type AbortedTransaction } from "./committed.ts";
import { isPassing, isUnknownTopic } from "./failure.ts";
import { Feed, type FeedListener } from "./feed.ts";
import type { Outage } from "./outage.ts";
import type { FetchedMessage } from "./records.ts";

export interface FetcherSettings {
  readonly maxBytesPerPartition: number;
  readonly outage: Outage;
}

const READ_COMMITTED = 1;
const FETCH_BYTES_MAX = 32 * 1024 * 1024;
/**
 * A fetch comes back at once when there is something; a feed that was just moved waits so long at most. Each fetch that
 * finds nothing costs the broker work for all its partitions.
 */
const FETCH_WAIT_MS = 250;
const RETRY_PAUSE_MS = 100;
const METADATA_INTERVAL_MS = 1000;
/** An end below a position may be a leader that has just been elected: looked at again before it is believed. */
const SHORT_LOG_LOOKS = 4;
const SHORT_LOG_PAUSE_MS = 300;
/** A leader that moves is no outage. */
const FAILURES_QUIET = 5;

interface FetchedPartition {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset?: string;
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly messages: readonly FetchedMessage[];
}

interface FetchResponse {
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
}

export class Fetcher {
  readonly #cluster: Cluster;
  readonly #settings: FetcherSettings;
  readonly #feeds = new Map<string, Feed>();
  /** Brokers with a loop of their own. */
  readonly #loops = new Map<number, Promise<void>>();
  readonly #closed = new AbortController();
  #metadataAtMs = Number.NEGATIVE_INFINITY;
  #wakers: (() => void)[] = [];

  constructor(cluster: Cluster, settings: FetcherSettings) {
    this.#cluster = cluster;
    this.#settings = settings;
  }

  follow(partition: TopicPartition, next: number, listener: FeedListener): Feed {
    const feed = new Feed(partition, next, listener);
    this.#feeds.set(partitionKey(partition), feed);
    this.wake();
    return feed;
  }

  forget(feed: Feed): void {
    const key = partitionKey(feed.partition);
    if (this.#feeds.get(key) === feed) this.#feeds.delete(key);
  }

  /** A feed has moved or is not full any more. */
  wake(): void {
    this.#startLoops();
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const waker of wakers) waker();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#feeds.clear();
    this.wake();
    await Promise.all(this.#loops.values());
  }

  #leaderOf({ topic, partition }: TopicPartition): number | null {
    try {
      const found = this.#cluster
        .findTopicPartitionMetadata(topic)
        .find(({ partitionId }) => partitionId === partition);
      return found === undefined || found.leader < 0 ? null : found.leader;
    } catch {
      // Metadata is not loaded: after a reconnection it comes with the next refresh.
      return null;
    }
  }

  #startLoops(): void {
    if (this.#closed.signal.aborted) return;
    const leaders = new Set([...this.#feeds.values()].map(({ partition }) => this.#leaderOf(partition) ?? -1));
    for (const nodeId of leaders) {
      if (this.#loops.has(nodeId)) continue;
      this.#loops.set(nodeId, this.#run(nodeId));
    }
  }

  /** The loop of one broker; of broker -1, the partitions that nobody leads: it waits for better metadata. */
  async #run(nodeId: number): Promise<void> {
    // Started from within wake(): the callers' state comes first.
    await Promise.resolve();
    let failures = 0;
    while (!this.#closed.signal.aborted) {
      const led = [...this.#feeds.values()].filter(({ partition }) => (this.#leaderOf(partition) ?? -1) === nodeId);
      if (led.length === 0) break;
      try {
        const ready = led.filter((feed) => feed.isReady);
        if (nodeId === -1) await this.#refreshMetadata(RETRY_PAUSE_MS);
        else if (ready.length === 0) await this.#rest(FETCH_WAIT_MS);
        else await this.#fetch(nodeId, ready);
        if (performance.now() - this.#metadataAtMs > METADATA_INTERVAL_MS) {
          this.#metadataAtMs = performance.now();
          await this.#cluster.refreshMetadataIfNecessary();
        }
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures > FAILURES_QUIET) this.#settings.outage.begin(error);
        await this.#recover(error, led);
      }
      this.#startLoops();
    }
    this.#loops.delete(nodeId);
  }

  async #fetch(nodeId: number, feeds: readonly Feed[]): Promise<void> {
    const asked = new Map(
      feeds.map((feed) => [partitionKey(feed.partition), { feed, from: feed.next, version: feed.version }]),
    );
    const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
    for (const { feed, from } of asked.values()) {
      const { topic, partition } = feed.partition;
      const partitions = topics.get(topic) ?? [];
      partitions.push({ partition, fetchOffset: String(from), maxBytes: this.#settings.maxBytesPerPartition });
      topics.set(topic, partitions);
    }
    const broker: Broker = await this.#cluster.findBroker({ nodeId: String(nodeId) });
    const [asOfMs, clockMs] = [performance.now(), Date.now()];
    const response = (await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    })) as FetchResponse;
    this.#settings.outage.end();
    for (const { topicName, partitions } of response.responses) {
      for (const found of partitions) {
        const request = asked.get(partitionKey({ topic: topicName, partition: found.partition }));
        if (request === undefined) continue;
        const { feed, from, version } = request;
        const stable = Number(found.lastStableOffset ?? -1);
        const fetched = {
          records: selectCommitted(topicName, found.partition, found.messages, found.abortedTransactions, from),
          next: nextOffset(found.messages, from),
          end: stable >= 0 ? stable : Number(found.highWatermark),
          high: Number(found.highWatermark),
          asOfMs,
          clockMs,
        };
        feed.deliver(fetched, version);
      }
    }
  }

  async #recover(error: unknown, feeds: readonly Feed[]): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const { name, topic, partition } = error as { name?: string; topic?: string; partition?: number };
    if (name === "KafkaJSOffsetOutOfRange") {
      const feed = feeds.find((one) => one.partition.topic === topic && one.partition.partition === partition);
      if (feed !== undefined) return this.#returnToRange(feed).catch((again: unknown) => this.#recover(again, []));
    }
    if (!isPassing(error) && !isUnknownTopic(error)) {
      for (const feed of feeds) feed.fail(error);
      return;
    }
    const { host, port } = error as { host?: string; port?: number };
    if (name === "KafkaJSConnectionClosedError" && host !== undefined && port !== undefined)
      this.#cluster.removeBroker({ host, port });
    await this.#refreshMetadata(RETRY_PAUSE_MS);
  }

  /** Records that were deleted before they were read are lost, and said; of a topic made anew all is read, and it is said. */
  async #returnToRange(feed: Feed): Promise<void> {
    const { topic, partition } = feed.partition;
    const lookUp = async (fromBeginning: boolean) => {
      const [found] = await this.#cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning }]);
      return Number(found?.partitions[0]?.offset ?? -1);
    };
    const { next: at, version } = feed;
    const name = partitionKey(feed.partition);
    for (let look = 1; !this.#closed.signal.aborted; look += 1) {
      const [low, high] = [await lookUp(true), await lookUp(false)];
      // Moved by its owner meanwhile.
      if (feed.version !== version) return;
      if (at >= low && at <= high) return;
      if (at < low) {
        this.#settings.outage.say(`${name}: records ${at} to ${low - 1} were deleted before they were read; going on`);
        return feed.moveTo(low);
      }
      if (look >= SHORT_LOG_LOOKS) {
        this.#settings.outage.say(`${name}: ends at ${high}, before position ${at}: made anew? reading it from ${low}`);
        return feed.moveTo(low);
      }
      await delay(SHORT_LOG_PAUSE_MS, undefined, { signal: this.#closed.signal }).catch(() => {});
    }
  }

  async #refreshMetadata(pauseMs: number): Promise<void> {
    await delay(pauseMs, undefined, { signal: this.#closed.signal }).catch(() => {});
    if (this.#closed.signal.aborted) return;
    try {
      await this.#cluster.connect();
      await this.#cluster.refreshMetadata();
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#settings.outage.begin(error);
    }
  }

  /** Until something changes, or the time is over. */
  #rest(restMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, restMs);
      this.#wakers.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** A cluster that is asked for a broker after its disconnection connects again: once more when the last fetch is over. */
export async function disconnectFetching(consumer: Consumer, fetcher: Fetcher): Promise<void> {
  const closed = fetcher.close();
  await consumer.disconnect().catch(() => {});
  await closed;
  await consumer.disconnect().catch(() => {});
}
