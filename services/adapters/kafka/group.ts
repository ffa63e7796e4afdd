// Membership in a consumer group. kafkajs' consumer joins, answers heartbeats and says what was assigned; its partitions
// stay paused from GROUP_JOIN on (which it emits before its first fetch), for the fetcher reads them. A run per assigned
// slot starts there, and is told to stop when the group rebalances, crashes or is left. A slot that comes back while its
// old run is ending waits for it: one loop per slot and process.

import { setTimeout as delay } from "node:timers/promises";
import type { Cluster, Consumer, Kafka } from "kafkajs";
import type { GroupOptions, Membership, TopicPartition } from "#ports/log.ts";
import { createSlotAssigner } from "./assigner.ts";
import { createClusterConsumer } from "./cluster.ts";
import { isPassing, toLogError } from "./failure.ts";
import { disconnectFetching, Fetcher } from "./fetcher.ts";
import type { Outage } from "./outage.ts";
import { removePredecessors } from "./predecessor.ts";
import { Publisher } from "./publisher.ts";
import { KafkaSlot } from "./slot.ts";

export interface GroupSettings {
  /** Whoever else has it is gone; null: others may well have it. */
  readonly uniqueClientId: string | null;
  readonly sessionTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  readonly maxBytesPerPartition: number;
  readonly outage: Outage;
}

const HEARTBEAT_INTERVAL_MS = 1000;
const REBALANCE_TIMEOUT_MS = 30_000;
const RESTART_PAUSE_MS = 500;

interface Run {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

/** One consumer of kafkajs and what hangs on it; after a crash that kafkajs gives up on, there is a new one. */
interface Session {
  readonly consumer: Consumer;
  readonly cluster: Cluster;
  readonly fetcher: Fetcher;
  assign(assignment: Readonly<Record<string, readonly number[]>>): void;
}

export class KafkaGroup implements Membership {
  readonly closed: Promise<void>;
  readonly #kafka: Kafka;
  readonly #options: GroupOptions;
  readonly #settings: GroupSettings;
  readonly #runs = new Map<number, Run>();
  readonly #leaving = new AbortController();
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #session: Session;
  #starting: Promise<void> = Promise.resolve();

  constructor(kafka: Kafka, options: GroupOptions, settings: GroupSettings) {
    this.#kafka = kafka;
    this.#options = options;
    this.#settings = settings;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.closed = promise;
    this.closed.catch(() => {});
    this.#resolve = resolve;
    this.#reject = reject;
    this.#session = this.#openSession();
  }

  async start(): Promise<void> {
    try {
      await this.#outlastStart();
    } catch (error) {
      await this.#endSession();
      const failure = toLogError(error, false);
      this.#reject(failure);
      throw failure;
    }
  }

  async close(): Promise<void> {
    this.#leaving.abort();
    await this.#end();
    this.#resolve();
  }

  async #end(): Promise<void> {
    this.#revoke();
    await this.#awaitRuns();
    await this.#endSession();
  }

  async #outlastStart(): Promise<void> {
    await this.#settings.outage.outlast(() => this.#startConsumer(), this.#leaving.signal);
    // Left while it was joining: what was ended then has begun again.
    if (this.#leaving.signal.aborted) await this.#endSession();
  }

