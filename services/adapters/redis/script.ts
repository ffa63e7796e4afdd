// Runs a Lua script by its hash, so that its text crosses the wire once per start of Redis, and of each master of a cluster.

import { createHash } from "node:crypto";
import { FramedCommand } from "./frame.ts";
import { listMasters, type RedisClient } from "./link.ts";

export interface Script {
  readonly hash: string;
  /** `frame` is a whole EVALSHA of the hash, `key` one of its keys. */
  run(redis: RedisClient, frame: Buffer, key: string): Promise<unknown>;
}

export function openScript(text: string): Script {
  const hash = createHash("sha1").update(text).digest("hex");
  return {
    hash,
    async run(redis, frame, key) {
      try {
        return await redis.sendCommand(new FramedCommand("evalsha", frame, key));
      } catch (error) {
        // Redis was started anew or its scripts were flushed: nothing was executed, so sending it again is safe.
        if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        await Promise.all(listMasters(redis).map((master) => master.script("LOAD", text)));
        return await redis.sendCommand(new FramedCommand("evalsha", frame, key));
      }
    },
  };
}
