// Reading whole topics outside any group: committed records only, from the start or the present end, to the end that was
// there at the start or on and on. Nothing joins, nothing commits, so nothing is left behind.

import type { Cluster, Kafka } from "kafkajs";
import { type LogRecord, partitionKey, type ReadFrom, type TopicPartition } from "#ports/log.ts";
import { createClusterConsumer, type ClusterConsumer } from "./cluster.ts";
import { toLogError } from "./failure.ts";
import { disconnectFetching, Fetcher, type FetcherSettings } from "./fetcher.ts";
import type { Outage } from "./outage.ts";
import { SlotQueue } from "./slot-queue.ts";

export interface ReadOptions {
  readonly from: ReadFrom;
  readonly follow: boolean;
  readonly signal?: AbortSignal;
  readonly awaitsOpen?: boolean;
}

interface Reading extends TopicPartition {
  next: number;
  /** Where it ends, for one who does not follow. */
  readonly end: number;
}

const TAKEN_RECORDS_MAX = 1000;
const WAIT_MS = 1000;

/** "start", "end" and the present end are those of the call, not of the first record that is taken. */
export function readTopics(
  kafka: Kafka,
  topics: readonly string[],
  { from, follow, signal, awaitsOpen = false }: ReadOptions,
  settings: FetcherSettings,
  closing: AbortSignal,
): AsyncGenerator<LogRecord> {
  const stop = signal === undefined ? closing : AbortSignal.any([signal, closing]);
  // The group's name is never sent. Only committed records are fetched; where they end is asked with the open ones or without.
  const { consumer, cluster } = createClusterConsumer(kafka, { groupId: "weft-reader", readUncommitted: awaitsOpen });
  // Connected only while somebody reads: nobody may ever take a record.
  const find = async (): Promise<Reading[]> => {
    try {
      return await settings.outage.outlast(() => findReadings(cluster, topics, from), stop);
    } finally {
      await settings.outage.awaitClosing(consumer.disconnect().catch(() => {}));
    }
  };
  const found = find();
  found.catch(() => {});
  return readFound(found, { consumer, cluster }, follow, settings, stop);
}

async function* readFound(
  found: Promise<Reading[]>,
  { consumer, cluster }: ClusterConsumer,
  follow: boolean,
  settings: FetcherSettings,
  stop: AbortSignal,
): AsyncGenerator<LogRecord> {
  const fetcher = new Fetcher(cluster, settings);
  try {
    const readings = await found.catch((error: unknown) => {
      if (stop.aborted) return [];
      throw toLogError(error, false);
    });
    const isNothingLeft = !follow && readings.every(({ next, end }) => next >= end);
    if (stop.aborted || isNothingLeft) return;
    const reconnect = async () => {
      await cluster.connect();
      await cluster.refreshMetadata();
    };
    await settings.outage.outlast(reconnect, stop).catch((error: unknown) => {
      if (!stop.aborted) throw toLogError(error, false);
    });
    let heardAtMs = performance.now();
    const queue = new SlotQueue(readings, () => fetcher.wake());
    stop.addEventListener("abort", () => queue.wake());
    for (const reading of readings) {
      if (!follow && reading.next >= reading.end) continue;
      const { topic, partition, next, end } = reading;
      const feed = fetcher.follow({ topic, partition }, next, {
        isFull: () => queue.isFull,
        fail: (error) => queue.fail(error),
        deliver: (fetched) => {
          heardAtMs = performance.now();
          reading.next = fetched.next;
          const records = follow ? fetched.records : fetched.records.filter(({ offset }) => offset < end);
          queue.push(reading, { ...fetched, records });
          if (follow || fetched.next < end) return;
          fetcher.forget(feed);
          queue.wake();
        },
      });
    }
    const isOver = () => !follow && readings.every(({ next, end }) => next >= end);
    while (!stop.aborted) {
      // Before taking: what is delivered after is taken at the next turn.
      const over = isOver();
      const records = queue.take(TAKEN_RECORDS_MAX);
      for (const record of records) {
        yield record;
        if (stop.aborted) return;
      }
      if (records.length > 0) {
        // The taker may have been at it for long.
        heardAtMs = performance.now();
        continue;
      }
      if (over) return;
      settings.outage.requireHope(heardAtMs);
      if (!isOver()) await queue.wait(WAIT_MS);
    }
  } finally {
    await settings.outage.awaitClosing(disconnectFetching(consumer, fetcher));
  }
}

/** The offsets behind the last committed records, by partition key. */
export async function readEnds(
  kafka: Kafka,
  topics: readonly string[],
  outage: Outage,
  stop: AbortSignal,
): Promise<Map<string, number>> {
  const { consumer, cluster } = createClusterConsumer(kafka, { groupId: "weft-reader" });
  try {
    const readings = await outage.outlast(() => findReadings(cluster, topics, "end"), stop);
    return new Map(readings.map((reading) => [partitionKey(reading), reading.end]));
  } catch (error) {
    throw toLogError(error, false);
  } finally {
    await outage.awaitClosing(consumer.disconnect().catch(() => {}));
  }
}

async function findReadings(cluster: Cluster, topics: readonly string[], from: ReadFrom): Promise<Reading[]> {
  await cluster.connect();
  await cluster.addMultipleTargetTopics([...topics]);
  await cluster.refreshMetadataIfNecessary();
  const readings = await Promise.all(
    topics.map(async (topic) => {
      const partitions = cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => ({ partition: partitionId }));
      const [starts, ends] = await Promise.all(
        [true, false].map(async (fromBeginning) => {
          const [found] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }]);
          return new Map((found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]));
        }),
      );
      return partitions.map(({ partition }) => {
        const end = ends?.get(partition) ?? 0;
        if (from === "end") return { topic, partition, next: end, end };
        const start = starts?.get(partition) ?? 0;
        const wanted = from === "start" ? start : (from.get(partitionKey({ topic, partition })) ?? start);
        return { topic, partition, next: Math.max(start, wanted), end };
      });
    }),
  );
  return readings.flat();
}
