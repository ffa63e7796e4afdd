// The transactional producer of one slot: EOS v1, one transactional id for ever, one open transaction at a time. Fencing
// comes from the id and from the epoch in the store, never from group membership. After any unknown outcome the producer
// is thrown away: kafkajs leaves its state machine in COMMITTING, and a late EndTxn could touch the next transaction.

import { setTimeout as delay } from "node:timers/promises";
import type { Kafka, Producer } from "kafkajs";
import { LogError, type NewRecord, type Position, type TopicPartition } from "#ports/log.ts";
import { isConcurrentTransaction, toLogError } from "./failure.ts";
import { toSends } from "./records.ts";

export const TRANSACTION_TIMEOUT_MS = 10_000;
const OFFSETS_TRIES_MAX = 40;

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
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 8, retries: 12, maxRetryTime: 1000 },
    });
    try {
      await producer.connect();
      // kafkajs initialises the producer id with the first transaction; an empty one does it now.
      const transaction = await producer.transaction();
      await transaction.abort();
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw toLogError(error, false);
    }
    this.#producer = producer;
  }

  async publish(records: readonly NewRecord[], positions: readonly (TopicPartition & Position)[]): Promise<void> {
    const producer = this.#producer;
    if (producer === null) throw new LogError("log-unavailable", "the slot was not taken over");
    let sent = false;
    try {
      const transaction = await producer.transaction();
      sent = true;
      // Sending first: it absorbs the wait for the last transaction to end, which sendOffsets does not (#304).
      for (const topicMessages of toSends(records)) await transaction.sendBatch({ acks: -1, topicMessages });
      if (positions.length > 0)
        await sendPositions(() =>
          transaction.sendOffsets({ consumerGroupId: this.#group, topics: groupPositions(positions) }),
        );
      await transaction.commit();
    } catch (error) {
      await this.close();
      throw toLogError(error, sent);
    }
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.disconnect().catch(() => {});
  }
}

async function sendPositions(send: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await send();
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
