// Redis, natively: append-only file, nothing evicted, this machine only.

import type { Launch, ServicePlan, Surroundings } from "./service.ts";
import { exchangeBytes, firstPort } from "./service.ts";

/** The same settings in compose.yaml. */
export const REDIS_SETTINGS: readonly (readonly [string, string])[] = [
  ["save", ""],
  ["appendonly", "yes"],
  ["appendfsync", "everysec"],
  ["maxmemory-policy", "noeviction"],
];

function launchRedis(surroundings: Surroundings): Launch {
  const settings = [
    ["port", String(firstPort(surroundings.ports))],
    ["bind", "127.0.0.1"],
    ["dir", surroundings.dataDirectory],
    ["daemonize", "no"],
    ...REDIS_SETTINGS,
  ];
  return {
    command: surroundings.programs.redis,
    arguments: settings.flatMap(([name, value]) => [`--${name}`, value ?? ""]),
  };
}

async function probeRedis(ports: readonly number[]): Promise<void> {
  const answer = await exchangeBytes(firstPort(ports), Buffer.from("PING\r\n"), (bytes) => bytes.includes("\r\n"));
  // While it reads its append-only file it answers -LOADING.
  if (!answer.toString("latin1").startsWith("+PONG")) throw new Error(answer.toString("latin1").trim());
}

export const REDIS_PLAN: ServicePlan = {
  name: "redis",
  portCount: 1,
  graceMs: 10_000,
  prepare: async () => {},
  launch: launchRedis,
  probe: probeRedis,
};
