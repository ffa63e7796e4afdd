// The store over the embedded file: one SQLite transaction per commit.

import type { NewRecord, Position } from "#ports/log.ts";
import type { OutboxEntry, ShardCommit, ShardStanding, Store, Timer } from "#ports/store.ts";
import { StoreUnavailable } from "#ports/store.ts";
import type { Database } from "./database.ts";
import { openStatements } from "./statements.ts";

export interface EmbeddedStore extends Store {
  /** How many parts the shard has. */
  countParts(shard: number): Promise<number>;
}

const SCAN_CHUNK_PARTS = 500;

export function openEmbeddedStore(database: Database): EmbeddedStore {
  const statements = openStatements(database.sqlite);

  function readShard(shard: number): { epoch: number; position: Position; until: number } {
    const row = statements.selectShard.get(shard);
    const position = { offset: Number(row?.["offset"] ?? 0), step: Number(row?.["step"] ?? 0) };
    return { epoch: Number(row?.["epoch"] ?? 0), position, until: Number(row?.["until"] ?? 0) };
  }

  function readStanding(shard: number): ShardStanding {
    const { epoch, position, until } = readShard(shard);
    return { epoch, position, until };
  }

  function readParts(shard: number, keys: readonly string[]): (Uint8Array | null)[] {
    return keys.map((key) => toBytes(statements.selectPart.get(shard, key)?.["value"]));
  }

  function apply(commit: ShardCommit): void {
    const { shard, to, published } = commit;
    for (const [key, value] of commit.parts) {
      if (value === null) statements.deletePart.run(shard, key);
      else statements.upsertPart.run(shard, key, value);
    }
    for (const timer of commit.timersRemoved) statements.deleteTimer.run(shard, timer.queue, timer.ref);
    for (const timer of commit.timersAdded) statements.upsertTimer.run(shard, timer.queue, timer.ref, timer.atMs);
    commit.outbox.forEach((record, place) => {
      const headers = record.headers === undefined ? null : JSON.stringify(record.headers);
      const { topic, partition = null, key, value, timestampMs = null } = record;
      statements.insertOutbox.run(shard, to.offset, to.step, place, topic, partition, key, value, headers, timestampMs);
    });
    statements.trimOutbox.run(shard, published.offset, published.step);
    statements.moveShard.run(to.offset, to.step, shard);
  }

  return {
    async raiseEpochs(shards) {
      return guard(() =>
        database.transact(() => {
          return new Map(shards.map((shard) => [shard, Number(statements.raiseEpoch.get(shard)?.["epoch"])]));
        }),
      );
    },
    async readHead(shard) {
      return guard(() => ({
        position: readShard(shard).position,
        outbox: gatherOutbox(statements.selectOutbox.all(shard)),
        damage: null,
      }));
    },
    async scrub() {
      return { next: "0", lost: null };
    },
    async hasLost() {
      return false;
    },
    async standing(shard) {
      return guard(() => readStanding(shard));
    },
    async survey(shard, keys) {
      return guard(() => ({ standing: readStanding(shard), values: readParts(shard, keys) }));
    },
    async awaitPosition(shard, epoch, until) {
      return guard(() =>
        database.transact(() => {
          if (readShard(shard).epoch !== epoch) return "fenced";
          statements.awaitPosition.run(until, shard);
          return "told";
        }),
      );
    },
    async clear(shard, epoch) {
      return guard(() =>
        database.transact(() => {
          if (readShard(shard).epoch !== epoch) return "fenced";
          for (const statement of [statements.clearParts, statements.clearTimers, statements.clearOutbox])
            statement.run(shard);
          statements.moveShard.run(0, 0, shard);
          statements.awaitPosition.run(Number.MAX_SAFE_INTEGER, shard);
          return "cleared";
        }),
      );
    },
    async load(shard, keys) {
      return guard(() => readParts(shard, keys));
    },
    async dueTimers(shard, queue, upToMs, max) {
      return guard(() =>
        statements.selectDue.all(shard, queue, upToMs, max).map((row): Timer => {
          return { queue, atMs: Number(row["atMs"]), ref: String(row["ref"]) };
        }),
      );
    },
    async commit(commit) {
      checkPublications(commit);
      return guard(() =>
        database.transact(() => {
          const { epoch, position } = readShard(commit.shard);
          if (epoch !== commit.epoch) return "fenced";
          if (comparePositions(position, commit.from) !== 0) return "moved";
          for (const key of commit.absent)
            if (statements.selectPart.get(commit.shard, key) !== undefined) return "damaged";
          apply(commit);
          return "committed";
        }),
      );
    },
    async *scan(shard, prefix) {
      // In chunks by key, so that no statement stays open across the caller's own commits.
      let rows = guard(() => statements.selectPartsFrom.all(shard, prefix, SCAN_CHUNK_PARTS));
      for (;;) {
        let last = "";
        for (const row of rows) {
          const key = String(row["key"]);
          if (!key.startsWith(prefix)) return;
          last = key;
          const value = toBytes(row["value"]);
          if (value !== null) yield { key, value };
        }
        if (rows.length < SCAN_CHUNK_PARTS) return;
        rows = guard(() => statements.selectPartsAfter.all(shard, last, SCAN_CHUNK_PARTS));
      }
    },
    async countParts(shard) {
      return guard(() => Number(statements.countParts.get(shard)?.["count"]));
    },
    async close() {},
  };
}

function gatherOutbox(rows: readonly Record<string, unknown>[]): OutboxEntry[] {
  const entries: { to: Position; records: NewRecord[] }[] = [];
  for (const row of rows) {
    const to = { offset: Number(row["offset"]), step: Number(row["step"]) };
    let entry = entries.at(-1);
    if (entry === undefined || comparePositions(entry.to, to) !== 0) entries.push((entry = { to, records: [] }));
    const { partition, timestampMs, headers } = row;
    entry.records.push({
      topic: String(row["topic"]),
      key: typeof row["key"] === "string" ? row["key"] : null,
      value: toBytes(row["value"]),
      ...(typeof partition === "number" && { partition }),
      ...(typeof timestampMs === "number" && { timestampMs }),
      ...(typeof headers === "string" && { headers: JSON.parse(headers) }),
    });
  }
  return entries;
}

/** Outbox entries are told apart by `to`, so a step with publications has to move. */
function checkPublications(commit: ShardCommit): void {
  const order = comparePositions(commit.to, commit.from);
  if (order < 0 || (order === 0 && commit.outbox.length > 0)) throw new RangeError("a commit must move forwards");
}

function comparePositions(a: Position, b: Position): number {
  return a.offset - b.offset || a.step - b.step;
}

function toBytes(value: unknown): Uint8Array | null {
  return value instanceof Uint8Array ? value : null;
}

/** What goes wrong in the file (full disk, I/O error) may pass: the caller waits and takes the shard over again. */
function guard<Result>(body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    if (error instanceof Error && "errcode" in error) throw new StoreUnavailable(error.message, { cause: error });
    throw error;
  }
}
