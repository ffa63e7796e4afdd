// Runs a Lua script by its hash, so that its text crosses the wire once per start of Redis.

import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { FramedCommand } from "./frame.ts";

export interface Script {
  readonly hash: string;
  /** `frame` is a whole EVALSHA of the hash. */
  run(redis: Redis, frame: Buffer): Promise<unknown>;
}

export function openScript(text: string): Script {
  const hash = createHash("sha1").update(text).digest("hex");
  return {
    hash,
    async run(redis, frame) {
      try {
        return await redis.sendCommand(new FramedCommand("evalsha", frame));
      } catch (error) {
        // Redis was started anew or its scripts were flushed: nothing was executed, so sending it again is safe.
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        await redis.script("LOAD", text);
        return await redis.sendCommand(new FramedCommand("evalsha", frame));
      }
    },
  };
}
