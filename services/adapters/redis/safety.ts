// What Redis must be set to, to keep what it has acknowledged: nothing may be evicted, and a restart must find what was
// written. Asked once of each master, before anything is served or written.

import { Redis } from "ioredis";
import { openConnection, type ConnectionOptions } from "./connection.ts";
import { listMasters } from "./link.ts";

/** SET with NX and GET (index.ts). */
const VERSION_MIN = 7;

/** One line for each setting that is unsafe or cannot be read: what it is, and what it must be. */
export async function findUnsafeSettings(options: ConnectionOptions): Promise<string[]> {
  const connection = openConnection(options);
  try {
    return await connection.run(async (redis) => {
      if (redis instanceof Redis) return await inspectServer(redis, false);
      const masters = listMasters(redis);
      const unsafe = await Promise.all(masters.map((master) => inspectServer(master, true)));
      return masters.flatMap(({ options: { host, port } }, i) =>
        (unsafe[i] ?? []).map((line) => `on its master ${host}:${port} ${line}`),
      );
    });
  } finally {
    await connection.close();
  }
}

async function inspectServer(redis: Redis, inCluster: boolean): Promise<string[]> {
  const unsafe: string[] = [];
  const information = await redis.info("server").catch(() => ""); // a managed Redis may refuse it
  const [found, major] = /^redis_version:(\d+)\S*/m.exec(information) ?? [];
  if (Number(major ?? VERSION_MIN) < VERSION_MIN) unsafe.push(`${found} is too old: run ${VERSION_MIN}.0 or later`);
  // It would refuse every key of the other nodes.
  if (!inCluster && /^redis_mode:cluster\b/m.test(information))
    unsafe.push("it is a node of a cluster: name other nodes in redis.clusterNodes");
  try {
    const answers = await Promise.all(
      ["maxmemory-policy", "appendonly"].map((name) => redis.call("CONFIG", "GET", name)),
    );
    const settings = new Map(answers.map((answer) => answer as [string, string]));
    const policy = settings.get("maxmemory-policy");
    if (policy !== "noeviction")
      unsafe.push(`maxmemory-policy is ${policy}, so parts of profiles may vanish: set it to noeviction`);
    if (settings.get("appendonly") !== "yes")
      unsafe.push("appendonly is off, so a restart loses what was acknowledged: set it to yes");
  } catch (error) {
    // A managed Redis may not let its settings be read.
    if (!(error instanceof Error) || !/^(ERR|NOPERM)\b/.test(error.message)) throw error;
    unsafe.push(
      "its settings cannot be read (CONFIG is refused): see to maxmemory-policy noeviction and appendonly yes",
    );
  }
  return unsafe;
}
