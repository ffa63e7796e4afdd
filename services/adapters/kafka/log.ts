// The log on Kafka, over kafkajs 2.2.4. Its traps are handled one file each: timers (timer-patch), codecs, sends
// (records), tries (partitioner), transactions (publisher), rebalances (group), what a fetch says (fetch-patch), fetching
// beside working (slot-queue), whole slots (assigner).

import { setTimeout as delay } from "node:timers/promises";
import kafkajs, { type Admin, type Kafka, type Producer } from "kafkajs";
import { type GroupOptions, type Log, LogError, type Membership, type NewRecord, type TopicSpec } from "#ports/log.ts";
import { registerCodecs } from "./codecs.ts";
import { isPassing, toLogError } from "./failure.ts";
import { patchFetches } from "./fetch-patch.ts";
import { type GroupSettings, KafkaGroup } from "./group.ts";
import { createPartitioner } from "./partitioner.ts";
import { readTopics } from "./reading.ts";
import { toSends } from "./records.ts";
import { patchTimers } from "./timer-patch.ts";
import { createKafkaTopics } from "./topics.ts";

export interface KafkaLogOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** A member that was not heard of for so long loses its slots. */
  readonly sessionTimeoutMs?: number;
  readonly maxBytesPerPartition?: number;
  /** One clear line when Kafka cannot be reached, and one when it is back. */
  onWait?(line: string): void;
}

export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  patchTimers();
  patchFetches();
  registerCodecs();
  const onWait = options.onWait ?? (() => {});
  const kafka = new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: [...options.brokers],
    connectionTimeout: 5000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 50, retries: 8, maxRetryTime: 2000 },
    // What matters is said through onWait and LogError; kafkajs' own lines repeat themselves.
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await connectPatiently(admin, onWait);
  return new KafkaLog(kafka, admin, {
    onWait,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    maxBytesPerPartition: options.maxBytesPerPartition ?? 2 * 1024 * 1024,
  });
}

async function connectPatiently(admin: Admin, onWait: (line: string) => void): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await admin.connect();
      if (attempt > 0) onWait("Kafka is back");
      return;
    } catch (error) {
      if (!isPassing(error)) throw toLogError(error, false);
      if (attempt === 0) onWait(`waiting for Kafka: ${error instanceof Error ? error.message : String(error)}`);
      await delay(1000);
    }
  }
}

class KafkaLog implements Log {
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #settings: GroupSettings;
  readonly #groups = new Set<KafkaGroup>();
  readonly #closing = new AbortController();
  #producer: Promise<Producer> | null = null;

  constructor(kafka: Kafka, admin: Admin, settings: GroupSettings) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#settings = settings;
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#checkOpen();
    await createKafkaTopics(this.#admin, topics);
  }

  async append(records: readonly NewRecord[]): Promise<void> {
    this.#checkOpen();
    this.#producer ??= this.#openProducer();
    // Two appends may fail on the same one, and a third may have opened another by then.
    const used = this.#producer;
    try {
      const producer = await used;
      for (const topicMessages of toSends(records)) await producer.sendBatch({ acks: -1, topicMessages });
    } catch (error) {
      if (this.#producer === used) this.#producer = null;
      void used.then((producer) => producer.disconnect()).catch(() => {});
      throw toLogError(error, true);
    }
  }

  async #openProducer(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner,
    });
    try {
      await producer.connect();
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw error;
    }
    return producer;
  }

  async joinGroup(options: GroupOptions): Promise<Membership> {
    this.#checkOpen();
    const group = new KafkaGroup(this.#kafka, this.#admin, options, this.#settings);
    this.#groups.add(group);
    void group.closed.catch(() => {}).then(() => this.#groups.delete(group));
    await group.start();
    return group;
  }

  read(topics: readonly string[], options: { from: "start" | "end"; follow: boolean; signal?: AbortSignal }) {
    this.#checkOpen();
    const { signal } = this.#closing;
    return readTopics(this.#kafka, this.#admin, topics, {
      ...options,
      signal: options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]),
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#groups].map((group) => group.close()));
    const producer = this.#producer;
    this.#producer = null;
    await producer?.then((opened) => opened.disconnect()).catch(() => {});
    await this.#admin.disconnect();
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new LogError("log-unavailable", "the log is closed");
  }
}
