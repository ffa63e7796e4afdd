// Processes of the product as an operator sees them: started, watched through their log, killed or asked to stop.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Deployment } from "./deployment.ts";
import { endOnInterruption } from "./interruption.ts";

const LINE_WAIT_MS = 60_000;

/** A line of a process's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [name: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export const ENDED_WELL: Ended = { code: 0, signal: null };

export class Worker {
  readonly verb: string;
  readonly lines: LogLine[] = [];
  readonly ended: Promise<Ended>;
  errors = "";
  wasStopped = false;
  #end: Ended | null = null;
  readonly #child: ChildProcess;

  constructor(
    deployment: Deployment,
    verb: string,
    args: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.verb = verb;
    const { command, options } = deployment.commandOf([verb, ...args]);
    const env = { ...options.env, ...environment };
    this.#child = spawn(process.execPath, command, { ...options, env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.errors += chunk.toString();
    });
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on("line", (line) => this.lines.push(JSON.parse(line) as LogLine));
    const forget = endOnInterruption(async () => void (await this.kill()));
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => {
        forget();
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
  }

  get isRunning(): boolean {
    return this.#end === null;
  }

  /** Messages of its log that match. */
  find(pattern: RegExp): string[] {
    return this.lines.map(({ msg }) => msg).filter((msg) => pattern.test(msg));
  }

  async waitFor(pattern: RegExp): Promise<LogLine> {
    for (const deadline = Date.now() + LINE_WAIT_MS; ; ) {
      const line = this.lines.find(({ msg }) => pattern.test(msg));
      if (line !== undefined) return line;
      if (!this.isRunning || Date.now() > deadline)
        throw new Error(
          `weft ${this.verb} ${this.isRunning ? "did not say" : "ended without saying"} ${String(pattern)}\n${this.describe()}`,
        );
      await sleep(50);
    }
  }

  /** Stands still, as under a long pause of its machine, and goes on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(name);
  }

  /** As a crash looks to everybody else. */
  async kill(): Promise<Ended> {
    this.#child.kill("SIGKILL");
    return await this.ended;
  }

  /** Drains, as an orchestrator asks for it. */
  async stop(): Promise<Ended> {
    this.wasStopped = true;
    this.#child.kill("SIGTERM");
    return await this.ended;
  }

  describe(): string {
    return `${this.lines.map((line) => JSON.stringify(line)).join("\n")}\n${this.errors}`;
  }
}

const KILL_WAIT_MS = 120_000;

/** The workers of one deployment, one of each verb, that are started again when they were killed. */
export class Crew {
  readonly #deployment: Deployment;
  readonly #workers = new Map<string, Worker>();

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  /** Resolves when all of them run. */
  async start(verbs: readonly string[]): Promise<void> {
    const started = verbs.map((verb) => [verb, new Worker(this.#deployment, verb)] as const);
    for (const [verb, worker] of started) this.#workers.set(verb, worker);
    await Promise.all(started.map(([, worker]) => worker.waitFor(/^running$/)));
  }

  /** SIGKILL once this share of the work is done, and another one at once. Resolves with the share at the kill. */
  async killAt(verb: string, share: number, readShare: () => Promise<number>): Promise<number> {
    for (const deadline = Date.now() + KILL_WAIT_MS; (await readShare()) < share; await sleep(5))
      if (Date.now() > deadline) throw new Error(`${verb} stays at ${await readShare()} of what it has to do`);
    await this.replace(verb);
    return await readShare();
  }

  /** SIGKILL, and another one at once; resolves when that one runs. */
  async replace(verb: string): Promise<void> {
    await this.#workers.get(verb)?.kill();
    const worker = new Worker(this.#deployment, verb);
    this.#workers.set(verb, worker);
    await worker.waitFor(/^running$/);
  }

  /** How each of them ended when asked to stop. */
  async stop(): Promise<Ended[]> {
    return await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
  }

  async kill(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.kill()));
  }

  describe(): string {
    return [...this.#workers.values()].map((worker) => worker.describe()).join("\n");
  }
}
