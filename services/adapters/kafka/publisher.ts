// The transactional producer of one slot: EOS v1, one transactional id for ever, one open transaction at a time. Fencing
// comes from the id and from the epoch in the store, never from group membership. After any failure the producer is
// thrown away: kafkajs leaves its state machine in COMMITTING for ever, and takes back sequence numbers that the broker
// may have seen, so that a later record would pass for a repeated one. Only `takeOver` makes a new one.

import { setTimeout as delay } from "node:timers/promises";
import type { Kafka, Producer, Transaction } from "kafkajs";
import { LogError, type NewRecord, type Position, type TopicPartition } from "#ports/log.ts";
import { isConcurrentTransaction, isFenced, toLogError } from "./failure.ts";
import { createPartitioner } from "./partitioner.ts";
import { toSends } from "./records.ts";

const TRANSACTION_TIMEOUT_MS = 10_000;
const OFFSETS_TRIES_MAX = 40;
/** A broken connection keeps disconnecting (and aborting) waiting for answers that may never come. */
const PARTING_WAIT_MS = 2000;

export class Publisher {
  readonly #kafka: Kafka;
  readonly #group: string;
  readonly #transactionalId: string;
  #producer: Producer | null = null;

  constructor(kafka: Kafka, group: string, slot: number) {
    this.#kafka = kafka;
    this.#group = group;
    this.#transactionalId = `${group}-${slot}`;
  }

  /** InitProducerId: aborts what an earlier owner left open, and fences it. */
  async takeOver(): Promise<void> {
    await this.close();
    const producer = this.#kafka.producer({
      transactionalId: this.#transactionalId,
      // Transactions are idempotent anyway; this would only ask for a second producer id that nobody uses.
      idempotent: false,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      allowAutoTopicCreation: false,
      createPartitioner,
      retry: { initialRetryTime: 8, retries: 12, maxRetryTime: 1000 },
    });
    try {
      await producer.connect();
      // kafkajs initialises the producer id with the first transaction; an empty one does it now.
      const transaction = await producer.transaction();
      await transaction.abort();
    } catch (error) {
      await part(producer.disconnect());
      throw toLogError(error, false);
    }
    this.#producer = producer;
  }

  async publish(records: readonly NewRecord[], positions: readonly (TopicPartition & Position)[]): Promise<void> {
    const producer = this.#producer;
    if (producer === null) throw new LogError("log-unavailable", "the slot is to be taken over first");
    let transaction: Transaction | null = null;
    try {
      transaction = await producer.transaction();
      // Sending first: it absorbs the wait for the last transaction to end, which sendOffsets does not (#304).
      for (const topicMessages of toSends(records)) await transaction.sendBatch({ acks: -1, topicMessages });
      if (positions.length > 0) await sendPositions(transaction, this.#group, positions);
    } catch (error) {
      // Nobody has asked for a commit, so nothing is in doubt. Left open, it would hold up every reader of committed
      // records until its time is over.
      if (transaction !== null && !isFenced(error)) await part(transaction.abort());
      await this.close();
      throw toLogError(error, false);
    }
    try {
      await transaction.commit();
    } catch (error) {
      await this.close();
      throw toLogError(error, true);
    }
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    if (producer !== null) await part(producer.disconnect());
  }
}

/** Asks for it, and waits only so long. */
async function part(asked: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([
    asked.catch(() => {}),
    delay(PARTING_WAIT_MS, undefined, { signal: over.signal }).catch(() => {}),
  ]);
  over.abort();
}

async function sendPositions(
  transaction: Transaction,
  group: string,
  positions: readonly (TopicPartition & Position)[],
): Promise<void> {
  const offsets = { consumerGroupId: group, topics: groupPositions(positions) };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await transaction.sendOffsets(offsets);
      return;
    } catch (error) {
      if (!isConcurrentTransaction(error) || attempt >= OFFSETS_TRIES_MAX) throw error;
      await delay(Math.min(200, 5 * attempt));
    }
  }
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
