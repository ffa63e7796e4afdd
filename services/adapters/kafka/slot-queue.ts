// Records of one slot between the fetcher and the slot's own loop: bounded, by partition in offset order. Knows how far
// each partition was read, and where it ended when that was asked.

import { partitionKey, type LogRecord, type Reach, type TopicPartition } from "#ports/log.ts";
import type { Fetched } from "./feed.ts";

export const QUEUED_RECORDS_HIGH = 20_000;
export const QUEUED_RECORDS_LOW = 8_000;
/** Bytes count too: a record of the inner log is large. */
export const QUEUED_BYTES_HIGH = 32 * 1024 * 1024;
export const QUEUED_BYTES_LOW = 12 * 1024 * 1024;

/** Of one partition: how many ends are remembered that were not read to yet. */
const LOOKS_MAX = 100;
/** A fetch is answered in a quarter of a second, and the next one sent: whoever has heard nothing for so long knows nothing. */
const LOOK_AGE_MAX_MS = 10_000;

/** Where the log ended, and when that was so at the earliest. */
type Look = Pick<Fetched, "high" | "clockMs">;
interface Known extends Omit<Fetched, "records"> {
  /** First the latest end that was taken to, if there is one, then later ones. */
  readonly looks: readonly Look[];
}
const NOTHING_KNOWN: Known = {
  next: 0,
  end: Number.POSITIVE_INFINITY,
  high: Number.POSITIVE_INFINITY,
  asOfMs: Number.NEGATIVE_INFINITY,
  clockMs: Number.NEGATIVE_INFINITY,
  looks: [],
};

/** Of a partition, what was fetched and not taken yet. */
interface Queued {
  count: number;
  /** Behind the last record that was taken. */
  takenTo: number;
}

export class SlotQueue {
  readonly #known = new Map<string, Known>();
  readonly #queued = new Map<string, Queued>();
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
    this.clear();
  }

  get isFull(): boolean {
    return this.#full;
  }

  clear(): void {
    this.#records = [];
    this.#bytes = 0;
    this.#full = false;
    for (const key of this.#known.keys()) {
      this.#known.set(key, NOTHING_KNOWN);
      this.#queued.set(key, { count: 0, takenTo: 0 });
    }
  }

  push(partition: TopicPartition, { records, ...known }: Fetched): void {
    const key = partitionKey(partition);
    this.#see(key, known);
    const queued = this.#queued.get(key);
    if (queued !== undefined) queued.count += records.length;
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
    for (const record of taken) {
      this.#bytes -= record.value?.length ?? 0;
      const queued = this.#queued.get(partitionKey(record));
      if (queued === undefined) continue;
      queued.count -= 1;
      queued.takenTo = record.offset + 1;
    }
    if (this.#full && this.#records.length <= QUEUED_RECORDS_LOW && this.#bytes <= QUEUED_BYTES_LOW) {
      this.#full = false;
      this.#onRoom();
    }
    return taken;
  }

  listReach(): Map<string, Reach> {
    const nowMs = performance.now();
    const reach = new Map<string, Reach>();
    for (const [key, { end, high, asOfMs, looks }] of this.#known) {
      const takenTo = this.#takenTo(key);
      reach.set(key, {
        readUpToMs: looks.findLast((one) => one.high <= takenTo)?.clockMs ?? Number.NEGATIVE_INFINITY,
        rest: takenTo < end || nowMs - asOfMs > LOOK_AGE_MAX_MS ? "waiting" : takenTo < high ? "hidden" : "none",
      });
    }
    return reach;
  }

  #see(key: string, seen: Omit<Fetched, "records">): void {
    const looks = addLook(this.#known.get(key)?.looks ?? [], seen, this.#takenTo(key));
    this.#known.set(key, { ...seen, looks });
  }

  /** Everything before it was taken, control records and aborted ones counted in. */
  #takenTo(key: string): number {
    const { count, takenTo } = this.#queued.get(key) ?? { count: 0, takenTo: 0 };
    return count > 0 ? takenTo : (this.#known.get(key)?.next ?? 0);
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

function addLook(looks: readonly Look[], { high, clockMs }: Look, takenTo: number): Look[] {
  const all = [...looks.filter((look) => look.high !== high), { high, clockMs }];
  const read = all.findLastIndex((look) => look.high <= takenTo);
  const kept = all.slice(Math.max(0, read));
  // Without one in between less is known of when, and nothing wrong.
  return kept.length > LOOKS_MAX ? kept.toSpliced(1, 1) : kept;
}
