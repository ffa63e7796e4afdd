// The file of a reader of topics: what it made of the records, and up to where it has read, in one SQLite transaction.
// So a reader that ends at any moment goes on where it was, and has counted nothing twice; a record that comes again
// under another offset (a doubled topic) is known by its own id, which is the tables' business.

import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import type { Codec } from "#ports/codec.ts";
import { type Log, type LogRecord, partitionKey } from "#ports/log.ts";

/** Records of one transaction: while it runs, nothing else of the process does. */
const BATCH_MAX = 50;

const POSITIONS = `
CREATE TABLE IF NOT EXISTS positions (partition TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS caughtUp (at INTEGER NOT NULL);`;

/** That it caught up is written as seldom. */
const NOTED_EVERY_MS = 3_600_000;

interface BookOptions {
  /** Of the tables: another number is another meaning. */
  readonly format?: number;
  readonly isKept?: boolean;
  /** Whoever has not caught up for longer may have missed for good that something is no more: the file is begun anew. */
  readonly awayMaxMs?: number;
  /** Told that it is. */
  onAwayTooLong?(): void;
}

export class Book {
  readonly sqlite: DatabaseSync;
  readonly #tables: string;
  readonly #options: BookOptions;

  /**
   * tables: `CREATE TABLE IF NOT EXISTS …`. Without a file it is kept in memory; one of another format is begun anew. isKept: what
   * was done about a record may not be forgotten in a power cut; else the last records are read again then, and no disk is waited for.
   */
  constructor(tables: string, file: string = ":memory:", options: BookOptions = {}) {
    if (file !== ":memory:") {
      mkdirSync(dirname(file), { recursive: true });
      // Nobody else on the machine may read it.
      closeSync(openSync(file, "a", 0o600));
    }
    const { format = 0, isKept = false } = options;
    this.#tables = `${POSITIONS} ${tables} PRAGMA user_version = ${format};`;
    this.#options = options;
    this.sqlite = new DatabaseSync(file, { timeout: 5000 });
    // What is deleted is overwritten.
    this.sqlite.exec("PRAGMA secure_delete = ON;");
    this.sqlite.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${isKept ? "FULL" : "NORMAL"};`);
    this.transact(() => {
      const found = this.sqlite.prepare("PRAGMA user_version").get()?.["user_version"];
      if (found === format) this.sqlite.exec(this.#tables);
      else this.#beginAnew();
    });
  }

  /** Indexes go with their tables. */
  #beginAnew(): void {
    const tables = this.sqlite.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    for (const { name } of tables) this.sqlite.exec(`DROP TABLE "${String(name)}"`);
    this.sqlite.exec(this.#tables);
  }

  /** To be called before it is read on from where it is. */
  forgetIfAway(nowMs: number): void {
    const { awayMaxMs, onAwayTooLong } = this.#options;
    if (awayMaxMs === undefined) return;
    const hasRead = this.sqlite.prepare("SELECT 1 FROM positions").get() !== undefined;
    const isAway = hasRead && nowMs - this.#caughtUpMs() > awayMaxMs;
    if (isAway) this.transact(() => this.#beginAnew());
    if (isAway) onAwayTooLong?.();
    if (isAway || !hasRead) this.noteCaughtUp(nowMs);
  }

  /** It knows all that was published by this instant, or has nothing from before. */
  noteCaughtUp(atMs: number): void {
    if (this.#options.awayMaxMs === undefined || atMs - this.#caughtUpMs() < NOTED_EVERY_MS) return;
    const note = this.sqlite.prepare("INSERT INTO caughtUp (at) VALUES (?)");
    this.transact(() => {
      this.sqlite.exec("DELETE FROM caughtUp");
      note.run(atMs);
    });
  }

  #caughtUpMs(): number {
    return Number(this.sqlite.prepare("SELECT at FROM caughtUp").get()?.["at"] ?? -Infinity);
  }

  transact(body: () => void): void {
    this.sqlite.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.sqlite.exec("COMMIT");
    } catch (error) {
      if (this.sqlite.isTransaction) this.sqlite.exec("ROLLBACK");
      throw error;
    }
  }

  /** The offset to go on at, by partition; of a topic that was made anew, its start. */
  async positions(log: Log, topics: readonly string[]): Promise<Map<string, number>> {
    const ends = await log.endOffsets(topics);
    const rows = this.sqlite.prepare("SELECT partition, next FROM positions").all();
    const kept = rows.map(({ partition, next }) => [String(partition), Number(next)] as const);
    return new Map(kept.filter(([partition, next]) => next <= (ends.get(partition) ?? 0)));
  }

  moveTo(records: readonly LogRecord[]): void {
    const statement = this.sqlite.prepare("INSERT OR REPLACE INTO positions (partition, next) VALUES (?, ?)");
    for (const record of records) statement.run(partitionKey(record), record.offset + 1);
  }

  /** What was overwritten goes from beside the file too, unless somebody reads: nobody waits. */
  shed(): void {
    this.sqlite.exec("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 5000;");
  }

  close(): void {
    if (this.sqlite.isOpen) this.sqlite.close();
  }
}

/** A record that could be decoded. */
export interface ReadRecord {
  readonly topic: string;
  readonly value: unknown;
}

export interface ReadingOptions {
  readonly follow: boolean;
  readonly signal?: AbortSignal;
  /** Around each transaction: what must be known before it, what may follow once it is committed. */
  before?(): Promise<void>;
  after?(): void;
  /** A compacted topic's word that there is nothing under the key any more; within the transaction. */
  drop?(key: string): void;
}

/** Reads on from where the book is: `take` is called within the transaction that also moves the positions. */
export async function readOn(
  { log, codec }: { readonly log: Log; readonly codec: Codec },
  book: Book,
  topics: readonly string[],
  take: (record: ReadRecord) => void,
  { follow, signal, before, after, drop }: ReadingOptions,
): Promise<void> {
  const startedMs = Date.now();
  book.forgetIfAway(startedMs);
  const from = await book.positions(log, topics);
  for await (const records of gather(log.read(topics, { from, follow, ...(signal === undefined ? {} : { signal }) }))) {
    await codec.prepare(records.map(({ value }) => value));
    await before?.();
    book.transact(() => {
      for (const { topic, key, value } of records) {
        const decoded = value === null ? null : codec.decode(value);
        if (decoded?.ok === true) take({ topic, value: decoded.value });
        else if (decoded === null && key !== null) drop?.(key);
      }
      book.moveTo(records);
    });
    after?.();
  }
  if (!follow && signal?.aborted !== true) book.noteCaughtUp(startedMs);
}

/** What is at hand, as batches: nobody waits for a batch to be full. */
async function* gather(records: AsyncIterable<LogRecord>): AsyncGenerator<LogRecord[]> {
  const iterator = records[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (let first = await next; first.done !== true; first = await next) {
      const batch = [first.value];
      next = iterator.next();
      while (batch.length < BATCH_MAX) {
        const more = await Promise.race([next, setImmediate(null)]);
        if (more === null || more.done === true) break;
        batch.push(more.value);
        next = iterator.next();
      }
      yield batch;
    }
  } finally {
    await iterator.return?.();
  }
}
