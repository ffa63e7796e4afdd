// What Redis must be set to, to keep what it has acknowledged: nothing may be evicted, and a restart must find what was
// written. Asked once of each master, before anything is served or written.

import { Redis } from "ioredis";
import { openConnection, type ConnectionOptions } from "./connection.ts";
import { listMasters } from "./link.ts";

/** SET with NX and GET (index.ts). */
const VERSION_MIN = 7;

/** By branch the release that mended the holes of 2025 in Redis' Lua (CVE-2025-49844, -46817, -46818, -46819). */
const LUA_MENDED: Readonly<Record<string, number>> = { "6.2": 20, "7.2": 11, "7.4": 6, "8.0": 4, "8.2": 2 };
const LAST_WITH_HOLES = 8.2;

/** null: it has none that is known here. Distributions mend older releases under the old number, so this only warns. */
export function findLuaHole(version: string): string | null {
  const [, branch = "", patch = "0"] = /^(\d+\.\d+)\.(\d+)/.exec(version) ?? [];
  if (branch === "" || Number(branch) > LAST_WITH_HOLES) return null;
  const mended = LUA_MENDED[branch];
  if (mended !== undefined && Number(patch) >= mended) return null;
  const better = mended === undefined ? "run 7.2.11 or later" : `run ${branch}.${mended} or later`;
  return `${version} lets whoever may run scripts run more than that (CVE-2025-49844): ${better}, or see that yours is mended`;
}

/** One line for each server whose release is known to have such a hole. */
export async function findLuaHoles(options: ConnectionOptions): Promise<string[]> {
  const connection = openConnection(options);
  try {
    return await connection.run(async (redis) => {
      const found = await Promise.all(listMasters(redis).map((server) => server.info("server").catch(() => "")));
      return found
        .map((information) => findLuaHole(/^redis_version:(\S+)/m.exec(information)?.[1] ?? ""))
        .filter((line) => line !== null);
    });
  } finally {
    await connection.close();
  }
}

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
