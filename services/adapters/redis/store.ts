// The store on Redis. The keys of a shard share a hash tag, so a step is one script on one node:
//   <prefix>{s07}:head    hash    epoch, offset, step, until, the run of the server that was told of it, and how many entries,
//                                 timers and parts there are: what is lost is noticed by the next step
//   <prefix>{s07}:outbox  stream  entries not yet published, id "<offset>-<step>"
//   <prefix>{s07}:time, :completeness   sorted sets   ref by atMs
//   <prefix>{s07}:names   set     names of the parts: counts them exactly, lists them without looking at other shards
//                                 (about 75 bytes and 0.3 µs a part: see commit.lua)
//   <prefix>{s07}:p:<name>        the parts, plain strings, read with one MGET

import type { Position } from "#ports/log.ts";
import {
  type CommitOutcome,
  type OutboxEntry,
  type ShardCommit,
  type ShardStanding,
  type Store,
  StoreDamaged,
  type Survey,
  type Timer,
} from "#ports/store.ts";
import type { ConnectionOptions } from "./connection.ts";
import { openConnection, takeResults } from "./connection.ts";
import { listMasters, nameKeeper } from "./link.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { createCommandWriter } from "./frame.ts";
import { KEEPER, openScript, readLua, type Script } from "./script.ts";

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
/** Of the head, what a reader beside the owner has to know. */
const STANDING = ["epoch", "offset", "step", "until", "run"] as const;
/** Fields of the head: how much there is of the keys of these names. */
const COUNTED = ["outbox", "time", "completeness", "names"] as const;
const QUEUES: readonly Timer["queue"][] = ["time", "completeness"];
/** KEYS of commit.lua before the parts, and ARGV before what there may be any number of. */
const FIXED_KEYS = ["head", "outbox", "time", "completeness", "names"];
const FIXED_ARGUMENTS = 14;
const CLEARED_AT_ONCE = 1_000;
const frameWriter = createCommandWriter();
const commitScript = readScript("commit", KEEPER);
const raiseScript = readScript("raise", KEEPER);
const awaitScript = readScript("await", KEEPER);
const clearScript = readScript("clear", KEEPER);
const scrubScript = readScript("scrub");
const lostScript = readScript("lost");

/** before: what the script stands on, behind the line that says its language. */
function readScript(name: string, before = ""): Script {
  return openScript(readLua(name).replace("#!lua\n", `#!lua\n${before}`));
}

