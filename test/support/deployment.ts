// A deployment of its own on the test services: a folder with weft.yaml, a prefix that no other test has, the command
// run on it, and a look at what it has left in Kafka and in the store.

import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import kafkajs, { type Admin, type Kafka } from "kafkajs";
import { patchTimers } from "#adapters/kafka/timer-patch.ts";
import { StoreBehind, StoreDamaged } from "#ports/store.ts";
import { openRuntime } from "#services/cli/runtime.ts";
import { type LoadedConfiguration, loadConfiguration } from "#services/config/configuration.ts";
import { allTopics, channelTopics, deadLetterTopics, topicNames } from "#services/config/topics.ts";
import { digestProfiles } from "#services/wire/profile-lines.ts";
import { type People, readPeople } from "#services/wire/profile-reader.ts";
import { RESOLVER_GROUP } from "#services/resolver/main.ts";
import { STITCHER_GROUP } from "#services/stitcher/main.ts";
import { type Run, runCommand } from "./command.ts";
import { makeFolder } from "./folder.ts";
import { type TestServices, writeServicesToEnvironment } from "./services.ts";

const MAIN = resolve(import.meta.dirname, "../../services/cli/main.ts");
/** Messages between homes answer each other; no history of the tests goes on for longer. */
const SETTLING_ROUNDS = 5;
const SETTLING_WAIT_MS = 60_000;

export interface DeploymentOptions {
  /** The rest of weft.yaml; it must not hold `kafka` nor `engine`. */
  readonly yaml?: string;
  /** Few shards and slots: what is tested is the same, and the machine is shared. */
  readonly engine?: string;
}

const SMALL_ENGINE = "{ shards: 8, stitchSlots: 2, resolverSlots: 2 }";

export class Deployment {
  readonly prefix = `t${randomUUID().slice(0, 8)}.`;
  readonly folder = makeFolder("e2e");
  readonly config: string;
  readonly loaded: LoadedConfiguration;
  readonly environment: Readonly<Record<string, string>>;
  readonly kafka: Kafka;
  readonly admin: Admin;

