// Runs a Lua script by its hash, so that its text crosses the wire once per start of Redis.

import { createHash } from "node:crypto";
import type { Redis } from "ioredis";

export interface Script {
  run(redis: Redis, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
}

export function openScript(text: string): Script {
  const hash = createHash("sha1").update(text).digest("hex");
  return {
    async run(redis, keys, args) {
      const call = [hash, keys.length, ...keys, ...args];
      try {
        return await redis.call("EVALSHA", call);
      } catch (error) {
        // Redis was started anew or its scripts were flushed: nothing was executed, so sending it again is safe.
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        await redis.script("LOAD", text);
        return await redis.call("EVALSHA", call);
      }
    },
  };
}
