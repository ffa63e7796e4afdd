// A deployment and its processes that are one test's alone, on services that others use too (own-ground.ts: that nobody
// else uses): whatever comes, the processes are ended, and what they said is told where the test fails.

import { join } from "node:path";
import type { TestContext } from "node:test";
import { Deployment, type DeploymentOptions } from "./deployment.ts";
import { LiveReader } from "./live-reader.ts";
import { servicesOrSkip } from "./services.ts";
import { createTraffic, formatTraffic } from "./traffic.ts";
import { Worker } from "./workers.ts";

const DAY_MS = 86_400_000;

export class Ground {
  readonly deployment: Deployment;
  /** Every process that was started, in that order. */
  readonly workers: Worker[] = [];
  #reader: LiveReader | null = null;

  protected constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  static async use(
    t: TestContext,
    work: (ground: Ground) => Promise<void>,
    describe: () => DeploymentOptions = () => ({}),
  ): Promise<void> {
    const services = await servicesOrSkip(t);
    if (services === null) return;
    const ground = new Ground(new Deployment(services, describe()));
    await ground.run(
      () => work(ground),
      () => ground.deployment.close(),
    );
  }

  protected async run(work: () => Promise<void>, leave: () => Promise<void>): Promise<void> {
    try {
      await this.deployment.open();
      await work();
    } catch (error) {
      for (const worker of this.workers) console.error(worker.describe());
      throw error;
    } finally {
      for (const worker of this.workers) await worker.kill();
      await this.#reader?.close();
      await leave();
    }
  }

  launch(verb: string, args: readonly string[] = []): Worker {
    const worker = new Worker(this.deployment, verb, args);
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

  /** Traffic of some days ago, all of its signals due, to be fed in so many parts, and what a fold of all of it gives. */
  createTraffic(seed: number, events: number, parts = 1) {
    const nowMs = Date.now();
    const span = { fromMs: nowMs - 6 * DAY_MS, toMs: nowMs - 3 * DAY_MS };
    const lines = formatTraffic(createTraffic({ seed, people: 60, events, ...span }))
      .trimEnd()
      .split("\n");
    const size = Math.ceil(lines.length / parts);
    const { deployment } = this;
    return {
      lines,
      async foldDigest(): Promise<string> {
        const file = deployment.write("traffic.jsonl", `${lines.join("\n")}\n`);
        const out = join(deployment.folder, "fold");
        const folded = await deployment.mustRun(["fold", "--json", "--quiet", "--out", out, file]);
        return (JSON.parse(folded) as { readonly digest: string }).digest;
      },
      feed: (part = 0, ...options: readonly string[]) =>
        deployment.mustRun(
          ["import", "--quiet", ...options, "-"],
          lines.slice(part * size, (part + 1) * size).join("\n"),
        ),
    };
  }
}
