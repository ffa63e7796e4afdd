// What Redis must be set to, to keep what it has acknowledged: nothing may be evicted, and a restart must find what was
// written. Asked once, before anything is served or written.

import { openConnection, type ConnectionOptions } from "./connection.ts";

/** One line for each setting that is unsafe or cannot be read: what it is, and what it must be. */
export async function findUnsafeSettings(options: ConnectionOptions): Promise<string[]> {
  const connection = openConnection(options);
  try {
    const settings = await connection.run(async (redis) => {
      const answers = await Promise.all(
        ["maxmemory-policy", "appendonly"].map((name) => redis.call("CONFIG", "GET", name)),
      );
      return new Map(answers.map((answer) => answer as [string, string]));
    });
    const unsafe: string[] = [];
    const policy = settings.get("maxmemory-policy");
    if (policy !== "noeviction")
      unsafe.push(`maxmemory-policy is ${policy}, so parts of profiles may vanish: set it to noeviction`);
    if (settings.get("appendonly") !== "yes")
      unsafe.push("appendonly is off, so a restart loses what was acknowledged: set it to yes");
    return unsafe;
  } catch (error) {
    // A managed Redis may not let its settings be read.
    if (!(error instanceof Error) || error.name !== "ReplyError") throw error;
    return ["its settings cannot be read (CONFIG is refused): see to maxmemory-policy noeviction and appendonly yes"];
  } finally {
    await connection.close();
  }
}
