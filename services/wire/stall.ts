// A consumer can stall without any error: its log has more, and nothing comes. Whoever polls tells this watch; when it has
// seen nothing for too long, it throws what makes the slot be taken over again.

import { LogError, type Polled } from "#ports/log.ts";

/** Longer than a fetch, a leader's election and a session's time-out together. */
const STALL_MAX_MS = 60_000;

export class Stalled extends LogError {}

export class StallWatch {
  readonly #maxMs: number;
  #sinceMs: number | null = null;

  constructor(maxMs: number = STALL_MAX_MS) {
    this.#maxMs = maxMs;
  }

  /** What a poll gave. Throws Stalled. */
  note({ records, reach }: Polled): void {
    const isWaiting = [...reach.values()].some(({ rest }) => rest === "waiting");
    if (records.length > 0 || !isWaiting) this.#sinceMs = null;
    else {
      const nowMs = performance.now();
      this.#sinceMs ??= nowMs;
      if (nowMs - this.#sinceMs > this.#maxMs)
        throw new Stalled("log-unavailable", `nothing came for ${this.#maxMs / 1000} s though the log has more`);
    }
  }
}
