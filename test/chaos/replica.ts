// A replica of a rig's Redis. Its link can be cut, and it can be promoted in the place of the primary: what the primary
// acknowledged after the cut is lost then.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { requireRedis } from "../../infra/install.ts";
import { findFreePorts } from "../../infra/process.ts";
import { REDIS_SETTINGS } from "../../infra/redis.ts";
import { killService, restartService } from "../../infra/services.ts";
import { openRedisProxy, type RedisProxy } from "#support/redis-proxy.ts";
import { until } from "#support/until.ts";
import type { Rig } from "./rig.ts";

const SHUTDOWN_MAX_MS = 30_000;

export class Replica {
  readonly #rig: Rig;
  readonly #link: RedisProxy;
  readonly #folder: string;
  readonly #url: string;
  readonly #server: ChildProcess;
  readonly #redis: Redis;
  #isPrimary = false;

  private constructor(rig: Rig, link: RedisProxy, folder: string, port: number, program: string) {
    const { port: linked } = new URL(link.url);
    this.#rig = rig;
    this.#link = link;
    this.#folder = folder;
    this.#url = `redis://127.0.0.1:${port}`;
    const settings = [["port", String(port)], ["bind", "127.0.0.1"], ["dir", folder], ...REDIS_SETTINGS];
    const options = settings.flatMap(([name, value]) => [`--${name}`, value ?? ""]);
    this.#server = spawn(program, [...options, "--replicaof", "127.0.0.1", linked], { stdio: "ignore" });
    process.once("exit", () => this.#server.kill("SIGKILL"));
    this.#redis = new Redis(this.#url, { retryStrategy: () => 50 });
    this.#redis.on("error", () => {}); // it is tried again
  }

  /** Once it has all that the primary has, and its file holds it too. */
  static async follow(rig: Rig): Promise<Replica> {
    const folder = join(rig.directory, "replica");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const program = await requireRedis((line) => console.error(line));
    const [port = 0] = await findFreePorts(1);
    const replica = new Replica(rig, await openRedisProxy(rig.services.redisUrl), folder, port, program);
    await until("the replica follows", async () => {
      const [link, file] = await Promise.all([replica.#redis.info("replication"), replica.#redis.info("persistence")]);
      const isWritten = /aof_enabled:1/.test(file) && /aof_rewrite_(in_progress|scheduled):1/.exec(file) === null;
      return link.includes("master_link_status:up") && isWritten;
    });
    return replica;
  }

  async cut(): Promise<void> {
    await this.#link.close();
  }

  /** The primary is gone. Returns how many bytes of what it acknowledged are lost. */
  async promote(): Promise<number> {
    const primary = new Redis(this.#rig.services.redisUrl);
    const ahead = await readOffset(primary, "master_repl_offset");
    primary.disconnect();
    await killService({ directory: this.#rig.directory, name: "redis" });
    const behind = await readOffset(this.#redis, "slave_repl_offset");
    await this.#redis.call("REPLICAOF", "NO", "ONE");
    this.#isPrimary = true;
    this.#rig.wires.redis.turnTo(this.#url);
    return ahead - behind;
  }

  /** The rig's own Redis goes on with what this one has, as after a restart in order. */
  async end(): Promise<void> {
    const ended = this.#server.exitCode === null ? once(this.#server, "exit") : Promise.resolve();
    this.#redis.shutdown().catch(() => {}); // the connection ends with it
    await Promise.race([ended, sleep(SHUTDOWN_MAX_MS)]);
    this.#server.kill("SIGKILL");
    this.#redis.disconnect();
    await this.#link.close();
    if (!this.#isPrimary) return;
    const data = join(this.#rig.directory, "redis", "data");
    rmSync(data, { recursive: true });
    cpSync(this.#folder, data, { recursive: true });
    await restartService({ directory: this.#rig.directory, name: "redis" });
    this.#rig.wires.redis.turnTo(this.#rig.services.redisUrl);
  }
}

async function readOffset(redis: Redis, name: string): Promise<number> {
  return Number(new RegExp(`${name}:(\\d+)`).exec(await redis.info("replication"))?.[1]);
}
