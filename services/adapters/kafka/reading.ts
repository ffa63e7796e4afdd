// Reading whole topics outside any group of the product: committed records only, from the start or the present end, to
// the end that was there at the start or on and on. The group is thrown away and never commits.

import { randomUUID } from "node:crypto";
import type { Admin, Batch, Consumer, Kafka } from "kafkajs";
import { partitionKey, type LogRecord } from "#ports/log.ts";
import { readBounds, type Bounds } from "./ends.ts";
import { toLogError } from "./failure.ts";
import { toLogRecord } from "./records.ts";

interface ReadOptions {
  readonly from: "start" | "end";
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

const QUEUED_RECORDS_MAX = 10_000;
const QUEUED_BYTES_MAX = 16 * 1024 * 1024;
const HEARTBEAT_MS = 1000;

/** "start", "end" and the present end are those of the call, not of the first record taken. */
export function readTopics(
  kafka: Kafka,
  admin: Admin,
  topics: readonly string[],
  options: ReadOptions,
): AsyncGenerator<LogRecord> {
  const bounds = readBounds(admin, topics);
  bounds.catch(() => {});
  return readFrom(kafka, admin, topics, bounds, options);
}

async function* readFrom(
  kafka: Kafka,
  admin: Admin,
  topics: readonly string[],
  bounds: Promise<ReadonlyMap<string, Bounds>>,
  { from, follow, signal }: ReadOptions,
): AsyncGenerator<LogRecord> {
  const reader = new Reader();
  try {
    for (const [key, { low, high }] of await bounds) reader.place(key, from === "start" ? low : high, high);
  } catch (error) {
    throw toLogError(error, false);
  }
  const isOver = () => signal.aborted || (!follow && reader.isPastEnds);
  if (isOver()) return;
  const groupId = `weft-read-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 50,
    maxBytesPerPartition: 1024 * 1024,
    readUncommitted: false,
    allowAutoTopicCreation: false,
  });
  const wake = () => reader.wake();
  signal.addEventListener("abort", wake);
  try {
    await reader.begin(consumer, topics);
    for (;;) {
      for (const record of reader.take()) {
        if (signal.aborted) return;
        if (follow || reader.isBeforeEnd(record)) yield record;
      }
      if (reader.isEmpty && isOver()) return;
      if (reader.isEmpty) await reader.wait();
    }
  } catch (error) {
    throw toLogError(error, false);
  } finally {
    signal.removeEventListener("abort", wake);
    reader.end();
    await consumer.disconnect().catch(() => {});
    await admin.deleteGroups([groupId]).catch(() => {});
  }
}

/** Where a reading stands, and the records between the fetch loop and whoever takes them. */
class Reader {
  readonly #next = new Map<string, number>();
  readonly #ends = new Map<string, number>();
  #records: LogRecord[] = [];
  #bytes = 0;
  #failure: Error | null = null;
  #isEnded = false;
  #arrived = Promise.withResolvers<void>();
  #drained = Promise.withResolvers<void>();

  place(key: string, next: number, end: number): void {
    this.#next.set(key, next);
    this.#ends.set(key, end);
  }

  get isPastEnds(): boolean {
    return [...this.#ends].every(([key, end]) => (this.#next.get(key) ?? 0) >= end);
  }

  get isEmpty(): boolean {
    return this.#records.length === 0;
  }

  isBeforeEnd(record: LogRecord): boolean {
    return record.offset < (this.#ends.get(partitionKey(record)) ?? 0);
  }

  async begin(consumer: Consumer, topics: readonly string[]): Promise<void> {
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      // Otherwise kafkajs starts again by itself, and joins.
      if (!payload.restart) this.#failure = payload.error;
      this.wake();
    });
    consumer.on(consumer.events.GROUP_JOIN, () => {
      for (const [key, offset] of this.#next) {
        const cut = key.lastIndexOf("/");
        consumer.seek({ topic: key.slice(0, cut), partition: Number(key.slice(cut + 1)), offset: String(offset) });
      }
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, heartbeat, isStale }) => {
        if (!isStale()) this.#push(batch);
        // A heartbeat that throws (the group rebalances) comes after the position has moved: nothing is read twice.
        while (this.#isFull) {
          await heartbeat();
          await Promise.race([this.#drained.promise, new Promise((done) => setTimeout(done, HEARTBEAT_MS).unref())]);
        }
      },
    });
  }

  #push(batch: Batch): void {
    const { topic, partition } = batch;
    const key = partitionKey({ topic, partition });
    const from = this.#next.get(key) ?? 0;
    for (const message of batch.messages) {
      const record = toLogRecord(topic, partition, message);
      if (record.offset < from) continue;
      this.#records.push(record);
      this.#bytes += record.value?.length ?? 0;
    }
    this.#next.set(key, Math.max(from, Number(batch.lastOffset()) + 1));
    this.wake();
  }

  get #isFull(): boolean {
    return !this.#isEnded && (this.#records.length > QUEUED_RECORDS_MAX || this.#bytes > QUEUED_BYTES_MAX);
  }

  take(): LogRecord[] {
    if (this.#failure !== null) throw this.#failure;
    const taken = this.#records;
    this.#records = [];
    this.#bytes = 0;
    this.#drained.resolve();
    this.#drained = Promise.withResolvers();
    return taken;
  }

  wake(): void {
    this.#arrived.resolve();
  }

  async wait(): Promise<void> {
    await this.#arrived.promise;
    this.#arrived = Promise.withResolvers();
  }

  end(): void {
    this.#isEnded = true;
    this.#records = [];
    this.#drained.resolve();
  }
}
