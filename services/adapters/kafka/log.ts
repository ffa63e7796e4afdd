// The log on Kafka, over kafkajs 2.2.4. Its traps are handled one file each: timers (timer-patch), codecs, sends
// (records), transactions (publisher), rebalances (group), fetching beside working (fetcher), committed records
// (committed, empty-batches), offsets at rest (stable-offsets), whole slots (assigner).

import kafkajs, { type Admin, type Kafka, type SASLOptions } from "kafkajs";
import {
  LogError,
  partitionKey,
  type GroupOptions,
  type Log,
  type LogRecord,
  type Membership,
  type NewRecord,
  type TopicSpec,
} from "#ports/log.ts";
import type { Secret } from "#ports/secret.ts";
import type { TlsMaterial } from "#ports/transport.ts";
import { Appender } from "./appender.ts";
import { registerCodecs } from "./codecs.ts";
import { patchEmptyBatches } from "./empty-batches.ts";
import { isDistrust, isHungUp, messageOf, toLogError } from "./failure.ts";
import { KafkaGroup, type GroupSettings } from "./group.ts";
import { Outage } from "./outage.ts";
import { readEnds, readTopics, type ReadOptions } from "./reading.ts";
import { clientIdOf } from "./predecessor.ts";
import { patchProduceRequests } from "./produce-request.ts";
import { findUnsafeTopics } from "./safety.ts";
import { patchTimers } from "./timer-patch.ts";
import { createKafkaTopics } from "./topics.ts";

export interface KafkaLogOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Of this one process: it takes the place of an earlier one of the same id in its groups at once. */
  readonly instanceId?: string | undefined;
  /** Absent: in the clear. */
  readonly tls?: TlsMaterial;
  /** Who we are by SASL; absent: nobody in particular. */
  readonly username?: string;
  readonly password?: Secret;
  readonly saslMechanism?: "scram-sha-256" | "scram-sha-512";
  /** A member that was not heard of for so long loses its slots. */
  readonly sessionTimeoutMs?: number;
  /** After which Kafka aborts the transaction of a dead worker. */
  readonly transactionTimeoutMs?: number;
  readonly maxBytesPerPartition?: number;
  /** After which waiting for Kafka is given up, of each call; absent: never. */
  readonly patienceMs?: number;
  /** One clear line when Kafka cannot be reached, and one when it is back. */
  onWait?(line: string): void;
}

const SESSION_TIMEOUT_MS = 10_000;
const TRANSACTION_TIMEOUT_MS = 10_000;
const PARTITION_BYTES_MAX = 2 * 1024 * 1024;