  constructor(services: TestServices, { yaml = "", engine = SMALL_ENGINE }: DeploymentOptions = {}) {
    this.environment = writeServicesToEnvironment(services);
    this.config = this.write(
      "weft.yaml",
      `${yaml}\nkafka: { topicPrefix: ${JSON.stringify(this.prefix)} }\nengine: ${engine}\n`,
    );
    this.loaded = loadConfiguration(this.config, this.environment);
    patchTimers();
    this.kafka = new kafkajs.Kafka({ brokers: [...services.brokers], logLevel: kafkajs.logLevel.NOTHING });
    this.admin = this.kafka.admin();
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  channelTopic(source: string): string {
    return `${this.prefix}channel-${source}`;
  }

  /** The command line and environment of one process of the product. */
  commandOf(args: readonly string[]) {
    const command = [MAIN, "--config", this.config, ...args];
    return { command, options: { env: { ...process.env, ...this.environment }, cwd: this.folder } };
  }

  async run(args: readonly string[], input = ""): Promise<Run> {
    const { command, options } = this.commandOf(args);
    return await runCommand(process.execPath, command, options, input);
  }

  /** As `run`; anything but exit code 0 is a failure. */
  async mustRun(args: readonly string[], input = ""): Promise<string> {
    const { code, out, err } = await this.run(args, input);
    if (code !== 0) throw new Error(`weft ${args.join(" ")} ended with ${code}: ${err.slice(0, 2000)}`);
    return out;
  }

  /** Records on the channel topics up to here that the resolvers have passed, and all there are. */
  async readResolved(): Promise<{ passed: number; total: number }> {
    const topics = channelTopics(this.loaded).map(({ name }) => name);
    const committed = await this.#readPositions(RESOLVER_GROUP, topics);
    const ends = await this.#readEnds(topics);
    const total = [...ends.values()].reduce((sum, end) => sum + end, 0);
    const passed = [...committed.values()].reduce((sum, offset) => sum + offset, 0);
    return { passed, total };
  }

  /** How many records the dead letter topics hold. */
  async countDeadLetters(): Promise<number> {
    let count = 0;
    for (const { name } of deadLetterTopics(this.loaded))
      for (const { low, high } of await this.admin.fetchTopicOffsets(name)) count += Number(high) - Number(low);
    return count;
  }

  /**
   * Waits until everything that stands on the channel topics now is resolved and stitched, and what the homes told each
   * other because of it too. Needs resolvers that run: it is their progress that shows that the rest was passed.
   */
  async settle(): Promise<void> {
    const deadline = Date.now() + SETTLING_WAIT_MS;
    const wait = async (what: string, isDone: () => Promise<boolean>) => {
      while (!(await isDone())) {
        if (Date.now() > deadline) throw new Error(`${what} took more than ${SETTLING_WAIT_MS / 1000} s`);
        await sleep(100);
      }
    };
    await wait("resolving", async () => {
      const { passed, total } = await this.readResolved();
      return passed >= total;
    });
    const { resolved } = topicNames(this.loaded);
    for (let round = 0; round < SETTLING_ROUNDS; round += 1) {
      const ends = await this.#readEnds([resolved]);
      await wait("stitching", async () => {
        const positions = await this.#readPositions(STITCHER_GROUP, [resolved]);
        return [...ends].every(([key, end]) => (positions.get(key) ?? 0) >= end);
      });
    }
  }

  /** Per shard: where the stitchers stand on the inner log, and where it ends. */
  async readShards(): Promise<{ readonly position: number; readonly end: number }[]> {
    const { resolved } = topicNames(this.loaded);
    const [positions, ends] = [await this.#readPositions(STITCHER_GROUP, [resolved]), await this.#readEnds([resolved])];
    return Array.from({ length: this.loaded.deployment.engine.shards }, (_, shard) => {
      const key = `${resolved}/${shard}`;
      return { position: positions.get(key) ?? 0, end: ends.get(key) ?? 0 };
    });
  }

  async #readPositions(group: string, topics: readonly string[]): Promise<Map<string, number>> {
    const groupId = `${this.prefix}${group}`;
    const positions = new Map<string, number>();
    for (const { topic, partitions } of await this.admin.fetchOffsets({ groupId, topics: [...topics] }))
      for (const { partition, offset } of partitions)
        positions.set(`${topic}/${partition}`, Math.max(0, Number(offset)));
    return positions;
  }

  async #readEnds(topics: readonly string[]): Promise<Map<string, number>> {
    const ends = new Map<string, number>();
    for (const topic of topics)
      for (const { partition, high } of await this.admin.fetchTopicOffsets(topic))
        ends.set(`${topic}/${partition}`, Number(high));
    return ends;
  }

  /** Everybody in the store, and their digest. A shard that is being folded anew is waited for. */
  async readStore(): Promise<{ readonly people: People; readonly digest: string }> {
    for (const deadline = Date.now() + SETTLING_WAIT_MS; ; await sleep(500)) {
      try {
        return await this.#readStore();
      } catch (error) {
        const isPassing = error instanceof StoreBehind || error instanceof StoreDamaged;
        if (!isPassing || Date.now() > deadline) throw error;
      }
    }
  }

  async #readStore(): Promise<{ readonly people: People; readonly digest: string }> {
    const runtime = await openRuntime(loadConfiguration(this.config, this.environment), { embedded: false });
    try {
      const people = await readPeople(runtime.engine, runtime.store, this.loaded.deployment.engine.shards);
      return { people, digest: digestProfiles(people.profiles) };
    } finally {
      await runtime.close();
    }
  }

  async open(): Promise<void> {
    await this.admin.connect();
  }

  /** Takes back what it has put into the shared services. */
  async close(): Promise<void> {
    const present = new Set(await this.admin.listTopics());
    const topics = allTopics(this.loaded)
      .map(({ name }) => name)
      .filter((name) => present.has(name));
    if (topics.length > 0) await this.admin.deleteTopics({ topics }).catch(() => {});
    const redis = new Redis(this.loaded.deployment.redis.url);
    for (let cursor = "0"; ; ) {
      const [next, keys] = await redis.scan(cursor, "MATCH", `${this.prefix}*`, "COUNT", 1000);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
      if (cursor === "0") break;
    }
    redis.disconnect();
    await this.leave();
  }

  /** For services that end anyway. */
  async leave(): Promise<void> {
    await this.admin.disconnect();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
