// The identity index on Redis: <prefix>i:{t07}:<key>, spread over 64 hash tags so that no shard of a cluster has it all.
// On one Redis the tags make no difference and one MGET reads across them.

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
      return await connection.run((redis) => redis.mget(keys.map(keyOf)));
    },
    async putIfAbsent(entries) {
      if (entries.length === 0) return [];
      const earlier = await connection.run(async (redis) => {
        const pipeline = redis.pipeline();
        // NX together with GET: Redis 7.0 and later. A null says that ours was set.
        for (const { key, value } of entries) pipeline.call("SET", keyOf(key), value, "NX", "GET");
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
