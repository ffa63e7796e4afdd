// Records of one slot between the fetcher and the slot's own loop: bounded, by partition in offset order. Knows how far
// each partition was read, and where it ended when that was last asked.

import { partitionKey, type LogRecord, type TopicPartition } from "#ports/log.ts";
import type { Ends } from "./ends.ts";
import type { Fetched } from "./feed.ts";

export const QUEUED_RECORDS_HIGH = 20_000;
export const QUEUED_RECORDS_LOW = 8_000;
/** Bytes count too: a record of the inner log is large. */
export const QUEUED_BYTES_HIGH = 32 * 1024 * 1024;
export const QUEUED_BYTES_LOW = 12 * 1024 * 1024;

/** Of one partition: how many ends are remembered that were not read to yet. */
const LOOKS_MAX = 100;

/** Where the log ended, and when that was so at the earliest. */
type Look = Pick<Fetched, "high" | "asOfMs">;
interface Known extends Omit<Fetched, "records"> {
  /** First the latest end that was read to, if there is one, then later ones. */
  readonly looks: readonly Look[];
}
const NOTHING_KNOWN: Known = {
  next: 0,
  end: Number.POSITIVE_INFINITY,
  high: Number.POSITIVE_INFINITY,
  asOfMs: Number.NEGATIVE_INFINITY,
  looks: [],
};

export class SlotQueue {
  readonly #known = new Map<string, Known>();
  readonly #onRoom: () => void;
  #records: LogRecord[] = [];
  #bytes = 0;
  #full = false;
  #failure: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  /** onRoom: the queue was full and is not any more. */
  constructor(partitions: readonly TopicPartition[], onRoom: () => void) {
    for (const partition of partitions) this.#known.set(partitionKey(partition), NOTHING_KNOWN);
    this.#onRoom = onRoom;
  }

  get isFull(): boolean {
    return this.#full;
  }

  clear(): void {
    this.#records = [];
    this.#bytes = 0;
    this.#full = false;
    for (const key of this.#known.keys()) this.#known.set(key, NOTHING_KNOWN);
  }

  push(partition: TopicPartition, { records, ...known }: Fetched): void {
    const key = partitionKey(partition);
    this.#known.set(key, { ...known, looks: addLook(this.#known.get(key)?.looks ?? [], known) });
    if (records.length === 0) return;
    for (const record of records) {
      this.#records.push(record);
      this.#bytes += record.value?.length ?? 0;
    }
    if (this.#records.length >= QUEUED_RECORDS_HIGH || this.#bytes >= QUEUED_BYTES_HIGH) this.#full = true;
    this.#wake();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Throws what the fetcher could not get over. */
  take(recordsMax: number): LogRecord[] {
    if (this.#failure !== null) throw this.#failure.error;
    const taken = this.#records.splice(0, recordsMax);
    for (const { value } of taken) this.#bytes -= value?.length ?? 0;
    if (this.#full && this.#records.length <= QUEUED_RECORDS_LOW && this.#bytes <= QUEUED_BYTES_LOW) {
      this.#full = false;
      this.#onRoom();
    }
    return taken;
  }

  /** Nothing is queued, and every partition was seen to end where it was read to, at that time or later. */
  isAtEnd(sinceMs: number): boolean {
    if (this.#records.length > 0) return false;
    return [...this.#known.values()].every(({ next, end, asOfMs }) => next >= end && asOfMs >= sinceMs);
  }

  /** What the brokers say between fetches of where each partition ends. */
  seeEnds({ partitions, asOfMs }: Ends): void {
    for (const [key, known] of this.#known) {
      const ends = partitions.get(key);
      if (ends === undefined) continue;
      const seen = { next: known.next, ...ends, asOfMs };
      this.#known.set(key, { ...seen, looks: addLook(known.looks, seen) });
    }
  }

  /** Of partitions that hold more than was read: how long ago the first of that was written at most (Infinity: nobody knows). */
  listHidden(): Map<string, number> {
    const hidden = new Map<string, number>();
    for (const [key, { next, high, looks }] of this.#known) {
      const [first] = looks;
      if (first === undefined || next >= high) continue;
      hidden.set(key, first.high <= next ? performance.now() - first.asOfMs : Number.POSITIVE_INFINITY);
    }
    return hidden;
  }

  /** Until a record is there, somebody calls `wake`, or the time is over. One caller at a time. */
  wait(waitMs: number): Promise<void> {
    if (this.#records.length > 0 || this.#failure !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake(): void {
    this.#wake();
  }
}

function addLook(looks: readonly Look[], { next, high, asOfMs }: Look & Pick<Fetched, "next">): Look[] {
  const all = [...looks.filter((look) => look.high !== high), { high, asOfMs }];
  const read = all.findLastIndex((look) => look.high <= next);
  const kept = all.slice(Math.max(0, read));
  // Without one in between less is known of when, and nothing wrong.
  return kept.length > LOOKS_MAX ? kept.toSpliced(1, 1) : kept;
}
