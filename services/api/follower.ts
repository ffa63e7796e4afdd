// A file that follows output topics for the routes that ask it: read on before each answer, and now and then though nobody
// asks. Reading hangs, or takes its time at first, behind a gate.

import { CatchUp } from "#services/wire/catch-up.ts";
import { askLog } from "./command.ts";
import type { Gate } from "./outage.ts";

/** So that what was erased is gone in time. */
const CATCH_UP_MS = 20_000;

export class Follower {
  readonly #gate: Gate;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #catchUp: CatchUp;

  /** read: on from where the file is, up to the ends as it finds them. */
  constructor(gate: Gate, read: (signal: AbortSignal) => Promise<void>) {
    const { signal } = this.#closing;
    this.#gate = gate;
    this.#catchUp = new CatchUp(async () => {
      if (!signal.aborted) await read(signal);
    });
    const catchUp = () => void this.#catchUp.run().catch(() => {});
    this.#timer = setInterval(catchUp, CATCH_UP_MS).unref();
    catchUp();
  }

  /** Resolves once the file has all that had been published when it was called. Throws ApiProblem. */
  async catchUp(): Promise<void> {
    await askLog(this.#gate, () => this.#catchUp.run());
  }

  /** Nothing reads any more, once it resolves. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#catchUp.settle();
  }
}
