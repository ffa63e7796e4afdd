// Runs a Lua script by its hash, so that its text crosses the wire once per start of Redis, and of each master of a cluster.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createCommandWriter, FramedCommand } from "./frame.ts";
import { listMasters, type RedisClient } from "./link.ts";

export interface Script {
  readonly hash: string;
  /** `frame` is a whole EVALSHA of the hash, `key` one of its keys. */
  run(redis: RedisClient, frame: Buffer, key: string): Promise<unknown>;
  /** With these KEYS and ARGV. */
  call(redis: RedisClient, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown>;
}

/** The function nameKeeper, for the scripts that ask it. */
export const KEEPER = readLua("keeper");

const frameWriter = createCommandWriter();

export function openScript(text: string): Script {
  const hash = createHash("sha1").update(text).digest("hex");
  const script: Script = {
    hash,
    async run(redis, frame, key) {
      try {
        return await redis.sendCommand(new FramedCommand("evalsha", frame, key));
      } catch (error) {
        // Redis was started anew or its scripts were flushed: nothing was executed, so sending it again is safe. After the last
        // of several redirections the reply stands behind ioredis' own words.
        if (!(error instanceof Error && /\bNOSCRIPT\b/.test(error.message))) throw error;
        await Promise.all(listMasters(redis).map((master) => master.script("LOAD", text)));
        return await redis.sendCommand(new FramedCommand("evalsha", frame, key));
      }
    },
    async call(redis, keys, values) {
      const { begin, put, finish, release } = frameWriter;
      begin(3 + keys.length + values.length);
      put("EVALSHA");
      put(hash);
      put(String(keys.length));
      for (const key of keys) put(key);
      for (const value of values) put(String(value));
      const frame = finish();
      const answer = await script.run(redis, frame, keys[0] ?? "");
      // Answered, so Redis has the whole frame; without an answer the socket may still hold it.
      release(frame);
      return answer;
    },
  };
  return script;
}

export function readLua(name: string): string {
  return readFileSync(new URL(`${name}.lua`, import.meta.url), "utf8");
}
