// The log on Kafka, over kafkajs 2.2.4. Its traps are handled one file each: timers (timer-patch), codecs, sends
// (records), transactions (publisher), rebalances (group), fetching beside working (slot-queue), whole slots (assigner).

import { setTimeout as delay } from "node:timers/promises";
import kafkajs, { type Admin, type Kafka, type Producer } from "kafkajs";
import type { GroupOptions, Log, Membership, NewRecord, TopicSpec } from "#ports/log.ts";
import { registerCodecs } from "./codecs.ts";
import { isPassing, toLogError } from "./failure.ts";
import { type GroupSettings, joinKafkaGroup } from "./group.ts";
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
  readonly #memberships = new Set<Membership>();
  #producer: Promise<Producer> | null = null;

  constructor(kafka: Kafka, admin: Admin, settings: GroupSettings) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#settings = settings;
  }

  createTopics(topics: readonly TopicSpec[]): Promise<void> {
    return createKafkaTopics(this.#admin, topics);
  }

  async append(records: readonly NewRecord[]): Promise<void> {
    this.#producer ??= this.#openProducer();
    try {
      const producer = await this.#producer;
      for (const topicMessages of toSends(records)) await producer.sendBatch({ acks: -1, topicMessages });
    } catch (error) {
      const broken = this.#producer;
      this.#producer = null;
      await broken.then((producer) => producer.disconnect()).catch(() => {});
      throw toLogError(error, true);
    }
  }

  async #openProducer(): Promise<Producer> {
    const producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }

  async joinGroup(options: GroupOptions): Promise<Membership> {
    const membership = await joinKafkaGroup(this.#kafka, this.#admin, options, this.#settings);
    this.#memberships.add(membership);
    return membership;
  }

  read(topics: readonly string[], options: { from: "start" | "end"; follow: boolean; signal?: AbortSignal }) {
    return readTopics(this.#kafka, this.#admin, topics, options);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#memberships].map((membership) => membership.close()));
    const producer = this.#producer;
    this.#producer = null;
    await producer?.then((opened) => opened.disconnect()).catch(() => {});
    await this.#admin.disconnect();
  }
}