/**
 * Waits until Kafka answers, for as long as patience lasts. Throws LogError: log-unavailable when it has ended, log-untrusted
 * where one of the two will not have the other.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  patchTimers();
  patchProduceRequests();
  patchEmptyBatches();
  registerCodecs();
  const clientId = clientIdOf(options.clientId, options.instanceId);
  const kafka = new kafkajs.Kafka({
    clientId,
    brokers: [...options.brokers],
    ...secure(options),
    connectionTimeout: 5000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 8, retries: 12, maxRetryTime: 1000 },
    // What matters is said through onWait and LogError; kafkajs' own lines repeat themselves.
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const settings = {
    uniqueClientId: options.instanceId === undefined ? null : clientId,
    outage: new Outage((line) => options.onWait?.(line), options.patienceMs),
    sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    transactionTimeoutMs: options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS,
    maxBytesPerPartition: options.maxBytesPerPartition ?? PARTITION_BYTES_MAX,
  };
  const log = new KafkaLog(kafka, settings, options.tls !== undefined);
  await log.connect();
  return log;
}

function secure({ tls, username, password, saslMechanism: mechanism = "scram-sha-512" }: KafkaLogOptions) {
  return {
    ...(tls === undefined ? {} : { ssl: { ...tls } }),
    ...(username === undefined || password === undefined
      ? {}
      : { sasl: { mechanism, username, password: password.reveal() } as SASLOptions }),
  };
}

class KafkaLog implements Log {
  readonly #kafka: Kafka;
  readonly #hasTls: boolean;
  readonly #admin: Admin;
  readonly #appender: Appender;
  readonly #settings: GroupSettings;
  readonly #groups = new Set<KafkaGroup>();
  readonly #closing = new AbortController();

  constructor(kafka: Kafka, settings: GroupSettings, hasTls: boolean) {
    this.#kafka = kafka;
    this.#hasTls = hasTls;
    this.#settings = settings;
    this.#admin = kafka.admin();
    this.#appender = new Appender(kafka, settings.outage, this.#closing.signal);
  }

  async connect(): Promise<void> {
    try {
      await this.#settings.outage.outlast(() => this.#meet(), this.#closing.signal);
    } catch (error) {
      throw toLogError(error, false);
    }
  }

  /** Distrust does not pass by waiting. */
  async #meet(): Promise<void> {
    try {
      await this.#admin.connect();
    } catch (error) {
      if (isDistrust(error)) throw new LogError("log-untrusted", messageOf(error), { cause: error });
      if (!isHungUp(error)) throw error;
      const meant = this.#hasTls
        ? "kafka.tls is given: does it speak TLS there?"
        : "kafka.tls is not given: or does it speak TLS there?";
      throw new Error(`${messageOf(error)}; ${meant}`, { cause: error });
    }
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#checkOpen();
    try {
      await this.#settings.outage.outlast(() => createKafkaTopics(this.#admin, topics), this.#closing.signal);
    } catch (error) {
      throw toLogError(error, false);
    }
  }

  async listTopics(): Promise<string[]> {
    this.#checkOpen();
    try {
      return await this.#settings.outage.outlast(() => this.#admin.listTopics(), this.#closing.signal);
    } catch (error) {
      throw toLogError(error, false);
    }
  }

  async findUnsafeTopics(topics: readonly string[]): Promise<string[]> {
    this.#checkOpen();
    try {
      return await this.#settings.outage.outlast(() => findUnsafeTopics(this.#admin, topics), this.#closing.signal);
    } catch (error) {
      throw toLogError(error, false);
    }
  }

  async append(records: readonly NewRecord[]): Promise<void> {
    this.#checkOpen();
    await this.#appender.append(records);
  }

  async joinGroup(options: GroupOptions): Promise<Membership> {
    this.#checkOpen();
    const group = new KafkaGroup(this.#kafka, options, this.#settings);
    // Before it has joined: closing the log ends that too.
    this.#groups.add(group);
    const forget = () => void this.#groups.delete(group);
    group.closed.then(forget, forget);
    await group.start();
    return group;
  }

  read(topics: readonly string[], options: ReadOptions): AsyncIterable<LogRecord> {
    this.#checkOpen();
    return readTopics(this.#kafka, topics, options, this.#settings, this.#closing.signal);
  }

  async endOffsets(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.#checkOpen();
    return readEnds(this.#kafka, topics, this.#settings.outage, this.#closing.signal);
  }

  async groupOffsets(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    this.#checkOpen();
    if (topics.length === 0) return new Map();
    try {
      const fetched = await this.#settings.outage.outlast(
        () => this.#admin.fetchOffsets({ groupId: group, topics: [...topics] }),
        this.#closing.signal,
      );
      // -1: never moved.
      return new Map(
        fetched.flatMap(({ topic, partitions }) =>
          partitions.flatMap(({ partition, offset }): [string, number][] => {
            return Number(offset) < 0 ? [] : [[partitionKey({ topic, partition }), Number(offset)]];
          }),
        ),
      );
    } catch (error) {
      throw toLogError(error, false);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#settings.outage.awaitClosing(this.#disconnect());
  }

  async #disconnect(): Promise<void> {
    await Promise.all([...this.#groups].map((group) => group.close()));
    await this.#appender.close();
    await this.#admin.disconnect();
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new LogError("log-unavailable", "the log is closed");
  }
}
