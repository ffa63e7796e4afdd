// A log on the real broker beside another application's client of the same broker, for one test.

import { randomUUID } from "node:crypto";
import { test, type TestContext } from "node:test";
import kafkajs, { type Kafka } from "kafkajs";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import type { Log, LogRecord, Membership, OwnedSlot } from "#ports/log.ts";
import { servicesOrSkip } from "./services.ts";

export interface Ground {
  readonly log: Log;
  /** Another application's client. */
  readonly kafka: Kafka;
  readonly brokers: readonly string[];
  /** What the log has said. */
  readonly lines: readonly string[];
  createTopic(partitions: number): Promise<string>;
}

export function groundTest(title: string, body: (ground: Ground, t: TestContext) => Promise<void>): void {
  test(title, { timeout: 60_000 }, async (t) => {
    const services = await servicesOrSkip(t);
    if (services === null) return;
    const { brokers } = services;
    const lines: string[] = [];
    const log = await openKafkaLog({ brokers, clientId: "ground", onWait: (line) => lines.push(line) });
    const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
    const createTopic = async (partitions: number) => {
      const topic = `ground-${randomUUID()}`;
      await log.createTopics([{ name: topic, partitions, config: {} }]);
      return topic;
    };
    try {
      await body({ log, kafka, brokers, lines, createTopic }, t);
    } finally {
      await log.close();
    }
  });
}

/** Joins as the only slot of the topic, and resolves once it is owned; nobody drives it but the test. */
export async function ownSlot(
  log: Log,
  topic: string,
  group: string = randomUUID(),
): Promise<{ readonly membership: Membership; readonly slot: OwnedSlot }> {
  const owned = Promise.withResolvers<OwnedSlot>();
  const membership = await log.joinGroup({
    group,
    topics: [topic],
    slots: 1,
    slotOf: () => 0,
    async run(slot) {
      owned.resolve(slot);
      if (!slot.revoked.aborted) await new Promise((done) => slot.revoked.addEventListener("abort", done));
    },
  });
  return { membership, slot: await owned.promise };
}

export async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of log.read([topic], { from: "start", follow: false })) records.push(record);
  return records;
}

export function textOf({ value }: LogRecord): string {
  return new TextDecoder().decode(value ?? new Uint8Array());
}
