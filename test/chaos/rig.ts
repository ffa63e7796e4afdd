// What the chaos runs on: services of its own, a deployment, workers that are started again when they die, a producer that
// writes down each event before it sends it, and a reader of the outputs that watches all the time.

import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "#support/folder.ts";
import { type RunningServices, startServices, stopServices } from "../../infra/services.ts";
import { Deployment } from "#support/deployment.ts";
import { type KafkaProxy, openKafkaProxy } from "#support/kafka-proxy.ts";
import { LiveReader } from "#support/live-reader.ts";
import { openRedisProxy, type RedisProxy } from "#support/redis-proxy.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { Worker } from "#support/workers.ts";

const LOADER = join(import.meta.dirname, "failpoint-loader.ts");
const DAY_MS = 86_400_000;
const VERBS = ["resolve", "resolve", "stitch", "stitch"] as const;
const RESTART_MS = 200;

type Environment = Readonly<Record<string, string>>;

export interface Wires {
  readonly kafka: KafkaProxy;
  readonly redis: RedisProxy;
}

export class Rig {
  readonly directory: string;
  readonly services: RunningServices;
  readonly deployment: Deployment;
  readonly reader: LiveReader;
  /** All events ever sent, as they were sent, before they were. */
  readonly journal: string;
  readonly deaths: string[] = [];
  /** Workers that nobody killed: whatever happens around them, they wait and try again. */
  readonly #failures: string[] = [];
  /** What the workers take for Kafka and Redis. */
  readonly wires: Wires;
  #workers: Worker[] = [];
  #lines: string[] = [];
  /** Workers run as shipped: no proxy between, and as many timers in a step as there are. */
  readonly #isPlain: boolean;
  #isClosing = false;
  #held: Promise<unknown> = Promise.resolve();

  private constructor(
    directory: string,
    services: RunningServices,
    deployment: Deployment,
    reader: LiveReader,
    wires: Wires,
    isPlain: boolean,
  ) {
    this.wires = wires;
    this.#isPlain = isPlain;
    this.directory = directory;
    this.services = services;
    this.deployment = deployment;
    this.reader = reader;
    this.journal = join(deployment.folder, "journal.jsonl");
  }

  /** isPlain: for measuring; no fault but a kill is possible. */
  static async open(seed: number, people: number, events: number, isPlain = false): Promise<Rig> {
    const directory = makeFolder("chaos");
    const services = await startServices({ directory });
    const deployment = new Deployment(services);
    await deployment.open();
    await deployment.mustRun(["topics", "create"]);
    const wires = {
      kafka: await openKafkaProxy(services.brokers[0] as string),
      redis: await openRedisProxy(services.redisUrl),
    };
    const rig = new Rig(directory, services, deployment, await LiveReader.open(deployment), wires, isPlain);
    const nowMs = Date.now();
    const span = { fromMs: nowMs - 6 * DAY_MS, toMs: nowMs - 3 * DAY_MS };
    rig.#lines = formatTraffic(createTraffic({ seed, people, events, ...span }))
      .trimEnd()
      .split("\n");
    // Of the others a session has to run out before somebody takes what they held.
    const hasInstanceId = (place: number) => isPlain || place % 2 === 0;
    await Promise.all(
      VERBS.map((verb, place) => rig.start(verb, null, hasInstanceId(place) ? { WEFT_INSTANCE_ID: `${place}` } : {})),
    );
    return rig;
  }

  get workers(): readonly Worker[] {
    return this.#workers;
  }

  /** One that dies is started again, for as long as the rig is open; one that was asked to stop is not. */
  async start(verb: string, failpoint: string | null = null, identity: Environment = {}): Promise<Worker> {
    const environment = {
      NODE_OPTIONS: `--import ${LOADER}`,
      // Of one that ends by itself the report shows where.
      WEFT_DEBUG: "1",
      ...(failpoint === null ? {} : { WEFT_FAILPOINT: failpoint }),
    };
    const { kafka, redis } = this.wires;
    const wired = { WEFT_KAFKA_BROKERS: kafka.broker, WEFT_REDIS_URL: redis.url };
    const worker = new Worker(this.deployment, verb, [], {
      ...identity,
      ...(this.#isPlain ? {} : { ...environment, ...wired }),
    });
    this.#workers.push(worker);
    void this.#watch(worker, failpoint === null, identity);
    if (failpoint === null) await worker.waitFor(/^running$/).catch(() => {});
    return worker;
  }

  async #watch(worker: Worker, isRegular: boolean, identity: Environment): Promise<void> {
    const { code, signal } = await worker.ended;
    this.#workers = this.#workers.filter((one) => one !== worker);
    if (this.#isClosing) return;
    if (worker.wasStopped && code === 0) return;
    this.deaths.push(`${worker.verb}: ${signal ?? code}`);
    if (signal === null)
      this.#failures.push(`${worker.verb} ended by itself with ${code}: ${worker.describe().slice(-1_500)}`);
    await sleep(RESTART_MS);
    await this.#held;
    if (!this.#isClosing && isRegular) await this.start(worker.verb, null, identity);
  }

  /** Whoever dies during the work is started again after it. */
  async holdRestarts<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    try {
      return await work();
    } finally {
      resolve();
    }
  }

  /** The next events; written down first. False where there are no more. */
  async feed(count: number): Promise<boolean> {
    const lines = this.#lines.splice(0, count);
    if (lines.length === 0) return false;
    appendFileSync(this.journal, `${lines.join("\n")}\n`);
    // Sent again as a whole where nobody knows what arrived: the engine drops what it has seen.
    for (let attempt = 1; ; attempt += 1) {
      const { code, err } = await this.deployment.run(["import", "--quiet", "-"], lines.join("\n"));
      if (code === 0) return true;
      if (attempt === 10) throw new Error(`feeding failed ten times: ${err}`);
      await sleep(500);
    }
  }

  /** What broke a promise, once everything that was sent has been folded; empty where all is well. */
  async check(): Promise<string[]> {
    await this.deployment.settle();
    await sleep(1_000);
    const out = join(this.deployment.folder, "fold");
    const folded = JSON.parse(
      await this.deployment.mustRun(["fold", "--json", "--quiet", "--out", out, this.journal]),
    ) as { readonly digest: string };
    const { digest, people } = await this.deployment.readStore();
    const letters = await this.deployment.countDeadLetters();
    return [
      ...this.#failures,
      ...this.reader.findFaults(),
      ...this.reader.findDifferences(people),
      ...(digest === folded.digest ? [] : [`the people are ${digest}, those of the fold ${folded.digest}`]),
      ...(letters === 0 ? [] : [`${letters} dead letters`]),
    ];
  }

  describe(): string {
    return this.#workers.map((worker) => `== ${worker.verb}\n${worker.describe().slice(-3_000)}`).join("\n");
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#workers.map((worker) => worker.kill()));
    await Promise.all([this.wires.kafka.close(), this.wires.redis.close()]);
    await this.reader.close();
    await this.deployment.leave();
    await stopServices({ directory: this.directory });
    rmSync(this.directory, { recursive: true, force: true });
  }
}
