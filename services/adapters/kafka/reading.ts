// Reading whole topics outside any group of the product: committed records only, from the start or the present end, to
// the end that was there at the start or on and on. The group is thrown away and never commits.

import { randomUUID } from "node:crypto";
import type { Admin, Kafka } from "kafkajs";
import { partitionKey, type LogRecord } from "#ports/log.ts";
import { toLogRecord } from "./records.ts";

interface ReadOptions {
  readonly from: "start" | "end";
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

const QUEUED_MAX = 10_000;

export async function* readTopics(
  kafka: Kafka,
  admin: Admin,
  topics: readonly string[],
  { from, follow, signal }: ReadOptions,
): AsyncGenerator<LogRecord> {
  const next = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      const key = partitionKey({ topic, partition });
      ends.set(key, Number(high));
      next.set(key, Number(from === "start" ? low : high));
    }
  }
  const isOver = () => !follow && [...ends].every(([key, end]) => (next.get(key) ?? 0) >= end);
  if (isOver()) return;
  const groupId = `weft-read-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 50,
    maxBytesPerPartition: 1024 * 1024,
    readUncommitted: false,
    allowAutoTopicCreation: false,
  });
  let queue: LogRecord[] = [];
  let failure: unknown;
  let wake: () => void = () => {};
  let drained: () => void = () => {};
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (payload.restart) return;
    failure = payload.error;
    wake();
  });
  consumer.on(consumer.events.GROUP_JOIN, () => {
    for (const [key, offset] of next) {
      const cut = key.lastIndexOf("/");
      consumer.seek({ topic: key.slice(0, cut), partition: Number(key.slice(cut + 1)), offset: String(offset) });
    }
  });
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const key = partitionKey(payload);
    next.set(key, Math.max(next.get(key) ?? 0, Number(payload.lastOffset) + 1));
    wake();
  });
  signal?.addEventListener("abort", () => wake());
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, heartbeat }) => {
        for (const message of batch.messages) queue.push(toLogRecord(batch.topic, batch.partition, message));
        wake();
        while (queue.length > QUEUED_MAX && signal?.aborted !== true) {
          await heartbeat();
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, 1000);
            drained = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
      },
    });
    while (signal?.aborted !== true) {
      const records = queue;
      queue = [];
      drained();
      for (const record of records) {
        if (!follow && record.offset >= (ends.get(partitionKey(record)) ?? 0)) continue;
        yield record;
      }
      if (failure !== undefined) throw failure;
      if (queue.length > 0) continue;
      if (isOver()) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (queue.length > 0 || isOver() || signal?.aborted === true) resolve();
      });
    }
  } finally {
    queue = [];
    drained();
    await consumer.disconnect().catch(() => {});
    await admin.deleteGroups([groupId]).catch(() => {});
  }
}
