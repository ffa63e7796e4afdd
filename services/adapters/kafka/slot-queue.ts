// Records of one slot between the fetch loop and the slot's own loop: bounded, by partition in offset order. kafkajs does
// not fetch while a batch is handled, so handling is only queueing; when the queue is full the partitions pause.

import { partitionKey, type LogRecord, type TopicPartition } from "#ports/log.ts";

export const QUEUED_RECORDS_HIGH = 20_000;
export const QUEUED_RECORDS_LOW = 8_000;
/** Bytes count too: a record of the inner log is large. */
export const QUEUED_BYTES_HIGH = 64 * 1024 * 1024;

interface Progress {
  /** The next offset that was not delivered yet, control records counted in. */
  next: number;
  end: number;
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

  /** Forgets everything; delivery goes on from these offsets, up to these ends for a start. */
  reset(starts: ReadonlyMap<string, Progress>): void {
    this.#records = [];
    this.#bytes = 0;
    this.#progress.clear();
    for (const [key, progress] of starts) this.#progress.set(key, { ...progress });
    this.#setFull(false);
  }

  push(records: readonly LogRecord[]): void {
    for (const record of records) {
      const progress = this.#progress.get(partitionKey(record));
      // Not asked for yet, or from before the last seek.
      if (progress === undefined || record.offset < progress.next) continue;
      progress.next = record.offset + 1;
      this.#records.push(record);
      this.#bytes += record.value?.length ?? 0;
    }
    this.#setFull(this.#records.length >= QUEUED_RECORDS_HIGH || this.#bytes >= QUEUED_BYTES_HIGH);
    this.wake();
  }

  /** A fetch has reached this far (also where it held only control records), and the log ended there. */
  advance(partition: TopicPartition, next: number, end: number): void {
    const progress = this.#progress.get(partitionKey(partition));
    if (progress === undefined) return;
    progress.next = Math.max(progress.next, next);
    progress.end = progress.end === Number.POSITIVE_INFINITY ? end : Math.max(progress.end, end);
    this.wake();
  }

  /** Where the partition ended when somebody looked. */
  learnEnd(partition: TopicPartition, end: number): void {
    const progress = this.#progress.get(partitionKey(partition));
    if (progress !== undefined && progress.end === Number.POSITIVE_INFINITY) progress.end = end;
  }

  get atEnd(): boolean {
    if (this.#records.length > 0 || this.#progress.size < this.#partitions.length) return false;
    return [...this.#progress.values()].every(({ next, end }) => next >= end);
  }

  take(recordsMax: number): LogRecord[] {
    const taken = this.#records.splice(0, recordsMax);
    for (const { value } of taken) this.#bytes -= value?.length ?? 0;
    if (this.#full && this.#records.length <= QUEUED_RECORDS_LOW && this.#bytes < QUEUED_BYTES_HIGH / 2)
      this.#setFull(false);
    return taken;
  }

  get size(): number {
    return this.#records.length;
  }

  wake(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** Until something came, or the time is over. */
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
