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
/** What the last fetch of a partition said, and what is queued of it. */
interface Known {
  seen: Omit<Fetched, "records" | "clockMs">;
  /** First the latest end that was taken to, if there is one, then later ones. */
  looks: readonly Look[];
  queued: number;
  /** Behind the last record that was taken. */
  takenTo: number;
}
const NOTHING_SEEN: Known["seen"] = {
  next: 0,
  end: Number.POSITIVE_INFINITY,
  high: Number.POSITIVE_INFINITY,
  asOfMs: Number.NEGATIVE_INFINITY,
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
    for (const partition of partitions) this.#known.set(partitionKey(partition), createKnown());
    this.#onRoom = onRoom;
  }

  get isFull(): boolean {
    return this.#full;
  }

  clear(): void {
    this.#records = [];
    this.#bytes = 0;
    this.#full = false;
    for (const key of this.#known.keys()) this.#known.set(key, createKnown());
  }

  push(partition: TopicPartition, { records, clockMs, ...seen }: Fetched): void {
    const known = this.#of(partition);
    known.looks = addLook(known.looks, { high: seen.high, clockMs }, takenToOf(known));
    known.seen = seen;
    known.queued += records.length;
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
      const known = this.#of(record);
      known.queued -= 1;
      known.takenTo = record.offset + 1;
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
    for (const [key, known] of this.#known) {
      const { end, high, asOfMs } = known.seen;
      const takenTo = takenToOf(known);
      reach.set(key, {
        readUpToMs: known.looks.findLast((one) => one.high <= takenTo)?.clockMs ?? Number.NEGATIVE_INFINITY,
        rest: takenTo < end || nowMs - asOfMs > LOOK_AGE_MAX_MS ? "waiting" : takenTo < high ? "hidden" : "none",
      });
    }
    return reach;
  }

  #of(partition: TopicPartition): Known {
    const known = this.#known.get(partitionKey(partition));
    if (known === undefined) throw new Error(`${partitionKey(partition)} is none of this queue's partitions`);
    return known;
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

function createKnown(): Known {
  return { seen: NOTHING_SEEN, looks: [], queued: 0, takenTo: 0 };
}

/** Everything before it was taken, control records and aborted ones counted in. */
function takenToOf({ queued, takenTo, seen }: Known): number {
  return queued > 0 ? takenTo : seen.next;
}

function addLook(looks: readonly Look[], latest: Look, takenTo: number): Look[] {
  const all = [...looks.filter(({ high }) => high !== latest.high), latest];
  const read = all.findLastIndex((look) => look.high <= takenTo);
  const kept = all.slice(Math.max(0, read));
  // Without one in between less is known of when, and nothing wrong.
  return kept.length > LOOKS_MAX ? kept.toSpliced(1, 1) : kept;
}
