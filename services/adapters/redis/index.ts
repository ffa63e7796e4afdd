// The identity index on Redis: <prefix>i:{t07}:<key>, spread over 64 hash tags so that no shard of a cluster has it all.
// On one Redis the tags make no difference and one MGET reads across them. On a cluster each key is asked for alone, all of
// them at once: commands on one key go on, and are led to the right node, while their slot moves from one to another.

import { Cluster } from "ioredis";
import type { Index } from "#ports/index.ts";
import type { ConnectionOptions } from "./connection.ts";
import { openConnection, takeResults } from "./connection.ts";

export interface RedisIndexOptions extends ConnectionOptions {
  /** Before every key, e.g. "weft:"; no braces, which would take the place of the hash tag. */
  readonly prefix: string;
}

const TAGS = 64;

export function openRedisIndex(options: RedisIndexOptions): Index {
  const { prefix } = options;
  if (/[{}]/.test(prefix)) throw new RangeError(`prefix ${prefix} has a brace`);
  const connection = openConnection(options);

  function keyOf(key: string): string {
    return `${prefix}i:{t${String(hashTag(key) % TAGS).padStart(2, "0")}}:${key}`;
  }

  return {
    async get(keys) {
      if (keys.length === 0) return [];
      return await connection.run((redis) =>
        redis instanceof Cluster ? Promise.all(keys.map((key) => redis.get(keyOf(key)))) : redis.mget(keys.map(keyOf)),
      );
    },
    async putIfAbsent(entries) {
      if (entries.length === 0) return [];
      // NX together with GET: Redis 7.0 and later. A null says that ours was set.
      const commands = entries.map(({ key, value }) => ["SET", keyOf(key), value, "NX", "GET"] as const);
      const earlier = await connection.run(async (redis) => {
        if (redis instanceof Cluster) return await Promise.all(commands.map((command) => redis.call(...command)));
        const pipeline = redis.pipeline();
        for (const command of commands) pipeline.call(...command);
        return takeResults(await pipeline.exec());
      });
      return entries.map(({ value }, i) => {
        const present = earlier[i];
        return typeof present === "string" ? present : value;
      });
    },
    close: () => connection.close(),
  };
}

/** FNV-1a, 32 bits, over ASCII. A key must have the same tag for ever. */
function hashTag(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
