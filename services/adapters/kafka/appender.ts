// Plain appending: one send at a time, in order, repeated through outages. kafkajs counts sequence numbers per producer and
// takes them back when a send fails: of two sends at once, the second could go out under the first one's numbers and be
// taken for its repetition, so they queue here; and after a failure the producer is thrown away.

import type { Kafka, Producer } from "kafkajs";
import type { NewRecord } from "#ports/log.ts";
import { toLogError } from "./failure.ts";
import type { Outage } from "./outage.ts";
import { createSteadyPartitioner } from "./partitioner.ts";
import { toSends, type TopicSend } from "./records.ts";

export class Appender {
  readonly #kafka: Kafka;
  readonly #outage: Outage;
  readonly #closing: AbortSignal;
  #producer: Producer | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(kafka: Kafka, outage: Outage, closing: AbortSignal) {
    this.#kafka = kafka;
    this.#outage = outage;
    this.#closing = closing;
  }

  append(records: readonly NewRecord[]): Promise<void> {
    const sends = toSends(records);
    const appended = this.#last.then(() => this.#send(sends));
    this.#last = appended.catch(() => {});
    return appended;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#drop();
  }

  async #send(sends: readonly TopicSend[][]): Promise<void> {
    try {
      for (const topicMessages of sends) await this.#outage.outlast(() => this.#trySend(topicMessages), this.#closing);
    } catch (error) {
      throw toLogError(error, true);
    }
  }

  async #trySend(topicMessages: TopicSend[]): Promise<void> {
    try {
      this.#producer ??= await this.#open();
      await this.#producer.sendBatch({ acks: -1, topicMessages });
    } catch (error) {
      await this.#drop();
      throw error;
    }
  }

  async #open(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: createSteadyPartitioner,
      retry: { retries: 3 },
    });
    await producer.connect();
    return producer;
  }

  async #drop(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.disconnect().catch(() => {});
  }
}
