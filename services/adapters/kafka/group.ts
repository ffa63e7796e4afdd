// Membership in a consumer group over kafkajs. GROUP_JOIN is emitted before the first fetch: there the assigned
// partitions pause, runs of slots that went away are told to stop, and runs of owned slots start, take over, seek and
// resume. A slot that comes back while its old run is ending waits for it: one loop per slot and process.
//
//   join ──► joined ──crash that passes──► runs end ──► pause, join again with a new consumer ──► joined
//                 └──close, or a throw, or a crash that does not pass──► runs end ──► closed

import { setTimeout as delay } from "node:timers/promises";
import type { Admin, Batch, Consumer, Kafka } from "kafkajs";
import type { GroupOptions, Membership, TopicPartition } from "#ports/log.ts";
import { createSlotAssigner } from "./assigner.ts";
import { Ends } from "./ends.ts";
import { isPassing, toLogError } from "./failure.ts";
import { Publisher } from "./publisher.ts";
import { toLogRecord } from "./records.ts";
import { KafkaSlot } from "./slot.ts";

export interface GroupSettings {
  readonly sessionTimeoutMs: number;
  readonly maxBytesPerPartition: number;
  onWait(line: string): void;
}

const REJOIN_PAUSE_MS = 1000;

interface Run {
  readonly slot: KafkaSlot;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

interface Failure {
  readonly error: unknown;
}

interface Session {
  readonly consumer: Consumer;
  /** kafkajs has given up; it has left the group and disconnected before. */
  readonly crashed: Promise<Failure>;
}

export class KafkaGroup implements Membership {
  readonly #kafka: Kafka;
  readonly #admin: Admin;
  readonly #options: GroupOptions;
  readonly #settings: GroupSettings;
  readonly #ends: Ends;
  readonly #runs = new Map<number, Run>();
  readonly #closed = Promise.withResolvers<void>();
  /** Resolves once, with what ends the membership: null for a close. */
  readonly #ending = Promise.withResolvers<Failure | null>();
  #isEnding = false;
  #isWaiting = false;
  #kept: Promise<void> = Promise.resolve();

  constructor(kafka: Kafka, admin: Admin, options: GroupOptions, settings: GroupSettings) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#options = options;
    this.#settings = settings;
    this.#ends = new Ends(admin, options.topics);
    // A caller that never looks at `closed` must not bring the process down.
    this.#closed.promise.catch(() => {});
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async start(): Promise<void> {
    const joining = this.#join();
    this.#kept = joining.then(
      (session) => this.#keep(session),
      (error: unknown) => this.#closed.reject(error),
    );
    await joining;
  }

  async close(): Promise<void> {
    this.#end(null);
    // Also while joining: a consumer that is stopped in the middle of it goes on as a member that nobody knows.
    await this.#kept;
  }

