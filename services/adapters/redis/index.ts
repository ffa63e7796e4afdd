// The identity index on Redis: <prefix>i:{t07}:<key>, spread over 64 hash tags so that no shard of a cluster has it all, and
// <prefix>m:{t07}, the mark of each tag (one Redis has that of the first for all): "<keeper> <text>". The keeper is the run
// of the server and its line of replication: a server that was started anew, or has taken over from another, is another.
// On one Redis the tags make no difference: one MGET reads and one script puts across them. On a cluster each key is asked
// for alone, all of them at once: commands on one key go on, and are led to the right node, while their slot moves from one to another.

import { Cluster } from "ioredis";
import { hashText } from "#core/text-hash.ts";
import type { Index, IndexMark } from "#ports/index.ts";
import type { ConnectionOptions } from "./connection.ts";
import { openConnection } from "./connection.ts";
import { listMasters, nameKeeper, type RedisClient } from "./link.ts";
import { KEEPER, openScript, type Script } from "./script.ts";

export interface RedisIndexOptions extends ConnectionOptions {
  /** Before every key, e.g. "weft:"; no braces, which would take the place of the hash tag. */
  readonly prefix: string;
}

type Entries = Parameters<Index["putIfAbsent"]>[0];

const TAGS = 64;
/**
 * KEYS the mark; ARGV the text that must stand ("" for none), the keeper that this server must be, the new text. Returns
 * nothing. Asked here, as a server that has taken over meanwhile may stand behind what the mark is to say.
 */
const MOVE_MARK = openScript(`${KEEPER}
local mark, keeper = redis.call('GET', KEYS[1]), nameKeeper()
if keeper ~= ARGV[2] or (mark and string.match(mark, '^%S+ (.*)$') or '') ~= ARGV[1] then return end
redis.call('SET', KEYS[1], keeper .. ' ' .. ARGV[3])
`);

/**
 * KEYS, of each its value among ARGV: set where there is none. Returns what was there before. NX together with GET: Redis 7.0
 * and later. One script, because a command of ioredis costs the client ten times what its key costs here.
 */
const PUT = openScript(`
local earlier = {}
for i, key in ipairs(KEYS) do earlier[i] = redis.call('SET', key, ARGV[i], 'NX', 'GET') end
return earlier
`);
/** KEYS; ARGV a value that stays where it stands, and of each key its value. Returns nothing. */
const RESTORE_UNLESS = openScript(`
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) ~= ARGV[1] then redis.call('SET', key, ARGV[i + 1]) end
end
`);
/** Bounds how long a script holds Redis. */
const PUT_AT_ONCE = 1_000;

export function openRedisIndex(options: RedisIndexOptions): Index {
  const { prefix } = options;
  if (/[{}]/.test(prefix)) throw new RangeError(`prefix ${prefix} has a brace`);
  const connection = openConnection(options);

  function keyOf(key: string): string {
    return `${prefix}i:{${nameTag(hashText(key) % TAGS)}}:${key}`;
  }

  // One Redis forgets for all tags alike.
  const isCluster = (options.clusterNodes ?? []).length > 0;
  const markKeys = Array.from({ length: isCluster ? TAGS : 1 }, (_, tag) => `${prefix}m:{${nameTag(tag)}}`);

  async function read(keys: readonly string[]): Promise<(string | null)[]> {
    if (keys.length === 0) return [];
    return await connection.run((redis) => getAll(redis, keys));
  }

  /** Null where ours was set. */
  async function put(entries: Entries): Promise<(string | null)[]> {
    return await connection.run(async (redis) => {
      if (redis instanceof Cluster)
        return await Promise.all(entries.map(({ key, value }) => redis.set(keyOf(key), value, "NX", "GET")));
      return (await callInPortions(redis, PUT, entries)).flat() as (string | null)[];
    });
  }

  async function restoreUnless(entries: Entries, final: string): Promise<void> {
    await connection.run(async (redis) => {
      if (redis instanceof Cluster)
        await Promise.all(entries.map(({ key, value }) => RESTORE_UNLESS.call(redis, [keyOf(key)], [final, value])));
      else await callInPortions(redis, RESTORE_UNLESS, entries, [final]);
    });
  }

  /** One portion after the other; first: ARGV before the values. */
  async function callInPortions(
    redis: RedisClient,
    script: Script,
    entries: Entries,
    first: readonly string[] = [],
  ): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (let at = 0; at < entries.length; at += PUT_AT_ONCE) {
      const some = entries.slice(at, at + PUT_AT_ONCE);
      const [keys, values] = [some.map(({ key }) => keyOf(key)), some.map(({ value }) => value)];
      answers.push(await script.call(redis, keys, [...first, ...values]));
    }
    return answers;
  }

  return {
    get: (keys) => read(keys.map(keyOf)),
    async putIfAbsent(entries) {
      const earlier = await put(entries);
      return entries.map(({ value }, i) => earlier[i] ?? value);
    },
    async restore(entries, final) {
      if (final !== undefined) return await restoreUnless(entries, final);
      if (entries.length === 0) return;
      await connection.run(async (redis) => {
        if (redis instanceof Cluster) await Promise.all(entries.map(({ key, value }) => redis.set(keyOf(key), value)));
        else await redis.mset(entries.flatMap(({ key, value }) => [keyOf(key), value]));
      });
    },
    async readMarks() {
      return await connection.run(async (redis) => {
        // Who keeps it before what is kept: a fail-over between the two is then seen at the next reading.
        const keepers = await findKeepers(redis, markKeys);
        const marks = await getAll(redis, markKeys);
        return marks.map((mark, tag): IndexMark => {
          const [written = null, text = null] = mark?.split(" ") ?? [];
          const keeper = keepers[tag] ?? "";
          return { text, keeper, doubtful: written !== null && written !== keeper };
        });
      });
    },
    async moveMarks(from, to) {
      await connection.run((redis) =>
        Promise.all(
          markKeys.map((key, tag) => {
            const { text = null, keeper = "" } = from[tag] ?? {};
            return MOVE_MARK.call(redis, [key], [text ?? "", keeper, to]);
          }),
        ),
      );
    },
    close: () => connection.close(),
  };
}

function getAll(redis: RedisClient, keys: readonly string[]): Promise<(string | null)[]> {
  return redis instanceof Cluster ? Promise.all(keys.map((key) => redis.get(key))) : redis.mget([...keys]);
}

/** Per key, the run of its server and its line of replication. */
async function findKeepers(redis: RedisClient, keys: readonly string[]): Promise<string[]> {
  const keepers = new Map<string, string>();
  const masters = listMasters(redis);
  await Promise.all(
    masters.map(async (master) => {
      const information = await master.info("server", "replication");
      const { host, port } = master.options;
      keepers.set(`${host}:${port}`, nameKeeper(information));
    }),
  );
  if (!(redis instanceof Cluster)) return keys.map(() => [...keepers.values()][0] ?? "");
  const slots = await Promise.all(keys.map((key) => redis.cluster("KEYSLOT", key)));
  return slots.map((slot) => keepers.get(redis.slots[slot]?.[0] ?? "") ?? "");
}

function nameTag(tag: number): string {
  return `t${String(tag).padStart(2, "0")}`;
}
