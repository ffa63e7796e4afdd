// The shorthand of the log's contract: topics of their own, values that can be compared, and a member whose slots a test
// drives by hand.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Log, LogError, type LogRecord, type Membership, type NewRecord, type OwnedSlot } from "#ports/log.ts";
import { isReadSince } from "#support/reach.ts";

/** Declares one test on a log of its own. */
export type LogTest = (title: string, body: (log: Log) => Promise<void>) => void;

/** A log for one test; null where what it needs is not running (and the test was skipped). */
export type OpenLog = (t: TestContext) => Promise<Log | null>;

export const PARTITIONS = 4;
export const SLOTS = 2;

/** Topics of their own for every test: logs outlive them. */
export async function createTopic(log: Log, name: string, partitions = PARTITIONS): Promise<string> {
  const topic = `${name}-${randomUUID()}`;
  await log.createTopics([{ name: topic, partitions, config: {} }]);
  return topic;
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** A record as values that can be compared: adapters may give any kind of Uint8Array. */
export function plain({ partition, key, value, headers }: LogRecord) {
  return { partition, key, value: value === null ? null : new TextDecoder().decode(value), headers };
}

export function valuesOf(records: readonly LogRecord[]): (string | null)[] {
  return records.map((record) => plain(record).value);
}

export async function readAll(log: Log, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of log.read([topic], { from: "start", follow: false })) records.push(record);
  return records;
}

const COMMIT_WAIT_MS = 5000;

/** What publications made: one has its place in the log when it returns, and its readers may see it a little later. */
export async function readMany(log: Log, topic: string, count: number): Promise<LogRecord[]> {
  for (const deadlineMs = performance.now() + COMMIT_WAIT_MS; ; ) {
    const records = await readAll(log, topic);
    if (records.length >= count || performance.now() > deadlineMs) return records;
    await delay(10);
  }
}

export function numbered(topic: string, partition: number, count: number, from = 0): NewRecord[] {
  return Array.from({ length: count }, (_, n) => ({ topic, partition, key: null, value: text(String(from + n)) }));
}

export async function pollMany(slot: OwnedSlot, count: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  while (records.length < count && !slot.revoked.aborted)
    records.push(...(await slot.poll(count - records.length, 500)).records);
  return records;
}

export async function pollToEnd(slot: OwnedSlot): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  const startedAt = Date.now();
  while (!slot.revoked.aborted) {
    const polled = await slot.poll(100, 200);
    records.push(...polled.records);
    if (isReadSince(polled, startedAt)) break;
  }
  return records;
}

/** A member that holds every slot it is given until it is revoked, and lets the test work with it. */
export class Member {
  readonly held = new Map<number, OwnedSlot>();
  readonly starts: number[] = [];
  #membership: Membership | null = null;
  #changed = Promise.withResolvers<void>();
  readonly #isTaken: (slot: number) => boolean;

  constructor(isTaken: (slot: number) => boolean = () => false) {
    this.#isTaken = isTaken;
  }

  async join(log: Log, group: string, topics: readonly string[], slots = SLOTS): Promise<this> {
    const run = async (slot: OwnedSlot): Promise<void> => {
      assert.equal(this.#isTaken(slot.slot), false, `slot ${slot.slot} has another owner`);
      this.starts.push(slot.slot);
      this.held.set(slot.slot, slot);
      this.#change();
      if (!slot.revoked.aborted) await new Promise((done) => slot.revoked.addEventListener("abort", done));
      if (this.held.get(slot.slot) === slot) this.held.delete(slot.slot);
      this.#change();
    };
    this.#membership = await log.joinGroup({ group, topics, slots, slotOf: (partition) => partition % slots, run });
    return this;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  holds(slot: number): boolean {
    return this.held.get(slot)?.revoked.aborted === false;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await this.#changed.promise;
  }

  async slot(slot: number): Promise<OwnedSlot> {
    await this.until(() => this.holds(slot));
    return this.held.get(slot) as OwnedSlot;
  }

  /** Taken over and reading from where the group stands. */
  async open(slot: number): Promise<OwnedSlot> {
    const owned = await this.slot(slot);
    await owned.takeOver();
    owned.seek(await owned.positions());
    return owned;
  }

  get membership(): Membership {
    return this.#membership as Membership;
  }

  close(): Promise<void> {
    return this.membership.close();
  }
}

export function isLogError(...codes: string[]): (error: unknown) => boolean {
  return (error) => error instanceof LogError && (codes.length === 0 || codes.includes(error.code));
}
