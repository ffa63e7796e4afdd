// Membership in a consumer group over kafkajs. GROUP_JOIN is emitted before the first fetch: there the assigned
// partitions pause, runs of slots that went away are told to stop, and runs of owned slots start, take over, seek and
// resume. A slot that comes back while its old run is ending waits for it: one loop per slot and process.

import type { Admin, Consumer, Kafka } from "kafkajs";
import type { GroupOptions, LogRecord, Membership, TopicPartition } from "#ports/log.ts";
import { createSlotAssigner } from "./assigner.ts";
import { isPassing, toLogError } from "./failure.ts";
import { Publisher } from "./publisher.ts";
import { toLogRecord } from "./records.ts";
import { KafkaSlot } from "./slot.ts";

export interface GroupSettings {
  readonly sessionTimeoutMs: number;
  readonly maxBytesPerPartition: number;
  onWait(line: string): void;
}

const RESTART_PAUSE_MS = 1000;

export async function joinKafkaGroup(
  kafka: Kafka,
  admin: Admin,
  options: GroupOptions,
  settings: GroupSettings,
): Promise<Membership> {
  const group = new Group(kafka, admin, options, settings);
  await group.start();
  return { closed: group.closed, close: () => group.close() };
}

interface Run {
  readonly slot: KafkaSlot;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

class Group {
  readonly closed: Promise<void>;
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #options: GroupOptions;
  readonly #settings: GroupSettings;
  readonly #runs = new Map<number, Run>();
  #settle: { resolve: () => void; reject: (error: unknown) => void } = { resolve: () => {}, reject: () => {} };
  #consumer: Consumer;
  #closing = false;

  constructor(kafka: Kafka, admin: Admin, options: GroupOptions, settings: GroupSettings) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#options = options;
    this.#settings = settings;
    this.closed = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.closed.catch(() => {});
    this.#consumer = this.#createConsumer();
  }

  async start(): Promise<void> {
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        partitionsConsumedConcurrently: 1,
        // Queueing only: kafkajs fetches nothing while a batch is handled.
        eachBatch: async ({ batch }) => {
          const records = batch.messages.map((message) => toLogRecord(batch.topic, batch.partition, message));
          this.#deliver(batch, records);
        },
      });
    } catch (error) {
      throw toLogError(error, false);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#revoke(new Set());
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
    await this.#consumer.disconnect().catch(() => {});
    this.#settle.resolve();
  }

  #createConsumer(): Consumer {
    const { group, slots, slotOf } = this.#options;
    const consumer = this.#kafka.consumer({
      groupId: group,
      partitionAssigners: [createSlotAssigner(slots, slotOf)],
      sessionTimeout: this.#settings.sessionTimeoutMs,
      rebalanceTimeout: 30_000,
      heartbeatInterval: 1000,
      maxWaitTimeInMs: 50,
      maxBytesPerPartition: this.#settings.maxBytesPerPartition,
      maxBytes: 32 * 1024 * 1024,
      readUncommitted: false,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 5000, retries: 10 },
    });
    const { GROUP_JOIN, REBALANCING, CRASH, END_BATCH_PROCESS } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment));
    // Partitions may move from here on; what is committed after is fenced by epochs, not by the group.
    consumer.on(REBALANCING, () => this.#revoke(new Set()));
    consumer.on(CRASH, ({ payload }) => void this.#crash(payload.error, payload.restart));
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      const { topic, partition, lastOffset, highWatermark } = payload;
      this.#runOf(partition)?.slot.queue.advance({ topic, partition }, Number(lastOffset) + 1, Number(highWatermark));
    });
    return consumer;
  }

  #runOf(partition: number): Run | undefined {
    return this.#runs.get(this.#options.slotOf(partition));
  }

  #deliver({ partition }: TopicPartition, records: readonly LogRecord[]): void {
    const run = this.#runOf(partition);
    if (run !== undefined && !run.abort.signal.aborted) run.slot.queue.push(records);
  }

  #assign(assignment: Readonly<Record<string, readonly number[]>>): void {
    const slots = new Map<number, TopicPartition[]>();
    for (const [topic, partitions] of Object.entries(assignment)) {
      this.#consumer.pause([{ topic, partitions: [...partitions] }]);
      for (const partition of partitions) {
        const slot = this.#options.slotOf(partition);
        slots.set(slot, [...(slots.get(slot) ?? []), { topic, partition }]);
      }
    }
    // Joining forgets every position and pause in kafkajs, so every run starts anew, also of slots that stayed.
    this.#revoke(new Set());
    for (const [slot, partitions] of slots) this.#startRun(slot, partitions);
  }

  #revoke(kept: ReadonlySet<number>): void {
    for (const [slot, run] of this.#runs) if (!kept.has(slot)) run.abort.abort();
  }

  #startRun(slot: number, partitions: readonly TopicPartition[]): void {
    if (this.#closing) return;
    const abort = new AbortController();
    const publisher = new Publisher(this.#kafka, this.#options.group, slot);
    const owned = new KafkaSlot({
      slot,
      partitions,
      group: this.#options.group,
      consumer: this.#consumer,
      admin: this.#admin,
      publisher,
      revoked: abort.signal,
    });
    const previous = this.#runs.get(slot)?.ended ?? Promise.resolve();
    const ended = previous
      .then(() => (abort.signal.aborted ? undefined : this.#options.run(owned)))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => publisher.close());
    this.#runs.set(slot, { slot: owned, abort, ended });
  }

  async #crash(error: Error, restart: boolean): Promise<void> {
    this.#revoke(new Set());
    if (restart || this.#closing) return;
    if (!isPassing(error)) return this.#fail(error);
    this.#settings.onWait(`waiting for Kafka: ${error.message}`);
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
    await this.#consumer.disconnect().catch(() => {});
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, RESTART_PAUSE_MS));
      if (this.#closing) return;
      this.#consumer = this.#createConsumer();
      try {
        await this.start();
        this.#settings.onWait("Kafka is back");
        return;
      } catch (again) {
        await this.#consumer.disconnect().catch(() => {});
        if (!isPassing(again)) return this.#fail(again);
      }
    }
  }

  #fail(error: unknown): void {
    this.#closing = true;
    this.#revoke(new Set());
    this.#settle.reject(error);
    void this.#consumer.disconnect().catch(() => {});
  }
}
