// Services, a deployment and its processes that are one test's alone: whatever comes, they are ended and taken away.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Redis } from "ioredis";
import { stopServices } from "../../infra/services.ts";
import { Deployment, type DeploymentOptions } from "./deployment.ts";
import { LiveReader } from "./live-reader.ts";
import { ownServicesOrSkip } from "./services.ts";
import { createTraffic, formatTraffic } from "./traffic.ts";
import { Worker } from "./workers.ts";

const DAY_MS = 86_400_000;

export class OwnGround {
  readonly directory: string;
  readonly deployment: Deployment;
  readonly redis: Redis;
  readonly brokers: readonly string[];
  /** Every process that was started, in that order. */
  readonly workers: Worker[] = [];
  #reader: LiveReader | null = null;

  private constructor(directory: string, deployment: Deployment, redisUrl: string, brokers: readonly string[]) {
    this.directory = directory;
    this.deployment = deployment;
    this.redis = new Redis(redisUrl);
    // Some tests kill it.
    this.redis.on("error", () => {});
    this.brokers = brokers;
  }

  /** describe: of the deployment, given the folder that is the test's own. */
  static async use(
    t: TestContext,
    work: (ground: OwnGround) => Promise<void>,
    describe: (directory: string) => DeploymentOptions = () => ({}),
  ): Promise<void> {
    const directory = mkdtempSync(join(tmpdir(), "weft-ground-"));
    const services = await ownServicesOrSkip(t, directory);
    if (services === null) return;
    const deployment = new Deployment(services, describe(directory));
    const ground = new OwnGround(directory, deployment, services.redisUrl, services.brokers);
    try {
      await deployment.open();
      await work(ground);
    } catch (error) {
      for (const worker of ground.workers) console.error(worker.describe());
      throw error;
    } finally {
      ground.redis.disconnect();
      for (const worker of ground.workers) await worker.kill();
      await ground.#reader?.close();
      await deployment.leave();
      await stopServices({ directory });
      rmSync(directory, { recursive: true, force: true });
    }
  }

  launch(verb: string): Worker {
    const worker = new Worker(this.deployment, verb);
    this.workers.push(worker);
    return worker;
  }

  async start(verb: string): Promise<Worker> {
    const worker = this.launch(verb);
    await worker.waitFor(/^running$/);
    return worker;
  }

  /** Checks from here on what is promised about the outputs. */
  async watch(): Promise<LiveReader> {
    this.#reader = await LiveReader.open(this.deployment);
    return this.#reader;
  }

  /** Traffic of some days ago, to be fed in so many parts, and what a fold of all of it gives. */
  createTraffic(seed: number, events: number, parts: number) {
    const nowMs = Date.now();
    const span = { fromMs: nowMs - 6 * DAY_MS, toMs: nowMs - 3 * DAY_MS };
    const lines = formatTraffic(createTraffic({ seed, people: 60, events, ...span }))
      .trimEnd()
      .split("\n");
    const size = Math.ceil(lines.length / parts);
    const { deployment } = this;
    return {
      async foldDigest(): Promise<string> {
        const file = deployment.write("traffic.jsonl", `${lines.join("\n")}\n`);
        const out = join(deployment.folder, "fold");
        const folded = await deployment.mustRun(["fold", "--json", "--quiet", "--out", out, file]);
        return (JSON.parse(folded) as { readonly digest: string }).digest;
      },
      feed: (part: number) =>
        deployment.mustRun(["import", "--quiet", "-"], lines.slice(part * size, (part + 1) * size).join("\n")),
    };
  }
}
