// What persons ask to be given of all that is kept of them. Log of record and transitions are read whole for it, so it is a job: one at a
// time, and what it has gathered is kept in memory alone, for whoever asked for it, and not for long.

import type { FastifyBaseLogger } from "fastify";
import type { SubjectExport } from "#services/wire/subject-export.ts";
import { ApiProblem } from "./problem.ts";

const KEPT_MS = 15 * 60_000;
/** Of one process: waiting, running and ready ones. */
const EXPORTS_MAX = 16;

export const EXPORT_STATES = ["waiting", "running", "ready", "failed"] as const;

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
  #last: Promise<void> = Promise.resolve();

  constructor(logger: FastifyBaseLogger, keptMs: number = KEPT_MS) {
    this.#logger = logger;
    this.#keptMs = keptMs;
  }

  /** One that is asked for again is the same one. Throws ApiProblem. */
  start(id: string, callerId: string, gather: Gather): Export {
    const known = this.find(id, callerId);
    if (known !== null) return known;
    if (this.#exports.size >= EXPORTS_MAX) throw new ApiProblem("too-many-exports");
    const startedAtMs = Date.now();
    const progress = { state: "waiting", read: 0, total: 0, data: null, untilMs: null } as const;
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

  async #run(one: Export, gather: Gather): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    one.state = "running";
    try {
      one.data = await gather(one, signal);
      one.state = one.data === null ? "failed" : "ready";
    } catch (error) {
      one.state = "failed";
      const name = error instanceof Error ? error.name : "unknown";
      if (!signal.aborted) this.#logger.warn({ export: one.id, error: name }, "export failed");
    }
    one.untilMs = Date.now() + this.#keptMs;
    setTimeout(() => this.drop(one), this.#keptMs).unref();
  }
}

function keyOf(id: string, callerId: string): string {
  return `${callerId} ${id}`;
}