export function openRedisStore(options: RedisStoreOptions): RedisStore {
  const { prefix, shards } = options;
  if (/[{}]/.test(prefix)) throw new RangeError(`prefix ${prefix} has a brace`);
  const connection = openConnection(options);

  function keyOf(shard: number, rest: string): string {
    if (!(shard >= 0 && shard < shards)) throw new RangeError(`no shard ${shard} of ${shards}`);
    return `${prefix}{s${String(shard).padStart(2, "0")}}:${rest}`;
  }

  function runScript(script: Script, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return connection.run((redis) => script.call(redis, keys, values));
  }

  /** Keys that begin so, at every master: SCAN looks at all keys of a server. */
  async function* scanKeys(start: string): AsyncIterable<string[]> {
    const match = `${start.replace(/[\\*?[\]]/g, "\\$&")}*`;
    const masters = await connection.run(async (redis) => listMasters(redis));
    for (const master of masters) {
      let cursor = "0";
      do {
        const [next, keys] = await connection.run(() => master.scan(cursor, "MATCH", match, "COUNT", SCAN_CHUNK_PARTS));
        cursor = next;
        if (keys.length > 0) yield keys;
      } while (cursor !== "0");
    }
  }

  async function load(shard: number, names: readonly string[]): Promise<(Buffer | null)[]> {
    if (names.length === 0) return [];
    const start = keyOf(shard, "p:");
    return await connection.run((redis) => redis.mgetBuffer(names.map((name) => start + name)));
  }

  async function survey(shard: number, names: readonly string[]): Promise<Survey> {
    const start = keyOf(shard, "p:");
    const [head, about, values = []] = await connection.run(async (redis) => {
      const transaction = redis.multi();
      transaction.hmget(keyOf(shard, "head"), ...STANDING);
      // Of the very server that answers (5 µs of it): a proxy may keep a connection over a restart, a cluster leads calls elsewhere.
      transaction.info("server", "replication");
      if (names.length > 0) transaction.mgetBuffer(names.map((name) => start + name));
      return takeResults(await transaction.exec()) as [(string | null)[], string, (Buffer | null)[]?];
    });
    return { standing: readStanding(head, about), values };
  }

  async function hasLost(shard: number, names: readonly string[]): Promise<boolean> {
    if (names.length === 0) return false;
    const listed = await connection.run((redis) => redis.smismember(keyOf(shard, "names"), ...names));
    return listed.includes(1);
  }

  return {
    async raiseEpochs(wanted) {
      const epochs = await Promise.all(wanted.map((shard) => runScript(raiseScript, [keyOf(shard, "head")], [])));
      return new Map(wanted.map((shard, i) => [shard, Number(epochs[i])]));
    },
    async readHead(shard) {
      const [head, entries, ...counts] = await connection.run(async (redis) => {
        const transaction = redis.multi();
        transaction.hmget(keyOf(shard, "head"), "offset", "step", "emptied", ...COUNTED);
        transaction.xrangeBuffer(keyOf(shard, "outbox"), "-", "+");
        transaction.xlen(keyOf(shard, "outbox"));
        transaction.zcard(keyOf(shard, "time"));
        transaction.zcard(keyOf(shard, "completeness"));
        transaction.scard(keyOf(shard, "names"));
        return takeResults(await transaction.exec()) as [(string | null)[], [Buffer, Buffer[]][], ...number[]];
      });
      const [offset, step, emptied, ...counted] = head;
      const outbox = readOutbox(entries);
      const damage = emptied ? "it was being emptied" : describeDamage(counted, counts);
      return {
        position: { offset: Number(offset ?? 0), step: Number(step ?? 0) },
        outbox: outbox ?? [],
        damage: damage ?? (outbox === null ? "an entry of its outbox cannot be read" : null),
      };
    },
    async scrub(shard, cursor) {
      const [names, start] = [keyOf(shard, "names"), keyOf(shard, "p:")];
      const values = [cursor, start, SCAN_CHUNK_PARTS];
      const [next, missed] = (await runScript(scrubScript, [names], values)) as [string, string | null];
      if (missed === null) return { next, lost: null };
      const isLost = (await runScript(lostScript, [names, start + missed], [missed])) === 1;
      // What comes behind it has not been looked at.
      return { next: cursor, lost: isLost ? missed : null };
    },
    hasLost,
    standing: async (shard) => (await survey(shard, [])).standing,
    survey,
    async awaitPosition(shard, epoch, until) {
      return (await runScript(awaitScript, [keyOf(shard, "head")], [epoch, until])) as "told" | "fenced";
    },
    async clear(shard, epoch) {
      const fixed = FIXED_KEYS.map((rest) => keyOf(shard, rest));
      const turn = (keys: readonly string[], what: string) =>
        runScript(clearScript, [...fixed, ...keys], [epoch, what]);
      if ((await turn([], "begin")) === "fenced") return "fenced";
      // Looked for among all keys, as the list of their names may be what was lost.
      for await (const keys of scanKeys(keyOf(shard, "p:")))
        for (let at = 0; at < keys.length; at += CLEARED_AT_ONCE)
          if ((await turn(keys.slice(at, at + CLEARED_AT_ONCE), "parts")) === "fenced") return "fenced";
      return (await turn([], "end")) as "cleared" | "fenced";
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
          const value = values[i] ?? null;
          if (seen.has(key)) continue;
          if (value === null) {
            // Deleted in between, or lost.
            if (await hasLost(shard, [key]))
              throw new StoreDamaged(`shard ${shard}: a part that is listed is not there`);
            continue;
          }
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
  const { from, to, published, parts, absent, timersAdded } = commit;
  const timersRemoved = leaveOut(commit.timersRemoved, timersAdded);
  const start = keyOf("p:");
  let toSet = 0;
  for (const value of parts.values()) if (value !== null) toSet += 1;
  const keys = FIXED_KEYS.length + parts.size;
  const { begin, put } = frameWriter;
  begin(3 + keys + FIXED_ARGUMENTS + absent.size + toSet + timersRemoved.length + 2 * timersAdded.length);
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
  put(String(absent.size));
  for (const name of absent) put(name);
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

function readStanding(
  [epoch, offset, step, until, run]: readonly (string | null)[],
  about: string,
): ShardStanding | null {
  // Told at each take-over, so it is there unless the head is not; and a server that was started since, perhaps from a backup,
  // was not told.
  if (until === null || until === undefined || run !== nameKeeper(about)) return null;
  const position = { offset: Number(offset ?? 0), step: Number(step ?? 0) };
  return { epoch: Number(epoch), position, until: Number(until) };
}

function describeDamage(counted: readonly (string | null)[], counts: readonly number[]): string | null {
  const wrong = COUNTED.flatMap((name, i) => {
    const [told, found] = [Number(counted[i] ?? 0), counts[i] ?? 0];
    return told === found ? [] : [`${name}: ${found} of ${told}`];
  });
  return wrong.length === 0 ? null : wrong.join(", ");
}

/** The script adds before it removes. */
function leaveOut(removed: readonly Timer[], added: readonly Timer[]): readonly Timer[] {
  if (removed.length === 0 || added.length === 0) return removed;
  const nameOf = ({ queue, ref }: Timer) => `${queue} ${ref}`;
  const names = new Set(added.map(nameOf));
  return removed.filter((one) => !names.has(nameOf(one)));
}

function count(timers: readonly Timer[], queue: Timer["queue"]): number {
  return timers.reduce((sum, timer) => sum + (timer.queue === queue ? 1 : 0), 0);
}

/** Null: these are not the bytes that were committed. */
function readOutbox(entries: readonly [Buffer, Buffer[]][]): OutboxEntry[] | null {
  try {
    return entries.map(readEntry);
  } catch {
    return null;
  }
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
