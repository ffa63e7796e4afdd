// The store on Redis. The keys of a shard share a hash tag, so a step is one script on one node:
//   <prefix>{s07}:head    hash    epoch, offset, step
//   <prefix>{s07}:outbox  stream  entries not yet published, id "<offset>-<step>"
//   <prefix>{s07}:time, :completeness   sorted sets   ref by atMs
//   <prefix>{s07}:names   set     names of the parts: counts them exactly, lists them without looking at other shards
//                                 (about 75 bytes and 0.3 µs a part: see commit.lua)
//   <prefix>{s07}:p:<name>        the parts, plain strings, read with one MGET

import { readFileSync } from "node:fs";
import type { Position } from "#ports/log.ts";
import type { CommitOutcome, OutboxEntry, ShardCommit, Store, Timer } from "#ports/store.ts";
import type { ConnectionOptions } from "./connection.ts";
import { openConnection, takeResults } from "./connection.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { createCommandWriter } from "./frame.ts";
import { openScript } from "./script.ts";

export interface RedisStoreOptions extends ConnectionOptions {
  /** Before every key, e.g. "weft:"; no braces, which would take the place of the hash tag. */
  readonly prefix: string;
  readonly shards: number;
}

export interface RedisStore extends Store {
  /** How many parts the shard has. */
  countParts(shard: number): Promise<number>;
}

const SCAN_CHUNK_PARTS = 1_000;
const QUEUES: readonly Timer["queue"][] = ["time", "completeness"];
/** KEYS of commit.lua before the parts, and ARGV before what there may be any number of. */
const FIXED_KEYS = ["head", "outbox", "time", "completeness", "names"];
const FIXED_ARGUMENTS = 13;
const frameWriter = createCommandWriter();
const commitScript = openScript(readFileSync(new URL("commit.lua", import.meta.url), "utf8"));

export function openRedisStore(options: RedisStoreOptions): RedisStore {
  const { prefix, shards } = options;
  if (/[{}]/.test(prefix)) throw new RangeError(`prefix ${prefix} has a brace`);
  const connection = openConnection(options);

  function keyOf(shard: number, rest: string): string {
    if (!(shard >= 0 && shard < shards)) throw new RangeError(`no shard ${shard} of ${shards}`);
    return `${prefix}{s${String(shard).padStart(2, "0")}}:${rest}`;
  }

  async function load(shard: number, names: readonly string[]): Promise<(Buffer | null)[]> {
    if (names.length === 0) return [];
    const start = keyOf(shard, "p:");
    return await connection.run((redis) => redis.mgetBuffer(names.map((name) => start + name)));
  }

  return {
    async raiseEpochs(wanted) {
      const epochs = await connection.run((redis) =>
        Promise.all(wanted.map(async (shard) => await redis.hincrby(keyOf(shard, "head"), "epoch", 1))),
      );
      return new Map(wanted.map((shard, i) => [shard, Number(epochs[i])]));
    },
    async readHead(shard) {
      const [head, entries] = await connection.run(async (redis) => {
        const transaction = redis.multi();
        transaction.hmget(keyOf(shard, "head"), "offset", "step");
        transaction.xrangeBuffer(keyOf(shard, "outbox"), "-", "+");
        return takeResults(await transaction.exec()) as [(string | null)[], [Buffer, Buffer[]][]];
      });
      const position = { offset: Number(head?.[0] ?? 0), step: Number(head?.[1] ?? 0) };
      return { position, outbox: (entries ?? []).map(readEntry) };
    },
    load,
    async dueTimers(shard, queue, upToMs, max) {
      const key = keyOf(shard, queue);
      const found = await connection.run((redis) =>
        redis.zrangebyscore(key, "-inf", upToMs, "WITHSCORES", "LIMIT", 0, max),
      );
      return Array.from({ length: found.length / 2 }, (_, i): Timer => {
        return { queue, atMs: Number(found[2 * i + 1]), ref: found[2 * i] ?? "" };
      });
    },
    async commit(commit) {
      checkPublications(commit);
      const frame = writeCommit(commit, (rest) => keyOf(commit.shard, rest));
      const outcome = await connection.run((redis) => commitScript.run(redis, frame, keyOf(commit.shard, "head")));
      // Answered, so Redis has the whole frame; without an answer the socket may still hold it.
      frameWriter.release(frame);
      return outcome as CommitOutcome;
    },
    async *scan(shard, prefixOfNames) {
      const pattern = `${prefixOfNames.replace(/[\\*?[\]]/g, "\\$&")}*`;
      // SSCAN may give a member twice.
      const seen = new Set<string>();
      let cursor = "0";
      do {
        const [next, names] = await connection.run((redis) =>
          redis.sscan(keyOf(shard, "names"), cursor, "MATCH", pattern, "COUNT", SCAN_CHUNK_PARTS),
        );
        cursor = next;
        const fresh = names.filter((name) => !seen.has(name));
        const values = await load(shard, fresh);
        for (const [i, key] of fresh.entries()) {
          const value = values[i];
          if (value === null || value === undefined || seen.has(key)) continue;
          seen.add(key);
          yield { key, value };
        }
      } while (cursor !== "0");
    },
    countParts: (shard) => connection.run((redis) => redis.scard(keyOf(shard, "names"))),
    close: () => connection.close(),
  };
}

