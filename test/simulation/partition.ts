// One partition of the simulated log: records and markers, and how far a reader of committed records may go. The records
// of a transaction are there at once; they count when its marker has landed behind them.

import type { LogRecord, Position } from "#ports/log.ts";

export interface Producer {
  readonly id: string;
  epoch: number;
  transaction: Transaction | null;
  /** How its last transaction ended, until the next one: who asks for the same end again is told that it is so. */
  ended: Transaction["state"] | null;
}

export interface Transaction {
  readonly producer: Producer;
  /** Of each partition that it wrote to: where it begins there. */
  readonly firstOffsets: Map<Partition, number>;
  group: string | null;
  readonly positions: Map<string, Position & { readonly at: number }>;
  state: "open" | "committing" | "aborting";
  /** Markers that have not landed. */
  landing: number;
}

interface Entry {
  readonly record: LogRecord | null;
  /** When it was appended. */
  readonly atMs: number;
  readonly transaction: Transaction | null;
}

export class Partition {
  readonly key: string;
  readonly entries: Entry[] = [];
  readonly open = new Set<Transaction>();
  /** Retention has deleted what lies before. */
  start = 0;
  /** False plants a bug: readers see what is not committed. */
  isolated = true;

  constructor(key: string) {
    this.key = key;
  }

  /** The last stable offset: committed records lie before it. */
  get end(): number {
    let end = this.entries.length;
    if (!this.isolated) return end;
    for (const { firstOffsets } of this.open) end = Math.min(end, firstOffsets.get(this) ?? end);
    return end;
  }

  /** The first record from there on that is committed, or still may be. */
  findUnread(from: number): Entry | null {
    for (let at = from; at < this.entries.length; at += 1) {
      const entry = this.entries[at] as Entry;
      if (entry.record !== null && entry.transaction?.state !== "aborting") return entry;
    }
    return null;
  }

  /** Committed records from the cursor on, and where the next ones begin. */
  read(from: number, max: number): { readonly records: LogRecord[]; readonly next: number } {
    const records: LogRecord[] = [];
    let next = Math.max(from, this.start);
    for (const { end } = this; next < end && records.length < max; next += 1) {
      const { record, transaction } = this.entries[next] as Entry;
      if (record !== null && (transaction?.state !== "aborting" || !this.isolated)) records.push(record);
    }
    return { records, next };
  }
}
