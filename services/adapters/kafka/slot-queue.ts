// Records of one slot between the fetch loop and the slot's own loop: bounded, by partition in offset order. kafkajs does
// not fetch while a batch is handled, so handling is only queueing; when the queue is full the partitions pause.
//
// A batch is taken only where it continues exactly what was taken before. One that was under way when the slot sought
// another position would otherwise pass for progress, and the records between would never be read.

import { partitionKey, type LogRecord, type TopicPartition } from "#ports/log.ts";

export const QUEUED_RECORDS_HIGH = 20_000;
const QUEUED_RECORDS_LOW = 8_000;
/** Bytes count too: a record of the inner log is large. */
const QUEUED_BYTES_HIGH = 32 * 1024 * 1024;

interface Progress {
  /** The next offset that was not delivered yet, control records counted in. */
  next: number;
  end: number;
}

export interface Delivery extends TopicPartition {
  /** Where the fetch began. */
  readonly from: number;
  readonly records: readonly LogRecord[];
  /** How far it went; further than the records where markers follow. */
  readonly next: number;
  readonly end: number;
}

export class SlotQueue {
  readonly #partitions: readonly TopicPartition[];
  readonly #onFull: (full: boolean) => void;
  readonly #progress = new Map<string, Progress>();
  #records: LogRecord[] = [];
  #bytes = 0;
  #full = false;
  #wake: (() => void) | null = null;

  constructor(partitions: readonly TopicPartition[], onFull: (full: boolean) => void) {
    this.#partitions = partitions;
    this.#onFull = onFull;
  }

  /** Forgets the records and every position; nothing is taken until `start`. */
  clear(): void {
    this.#records = [];
    this.#bytes = 0;
    this.#full = false;
    this.#progress.clear();
  }

  start(partition: TopicPartition, next: number, end: number): void {
    this.#progress.set(partitionKey(partition), { next, end });
  }

  /** Takes nothing more of any partition until `start`; what is queued stays. */
  stop(): ReadonlyMap<string, number> {
    const nexts = new Map([...this.#progress].map(([key, { next }]) => [key, next]));
    this.#progress.clear();
    return nexts;
  }

  /** False: this is not what comes next. */
  push({ topic, partition, from, records, next, end }: Delivery): boolean {
    const progress = this.#progress.get(partitionKey({ topic, partition }));
    if (progress === undefined) return true;
    if (from !== progress.next) return false;
    for (const record of records) {
      this.#records.push(record);
      this.#bytes += record.value?.length ?? 0;
    }
    progress.next = next;
    progress.end = Math.max(progress.end, end);
    this.#setFull(this.#records.length >= QUEUED_RECORDS_HIGH || this.#bytes >= QUEUED_BYTES_HIGH);
    if (records.length > 0) this.wake();
    return true;
  }

  learnEnd(partition: TopicPartition, end: number): void {
    const progress = this.#progress.get(partitionKey(partition));
    if (progress !== undefined) progress.end = Math.max(progress.end, end);
  }

  /** As far as is known here; the log may have grown since. */
  get isAtEnd(): boolean {
    if (this.#records.length > 0 || this.#progress.size < this.#partitions.length) return false;
    return [...this.#progress.values()].every(({ next, end }) => next >= end);
  }

  get isFull(): boolean {
    return this.#full;
  }

  take(recordsMax: number): LogRecord[] {
    const taken = this.#records.splice(0, recordsMax);
    for (const { value } of taken) this.#bytes -= value?.length ?? 0;
    if (this.#records.length <= QUEUED_RECORDS_LOW && this.#bytes < QUEUED_BYTES_HIGH / 2) this.#setFull(false);
    return taken;
  }

  wake(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** Until records are there, somebody wakes it, or the time is over. */
  wait(waitMs: number): Promise<void> {
    if (this.#records.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #setFull(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    this.#onFull(full);
  }
}