/** The frame of EVALSHA with KEYS and ARGV of commit.lua. */
function writeCommit(commit: ShardCommit, keyOf: (rest: string) => string): Buffer {
  const { from, to, published, parts, timersAdded, timersRemoved } = commit;
  const start = keyOf("p:");
  let toSet = 0;
  for (const value of parts.values()) if (value !== null) toSet += 1;
  const keys = FIXED_KEYS.length + parts.size;
  const { begin, put } = frameWriter;
  begin(3 + keys + FIXED_ARGUMENTS + toSet + timersRemoved.length + 2 * timersAdded.length);
  put("EVALSHA");
  put(commitScript.hash);
  put(String(keys));
  for (const rest of FIXED_KEYS) put(keyOf(rest));
  for (const [name, value] of parts) if (value !== null) put(start + name);
  for (const [name, value] of parts) if (value === null) put(start + name);

  for (const number of [commit.epoch, from.offset, from.step, to.offset, to.step]) put(String(number));
  put(`${published.offset}-${published.step + 1}`);
  put(commit.outbox.length === 0 ? "" : encodeEntry(commit.outbox));
  put(String(start.length));
  put(String(toSet));
  for (const timers of [timersRemoved, timersAdded]) for (const queue of QUEUES) put(String(count(timers, queue)));
  for (const value of parts.values()) if (value !== null) put(value);
  for (const queue of QUEUES) for (const timer of timersRemoved) if (timer.queue === queue) put(timer.ref);
  for (const queue of QUEUES) {
    for (const timer of timersAdded) {
      if (timer.queue !== queue) continue;
      put(String(timer.atMs));
      put(timer.ref);
    }
  }
  return frameWriter.finish();
}

function count(timers: readonly Timer[], queue: Timer["queue"]): number {
  return timers.reduce((sum, timer) => sum + (timer.queue === queue ? 1 : 0), 0);
}

function readEntry([id, [, records]]: [Buffer, Buffer[]]): OutboxEntry {
  const [offset, step] = id.toString().split("-").map(Number);
  return { to: { offset: offset ?? 0, step: step ?? 0 }, records: decodeEntry(records ?? Buffer.alloc(0)) };
}

/** Outbox entries are told apart by `to`, so a step with publications has to move. */
function checkPublications(commit: ShardCommit): void {
  const order = comparePositions(commit.to, commit.from);
  if (order < 0 || (order === 0 && commit.outbox.length > 0)) throw new RangeError("a commit must move forwards");
}

function comparePositions(a: Position, b: Position): number {
  return a.offset - b.offset || a.step - b.step;
}
