// A real Redis Cluster: masters and replicas as processes of this one on free ports, data in a temporary folder. One can be
// killed, and a slot can be moved from one master to another, step by step.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { requireRedis } from "../../infra/install.ts";
import { findFreePorts } from "../../infra/process.ts";
import { REDIS_SETTINGS } from "../../infra/redis.ts";
import { makeFolder } from "./folder.ts";
import { until } from "./until.ts";

const SLOTS = 16_384;
/** Of every node; it has to be written otherwise in a URL. */
const PASSWORD = "p@ss:word";
/** Without an answer for so long a master counts as failed; a busy machine must not look like one. */
const NODE_TIMEOUT_MS = 3_000;

export interface ClusterNode {
  readonly address: string;
  readonly url: string;
  readonly id: string;
  readonly redis: Redis;
  kill(): Promise<void>;
}

export interface RedisCluster {
  readonly masters: readonly ClusterNode[];
  /** Of the first master. */
  readonly replica: ClusterNode;
  /** Of every master, without the prefix. */
  listKeys(prefix: string): Promise<string[][]>;
  /** Which master serves the key, and a way to move its slot to the next one. */
  findSlot(key: string): Promise<MovableSlot>;
  stop(): Promise<void>;
}

export interface MovableSlot {
  readonly owner: number;
  /** From now on the slot is on its way: keys that the owner does not have are the next master's. */
  begin(): Promise<void>;
  /** Moves some of the keys that the owner still has. */
  moveKeys(max: number): Promise<void>;
  /** Moves the rest; from now on the next master is the owner. */
  end(): Promise<void>;
}

/** Throws ServicesUnavailable where there is no redis-server. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const program = await requireRedis((line) => console.error(line));
  const folder = makeFolder("redis-cluster");
  const count = 4;
  const ports = await findFreePorts(2 * count);
  const nodes = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      startNode(program, join(folder, `${i}`), ports[2 * i] ?? 0, ports[2 * i + 1] ?? 0),
    ),
  );
  const masters = nodes.slice(0, -1);
  const replica = nodes.at(-1) as (typeof nodes)[number];
  const share = Math.ceil(SLOTS / masters.length);
  for (const [i, { redis }] of masters.entries())
    await redis.call("CLUSTER", "ADDSLOTSRANGE", i * share, Math.min((i + 1) * share, SLOTS) - 1);
  for (const [i, { redis }] of nodes.entries()) {
    await redis.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
    await redis.call("CLUSTER", "MEET", "127.0.0.1", ports[0] ?? 0, ports[1] ?? 0);
  }
  const [first] = masters;
  const knowAll = async () =>
    (await Promise.all(nodes.map(({ redis }) => redis.cluster("INFO")))).every(
      (info) => info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${count}`),
    );
  await until("the nodes know each other", knowAll);
  await replica.redis.call("CLUSTER", "REPLICATE", first?.id ?? "");
  await until("the replica follows", async () =>
    (await replica.redis.info("replication")).includes("master_link_status:up"),
  );
  await until("a replica is known to all", async () => {
    const tables = await Promise.all(masters.map(({ redis }) => redis.call("CLUSTER", "NODES")));
    return tables.every((table) => String(table).includes("slave"));
  });

  return {
    masters,
    replica,
    listKeys: async (prefix) =>
      await Promise.all(
        masters.map(async ({ redis }) => (await redis.keys(`${prefix}*`)).map((key) => key.slice(prefix.length))),
      ),
    findSlot: (key) => findSlot(masters, key),
    async stop() {
      for (const { redis } of nodes) redis.disconnect();
      await Promise.all(nodes.map((node) => node.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startNode(program: string, dir: string, port: number, busPort: number): Promise<ClusterNode> {
  mkdirSync(dir);
  const settings = [
    ...Object.entries({ port, "cluster-port": busPort, bind: "127.0.0.1", dir, "cluster-enabled": "yes" }),
    ["cluster-node-timeout", NODE_TIMEOUT_MS],
    ["requirepass", PASSWORD],
    ["masterauth", PASSWORD],
    ["cluster-replica-validity-factor", 0],
    ...REDIS_SETTINGS,
  ].flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(program, settings, { stdio: "ignore" });
  const redis = new Redis({
    host: "127.0.0.1",
    port,
    password: PASSWORD,
    protocol: 2,
    retryStrategy: () => 50,
    lazyConnect: true,
  });
  redis.on("error", () => {}); // it is tried again
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  process.once("exit", () => child.kill("SIGKILL"));
  await until(`Redis answers on ${port}`, async () => (await redis.ping()) === "PONG");
  const address = `127.0.0.1:${port}`;
  const url = `redis://:${encodeURIComponent(PASSWORD)}@${address}`;
  return { address, url, id: String(await redis.call("CLUSTER", "MYID")), redis, kill };
}

async function findSlot(masters: readonly ClusterNode[], key: string): Promise<MovableSlot> {
  const slot = Number(await masters[0]?.redis.cluster("KEYSLOT", key));
  const ranges = (await masters[0]?.redis.cluster("SLOTS")) ?? [];
  const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]?.[1];
  const owner = masters.findIndex(({ address }) => address === `127.0.0.1:${port}`);
  const source = masters[owner];
  const target = masters[(owner + 1) % masters.length];
  if (source === undefined || target === undefined) throw new Error(`slot ${slot} is served by none of the masters`);
  const [host = "", targetPort = ""] = target.address.split(":");
  const moveKeys = async (max: number) => {
    const keys = (await source.redis.call("CLUSTER", "GETKEYSINSLOT", slot, max)) as string[];
    if (keys.length > 0)
      await source.redis.call("MIGRATE", host, targetPort, "", 0, 5_000, "AUTH", PASSWORD, "KEYS", ...keys);
  };
  return {
    owner,
    async begin() {
      await target.redis.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id);
      await source.redis.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id);
    },
    moveKeys,
    async end() {
      while (Number(await source.redis.call("CLUSTER", "COUNTKEYSINSLOT", slot)) > 0) await moveKeys(100);
      for (const node of [target, source, ...masters.filter((other) => other !== source && other !== target)])
        await node.redis.call("CLUSTER", "SETSLOT", slot, "NODE", target.id);
    },
  };
}
