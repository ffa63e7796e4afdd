// Kafka away: whatever must go on waits and tries again, for as long as it takes. One line says that it is gone, one that
// it is back, whoever noticed first; a log in which a hundred slots complain at once is read by nobody.

import { setTimeout as delay } from "node:timers/promises";
import { LogError } from "#ports/log.ts";
import { isPassing, messageOf } from "./failure.ts";

const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 2000;
/** A coordinator that is still loading, or a transaction that is ending, is no outage yet. */
const QUIET_MS = 1000;

export class Outage {
  readonly #onWait: (line: string) => void;
  #isOn = false;

  constructor(onWait: (line: string) => void) {
    this.#onWait = onWait;
  }

  begin(error: unknown): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#onWait(`waiting for Kafka: ${messageOf(error)}; kafka.brokers (or WEFT_KAFKA_BROKERS) says where it is`);
  }

  end(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#onWait("Kafka is back");
  }

  say(line: string): void {
    this.#onWait(line);
  }

  /** Repeats the work through every outage; other errors are thrown on. When the signal aborts: log-unavailable. */
  async outlast<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const startedAtMs = performance.now();
    for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)) {
      if (signal.aborted) throw new LogError("log-unavailable", "closed while waiting for Kafka");
      try {
        const result = await work();
        this.end();
        return result;
      } catch (error) {
        if (error instanceof LogError || !isPassing(error)) throw error;
        if (performance.now() - startedAtMs > QUIET_MS) this.begin(error);
        await delay(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
  }
}
