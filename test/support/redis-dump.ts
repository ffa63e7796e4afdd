// What a scan of Redis looks at.

import type { Redis } from "ioredis";

/** Every key and value of the store, as text. */
export async function dumpRedis(redis: Redis): Promise<string> {
  const parts: string[] = [];
  const add = (...texts: readonly (Buffer | string | number)[]) =>
    parts.push(...texts.map((text) => (Buffer.isBuffer(text) ? text.toString("latin1") : String(text))));
  for (const key of await redis.keys("*")) {
    add(key);
    const kind = await redis.type(key);
    if (kind === "string") add((await redis.getBuffer(key)) ?? "");
    else if (kind === "hash")
      for (const [field, value] of Object.entries(await redis.hgetallBuffer(key))) add(field, value);
    else if (kind === "list") add(...(await redis.lrangeBuffer(key, 0, -1)));
    else if (kind === "zset") add(...(await redis.zrange(key, "0", "-1")));
    else if (kind === "set") add(...(await redis.smembersBuffer(key)));
    else if (kind === "stream") add(JSON.stringify(await redis.xrange(key, "-", "+")));
    else throw new Error(`a ${kind} in the store`);
  }
  return parts.join("\n");
}