  #startConsumer(): Promise<void> {
    this.#starting = this.#tryStart(this.#session);
    return this.#starting;
  }

  async #tryStart({ consumer, cluster }: Session): Promise<void> {
    await consumer.connect();
    await this.#takePlace(cluster);
    await consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        throw new Error(`kafkajs fetched ${batch.topic}/${batch.partition}, which was paused`);
      },
    });
  }

  async #takePlace(cluster: Cluster): Promise<void> {
    const { uniqueClientId, outage } = this.#settings;
    if (uniqueClientId === null) return;
    const { group } = this.#options;
    if ((await removePredecessors(cluster, group, uniqueClientId)) > 0)
      outage.say(`takes the place of an earlier process of its instance id (${uniqueClientId}) in the group ${group}`);
  }

  #openSession(): Session {
    const { group, slots, slotOf } = this.#options;
    const { sessionTimeoutMs, maxBytesPerPartition, outage } = this.#settings;
    const { consumer, cluster } = createClusterConsumer(
      this.#kafka,
      {
        groupId: group,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: REBALANCE_TIMEOUT_MS,
        heartbeatInterval: Math.min(HEARTBEAT_INTERVAL_MS, Math.floor(sessionTimeoutMs / 3)),
        maxWaitTimeInMs: 50,
        retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 8 },
      },
      createSlotAssigner(slots, slotOf),
    );
    const fetcher = new Fetcher(cluster, { maxBytesPerPartition, outage });
    const session: Session = {
      consumer,
      cluster,
      fetcher,
      assign: (assignment) => {
        // Joining makes every slot's run start anew, also of one that stayed: others may have owned it in between.
        this.#revoke();
        const owned = new Map<number, TopicPartition[]>();
        for (const [topic, partitions] of Object.entries(assignment)) {
          consumer.pause([{ topic, partitions: [...partitions] }]);
          for (const partition of partitions) {
            const slot = slotOf(partition);
            owned.set(slot, [...(owned.get(slot) ?? []), { topic, partition }]);
          }
        }
        for (const [slot, partitions] of owned) {
          this.#startRun(slot, (publisher, revoked) => {
            return new KafkaSlot({ slot, partitions, group, cluster, fetcher, publisher, outage, revoked });
          });
        }
      },
    };
    const { GROUP_JOIN, REBALANCING, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      outage.end();
      if (this.#session === session) session.assign(payload.memberAssignment);
    });
    // Partitions may move from here on; what is published later is fenced by epochs, not by the group.
    consumer.on(REBALANCING, () => this.#revoke());
    consumer.on(CRASH, ({ payload }) => void this.#outliveCrash(session, payload.error, payload.restart));
    return session;
  }

  #startRun(slot: number, open: (publisher: Publisher, revoked: AbortSignal) => KafkaSlot): void {
    if (this.#leaving.signal.aborted) return;
    const abort = new AbortController();
    const publisher = new Publisher(this.#kafka, this.#options.group, slot, this.#settings.transactionTimeoutMs);
    const run = async () => {
      try {
        await previous;
        if (!abort.signal.aborted) await this.#options.run(open(publisher, abort.signal));
      } catch (error) {
        this.#fail(error);
      } finally {
        await publisher.close();
      }
    };
    const previous = this.#runs.get(slot)?.ended;
    this.#runs.set(slot, { abort, ended: run() });
  }

  #revoke(): void {
    for (const { abort } of this.#runs.values()) abort.abort();
  }

  async #awaitRuns(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended));
  }

  async #endSession(): Promise<void> {
    const { consumer, fetcher } = this.#session;
    // A kafkajs consumer that is stopped while it is joining does not notice, and stays.
    await this.#starting.catch(() => {});
    await disconnectFetching(consumer, fetcher);
  }

  /** kafkajs starts again by itself after most crashes; after the others a new consumer is made, or the end is told. */
  async #outliveCrash(session: Session, error: Error, restarts: boolean): Promise<void> {
    if (this.#session !== session || this.#leaving.signal.aborted) {
      // Its timer is set after this event; only a disconnection clears it.
      if (restarts) setImmediate(() => void session.consumer.disconnect().catch(() => {}));
      return;
    }
    this.#revoke();
    if (isPassing(error)) this.#settings.outage.begin(error);
    if (restarts) return;
    if (!isPassing(error)) return this.#fail(error);
    try {
      await this.#endSession();
      await delay(RESTART_PAUSE_MS, undefined, { signal: this.#leaving.signal });
      this.#session = this.#openSession();
      await this.#outlastStart();
    } catch (again) {
      if (this.#leaving.signal.aborted) await this.#endSession();
      else this.#fail(again);
    }
  }

  #fail(error: unknown): void {
    this.#reject(error);
    this.#leaving.abort();
    void this.#end();
  }
}