  #end(reason: Failure | null): void {
    this.#isEnding = true;
    this.#ending.resolve(reason);
    this.#revokeAll();
  }

  async #keep(first: Session): Promise<void> {
    for (let session: Session | null = first; session !== null; ) {
      const failure: Failure | null = await Promise.race([this.#ending.promise, session.crashed]);
      this.#revokeAll();
      await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
      await session.consumer.disconnect().catch(() => {});
      if (!this.#isEnding && failure !== null && !isPassing(failure.error)) this.#end(failure);
      session = this.#isEnding ? null : await this.#rejoin(failure?.error);
    }
    const reason = await this.#ending.promise;
    if (reason === null) this.#closed.resolve();
    else this.#closed.reject(reason.error);
  }

  async #rejoin(why: unknown): Promise<Session | null> {
    for (let error = why; ; ) {
      if (!this.#isWaiting) this.#settings.onWait(`waiting for Kafka: ${describe(error)}`);
      this.#isWaiting = true;
      await Promise.race([this.#ending.promise, delay(REJOIN_PAUSE_MS)]);
      if (this.#isEnding) return null;
      try {
        return await this.#join();
      } catch (again) {
        error = again;
        if (!isPassing(again)) this.#end({ error: again });
        if (this.#isEnding) return null;
      }
    }
  }

  async #join(): Promise<Session> {
    const { topics } = this.#options;
    const consumer = this.#createConsumer();
    const { GROUP_JOIN, REBALANCING, CRASH } = consumer.events;
    const crashed = Promise.withResolvers<Failure>();
    consumer.on(GROUP_JOIN, ({ payload }) => this.#assign(consumer, payload.memberAssignment));
    // Partitions may move from here on; what is committed after is fenced by epochs, not by the group.
    consumer.on(REBALANCING, () => this.#revokeAll());
    consumer.on(CRASH, ({ payload }) => crashed.resolve({ error: payload.error }));
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        partitionsConsumedConcurrently: 1,
        // Queueing only: kafkajs fetches nothing while a batch is handled.
        eachBatch: async ({ batch, isStale }) => {
          if (!isStale()) this.#deliver(batch as FetchedBatch);
        },
      });
    } catch (error) {
      await consumer.disconnect().catch(() => {});
      throw toLogError(error, false);
    }
    return { consumer, crashed: crashed.promise };
  }

  #createConsumer(): Consumer {
    const { group, slots, slotOf } = this.#options;
    return this.#kafka.consumer({
      groupId: group,
      partitionAssigners: [createSlotAssigner(slots, slotOf)],
      sessionTimeout: this.#settings.sessionTimeoutMs,
      rebalanceTimeout: 30_000,
      heartbeatInterval: Math.min(1000, Math.floor(this.#settings.sessionTimeoutMs / 3)),
      maxWaitTimeInMs: 50,
      maxBytesPerPartition: this.#settings.maxBytesPerPartition,
      maxBytes: 32 * 1024 * 1024,
      readUncommitted: false,
      allowAutoTopicCreation: false,
      // Restarting is done here, so that it is said, and said once.
      retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 5, restartOnFailure: async () => false },
    });
  }

  #deliver(batch: FetchedBatch): void {
    const { topic, partition } = batch;
    const run = this.#runs.get(this.#options.slotOf(partition));
    if (run === undefined || run.abort.signal.aborted) return;
    run.slot.deliver({
      topic,
      partition,
      from: Number(batch.fetchedOffset),
      records: batch.messages.map((message) => toLogRecord(topic, partition, message)),
      next: Number(batch.lastOffset()) + 1,
      end: Number(batch.highWatermark),
    });
  }

  #assign(consumer: Consumer, assignment: Readonly<Record<string, readonly number[]>>): void {
    if (this.#isEnding) return;
    const slots = new Map<number, TopicPartition[]>();
    for (const [topic, partitions] of Object.entries(assignment)) {
      consumer.pause([{ topic, partitions: [...partitions] }]);
      for (const partition of partitions) {
        const slot = this.#options.slotOf(partition);
        slots.set(slot, [...(slots.get(slot) ?? []), { topic, partition }]);
      }
    }
    if (this.#isWaiting) this.#settings.onWait("Kafka is back");
    this.#isWaiting = false;
    // Joining forgets every position in kafkajs, so every run starts anew, also of slots that stayed.
    this.#revokeAll();
    for (const [slot, partitions] of slots) this.#startRun(consumer, slot, partitions);
  }

  #revokeAll(): void {
    for (const { abort } of this.#runs.values()) abort.abort();
  }

  #startRun(consumer: Consumer, slot: number, partitions: readonly TopicPartition[]): void {
    const abort = new AbortController();
    const publisher = new Publisher(this.#kafka, this.#options.group, slot);
    const owned = new KafkaSlot({
      slot,
      partitions,
      group: this.#options.group,
      consumer,
      admin: this.#admin,
      ends: this.#ends,
      publisher,
      revoked: abort.signal,
      onNotice: this.#settings.onWait,
    });
    const previous = this.#runs.get(slot)?.ended ?? Promise.resolve();
    const drive = async () => {
      await previous;
      try {
        if (!abort.signal.aborted) await this.#options.run(owned);
      } catch (error) {
        this.#end({ error });
      } finally {
        owned.end();
        await publisher.close();
      }
    };
    this.#runs.set(slot, { slot: owned, abort, ended: drive() });
  }
}

/** The offset that was asked for: kafkajs keeps it, and leaves it out of its types. */
type FetchedBatch = Batch & { readonly fetchedOffset: string };

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
