// The one file below the embedded log, store and index: opening it, its lock, its tables, its transactions.
//
// One process at a time: SQLite's own exclusive lock on the file, which the operating system drops when its process
// ends in any way, so there is no stale lock to clean up. WAL makes each transaction whole or absent after a crash.

import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

export interface Database {
  readonly sqlite: DatabaseSync;
  /** Runs the body as one transaction: all of it, or (when it throws) nothing of it. */
  transact<Result>(body: () => Result): Result;
  close(): void;
}

export interface DatabaseOptions {
  readonly file: string;
  /**
   * full: acknowledged means on disk, also when the power fails. normal: a power failure may take the last moments
   * away, of log and state alike, so what is left agrees; the end of a process, however sudden, takes nothing.
   */
  readonly sync: "full" | "normal";
}

/** Another process has the file open. */
export class FileInUse extends Error {
  readonly code = "embedded-file-in-use";
  constructor(file: string, options?: { cause?: unknown }) {
    super(`${file} is in use by another weft process; stop that one first, or name another file`, options);
    this.name = "FileInUse";
  }
}

/** What the file holds is not ours, or of another version. */
export class FileUnfit extends Error {
  readonly code = "embedded-file-unfit";
}

const FORMAT_VERSION = 2;
/** SQLite's own number. */
const NOT_A_DATABASE = 26;

// Parts keep their rowids: parts born together lie together, so a commit touches few pages although keys are random
// (measured: 500 new parts of 400 bytes take 2 ms, and 17 ms in a table ordered by key).
const TABLES = `
CREATE TABLE topics (name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, config TEXT NOT NULL, base INTEGER NOT NULL);
CREATE TABLE records (id INTEGER PRIMARY KEY, timestampMs INTEGER NOT NULL, key TEXT, value BLOB, headers TEXT);
CREATE TABLE positions (
  groupName TEXT, topic TEXT, partition INTEGER, "offset" INTEGER NOT NULL, step INTEGER NOT NULL,
  PRIMARY KEY (groupName, topic, partition)
) WITHOUT ROWID;
CREATE TABLE epochs (
  groupName TEXT, slot INTEGER, epoch INTEGER NOT NULL, PRIMARY KEY (groupName, slot)
) WITHOUT ROWID;
CREATE TABLE shards (
  shard INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, "offset" INTEGER NOT NULL, step INTEGER NOT NULL, until INTEGER NOT NULL
);
CREATE TABLE parts (shard INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (shard, key));
CREATE TABLE timers (
  shard INTEGER, queue TEXT, ref TEXT, atMs INTEGER NOT NULL, PRIMARY KEY (shard, queue, ref)
) WITHOUT ROWID;
CREATE INDEX timersByTime ON timers (shard, queue, atMs, ref);
CREATE TABLE outbox (
  shard INTEGER, "offset" INTEGER, step INTEGER, place INTEGER, topic TEXT NOT NULL, partition INTEGER, key TEXT,
  value BLOB, headers TEXT, timestampMs INTEGER, PRIMARY KEY (shard, "offset", step, place)
) WITHOUT ROWID;
CREATE TABLE routes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

export function openDatabase(options: DatabaseOptions): Database {
  // All that is kept of people, in the clear: nobody else on the machine may read it, nor what SQLite puts beside it.
  if (options.file !== ":memory:") closeSync(openSync(options.file, "a", 0o600));
  const sqlite = new DatabaseSync(options.file, { timeout: 0, enableForeignKeyConstraints: false });
  try {
    // Exclusive before WAL: the lock is then held from the first write on, and no shared-memory file is needed.
    sqlite.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;");
    sqlite.exec(`PRAGMA synchronous = ${options.sync}; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000;`);
    sqlite.exec("BEGIN IMMEDIATE");
    const version = Number(sqlite.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version === 0) sqlite.exec(`${TABLES} PRAGMA user_version = ${FORMAT_VERSION};`);
    else if (version !== FORMAT_VERSION)
      throw new FileUnfit(`${options.file} has format ${version}, not ${FORMAT_VERSION}; name another file`);
    sqlite.exec("COMMIT");
  } catch (error) {
    sqlite.close();
    if (isBusy(error)) throw new FileInUse(options.file, { cause: error });
    if (error instanceof Error && "errcode" in error && error.errcode === NOT_A_DATABASE)
      throw new FileUnfit(`${options.file} is no database of Weft's; name another file`, { cause: error });
    throw error;
  }

  return {
    sqlite,
    transact(body) {
      sqlite.exec("BEGIN IMMEDIATE");
      try {
        const result = body();
        sqlite.exec("COMMIT");
        return result;
      } catch (error) {
        // A full disk may already have rolled it back.
        if (sqlite.isTransaction) sqlite.exec("ROLLBACK");
        throw error;
      }
    },
    close() {
      if (sqlite.isOpen) sqlite.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY;
}
