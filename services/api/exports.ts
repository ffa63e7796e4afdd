// What persons ask to be given of all that is kept of them. Log of record and transitions are read whole for it, so it is a job: one at a
// time, and what it has gathered is kept in memory alone, for whoever asked for it, and not for long.

import type { FastifyBaseLogger } from "fastify";
import type { SubjectExport } from "#services/wire/subject-export.ts";
import { ApiProblem } from "./problem.ts";

const KEPT_MS = 15 * 60_000;
/** Without a record read: the log, or the store, hangs, and the others wait. */
const STALL_MS = 60_000;
/** How often that is looked at, in one such time. */
const LOOKS = 4;
/** Of one process: waiting, running and ready ones. */
const EXPORTS_MAX = 16;

export const EXPORT_STATES = ["waiting", "running", "ready", "failed"] as const;

export const EXPORT_FAILURES = ["not-found", "export-stalled", "internal-error"] as const;

/** Names what the log says of it. */
class ExportStalled extends Error {
  override readonly name = "ExportStalled";
}

/** How long it is kept, and how long it may stand still. */
export interface ExportTimes {
  readonly keptMs?: number;
  readonly stallMs?: number;
}

export interface Export {
  readonly id: string;
  /** Of whoever asked for it, and nobody else may see it. */
  readonly callerId: string;
  readonly startedAtMs: number;
  state: (typeof EXPORT_STATES)[number];
  /** Records of the log of record and of transitions: read so far, and all of them. */
  read: number;
  total: number;
  data: SubjectExport | null;
  /** Of one that failed: there is nobody any more, nothing was read for too long, or a fault. */
  failure: (typeof EXPORT_FAILURES)[number] | null;
  /** Until when it is kept; null: it is not done. */
  untilMs: number | null;
}

/** Null: there is nobody any more. */
export type Gather = (progress: Pick<Export, "read" | "total">, signal: AbortSignal) => Promise<SubjectExport | null>;

export class Exports {
  readonly #exports = new Map<string, Export>();
  readonly #closing = new AbortController();
  readonly #logger: FastifyBaseLogger;
  readonly #keptMs: number;
  readonly #stallMs: number;
  #last: Promise<void> = Promise.resolve();

  constructor(logger: FastifyBaseLogger, { keptMs = KEPT_MS, stallMs = STALL_MS }: ExportTimes = {}) {
    this.#logger = logger;
    this.#keptMs = keptMs;
    this.#stallMs = stallMs;
  }

  /** One that is asked for again is the same one. Throws ApiProblem. */
  start(id: string, callerId: string, gather: Gather): Export {
    const known = this.find(id, callerId);
    if (known !== null) return known;
    if (this.#exports.size >= EXPORTS_MAX) this.#makeRoom();
    const startedAtMs = Date.now();
    const progress = { state: "waiting", read: 0, total: 0, data: null, failure: null, untilMs: null } as const;
    const started: Export = { id, callerId, startedAtMs, ...progress };
    this.#exports.set(keyOf(id, callerId), started);
    this.#last = this.#last.then(() => this.#run(started, gather));
    return started;
  }

  find(id: string, callerId: string): Export | null {
    return this.#exports.get(keyOf(id, callerId)) ?? null;
  }

  drop({ id, callerId }: Export): void {
    this.#exports.delete(keyOf(id, callerId));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#exports.clear();
    await this.#last;
  }

  /** By one that failed, for it holds nothing. Throws ApiProblem. */
  #makeRoom(): void {
    const failed = [...this.#exports.values()].find(({ state }) => state === "failed");
    if (failed === undefined) throw new ApiProblem("too-many-exports");
    this.drop(failed);
  }

  async #run(one: Export, gather: Gather): Promise<void> {
    const { signal: closing } = this.#closing;
    if (closing.aborted) return;
    one.state = "running";
    try {
      one.data = await this.#unlessStalled(one, (stalled) => gather(one, AbortSignal.any([closing, stalled])));
      one.state = one.data === null ? "failed" : "ready";
      if (one.data === null) one.failure = "not-found";
    } catch (error) {
      one.state = "failed";
      one.failure = error instanceof ExportStalled ? "export-stalled" : "internal-error";
      const name = error instanceof Error ? error.name : "unknown";
      if (!closing.aborted) this.#logger.warn({ export: one.id, error: name }, "export failed");
    }
    one.untilMs = Date.now() + this.#keptMs;
    setTimeout(() => this.drop(one), this.#keptMs).unref();
  }

  /** A work that hears nothing of its signal is left to itself. */
  async #unlessStalled<T>(progress: Pick<Export, "read">, work: (stalled: AbortSignal) => Promise<T>): Promise<T> {
    const { promise: given, reject } = Promise.withResolvers<never>();
    const stalled = new AbortController();
    let { read } = progress;
    let readAtMs = performance.now();
    const watch = setInterval(() => {
      if (progress.read !== read) [read, readAtMs] = [progress.read, performance.now()];
      if (performance.now() - readAtMs < this.#stallMs) return;
      reject(new ExportStalled());
      stalled.abort();
    }, this.#stallMs / LOOKS);
    try {
      return await Promise.race([given, work(stalled.signal)]);
    } finally {
      clearInterval(watch);
    }
  }
}

function keyOf(id: string, callerId: string): string {
  return `${callerId} ${id}`;
}
