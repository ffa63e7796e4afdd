// The transactional producer of one slot: EOS v1, one transactional id for ever, one open transaction at a time. Fencing
// comes from the id and from the epoch in the store, never from group membership. After any unknown outcome the producer
// is thrown away: kafkajs leaves its state machine in COMMITTING, and a late EndTxn could touch the next transaction.
//
// Positions go first, records after: the first request of a transaction waits for the last one to end (answer:
// CONCURRENT_TRANSACTIONS), and only for positions can that be repeated (partitioner.ts says why not for records).

import { setTimeout as delay } from "node:timers/promises";
import type { Kafka, Producer, Transaction } from "kafkajs";
import { LogError, type NewRecord, type Position, type TopicPartition } from "#ports/log.ts";
import { isConcurrentTransaction, isFenced, isRefused, toLogError } from "./failure.ts";
import { createSingleAttemptPartitioner } from "./partitioner.ts";
import { gatherPartitions, toSends } from "./records.ts";

const PARTING_WAIT_MS = 2000;
const CONCURRENT_PAUSE_MIN_MS = 4;
const CONCURRENT_PAUSE_MAX_MS = 200;

export class Publisher {
  readonly #kafka: Kafka;
  readonly #group: string;
  readonly #transactionalId: string;
  /** After which the broker aborts what a dead owner left open. */
  readonly #timeoutMs: number;
  #producer: Producer | null = null;

  constructor(kafka: Kafka, group: string, slot: number, timeoutMs: number) {
    this.#kafka = kafka;
    this.#group = group;
    this.#transactionalId = `${group}-${slot}`;
    this.#timeoutMs = timeoutMs;
  }

  /** InitProducerId: aborts what an earlier owner left open, and fences it. */
  async takeOver(): Promise<void> {
    await this.close();
    const producer = this.#kafka.producer({
      transactionalId: this.#transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: this.#timeoutMs,
      allowAutoTopicCreation: false,
      createPartitioner: createSingleAttemptPartitioner,
      retry: { retries: 1 },
    });
    try {
      await producer.connect();
      // kafkajs initialises the producer id with the first transaction; an empty one does it now.
      const transaction = await producer.transaction();
      await transaction.abort();
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw error;
    }
    this.#producer = producer;
  }

  async publish(
    records: readonly NewRecord[],
    positions: readonly (TopicPartition & Position)[],
    isSound: () => Promise<boolean> = async () => true,
  ): Promise<void> {
    const producer = this.#producer;
    if (producer === null) throw new LogError("log-unavailable", "the slot must be taken over first");
    if (records.length === 0 && positions.length === 0) return;
    const transaction = await producer.transaction();
    try {
      await this.#sendPositions(transaction, positions);
    } catch (error) {
      if (!isRefused(error)) throw await this.#giveUp(producer, transaction, error);
      // Nothing was sent, so nothing is open, and the producer is good: this abort is a matter of its memory alone.
      await transaction.abort().catch(() => this.close());
      throw toLogError(error, false);
    }
    try {
      for (const topicMessages of toSends(gatherPartitions(records)))
        await transaction.sendBatch({ acks: -1, topicMessages });
      if (!(await isSound())) throw new LogError("log-unavailable", "what is to be published does not hold any more");
    } catch (error) {
      throw await this.#giveUp(producer, transaction, error);
    }
    try {
      await transaction.commit();
    } catch (error) {
      if (this.#producer === producer) await this.close();
      throw toLogError(error, true);
    }
  }

  /** The transaction's first request, also where no position moves: repeated until the last transaction has ended. */
  async #sendPositions(transaction: Transaction, positions: readonly (TopicPartition & Position)[]): Promise<void> {
    const topics = groupPositions(positions);
    const deadlineMs = performance.now() + this.#timeoutMs;
    for (let pauseMs = CONCURRENT_PAUSE_MIN_MS; ; pauseMs = Math.min(CONCURRENT_PAUSE_MAX_MS, pauseMs * 2)) {
      try {
        await transaction.sendOffsets({ consumerGroupId: this.#group, topics });
        return;
      } catch (error) {
        if (!isConcurrentTransaction(error) || performance.now() > deadlineMs) throw error;
        await delay(pauseMs);
      }
    }
  }

  /**
   * Nobody has asked for a commit, so nothing is in doubt. Left open, the transaction would hold up every reader of
   * committed records until its time is over.
   */
  async #giveUp(producer: Producer, transaction: Transaction, error: unknown): Promise<LogError> {
    if (!isFenced(error)) await part(transaction.abort());
    if (this.#producer === producer) await this.close();
    return toLogError(error, false);
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    if (producer !== null) await part(producer.disconnect());
  }
}

/** Asks for it, and waits only so long: over a broken connection the answer may take half a minute, or never come. */
async function part(asked: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([
    asked.catch(() => {}),
    delay(PARTING_WAIT_MS, undefined, { signal: over.signal }).catch(() => {}),
  ]);
  over.abort();
}

function groupPositions(positions: readonly (TopicPartition & Position)[]) {
  const topics = new Map<string, { partition: number; offset: string; metadata: string }[]>();
  for (const { topic, partition, offset, step } of positions) {
    const partitions = topics.get(topic) ?? [];
    partitions.push({ partition, offset: String(offset), metadata: String(step) });
    topics.set(topic, partitions);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
