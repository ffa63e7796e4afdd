// Kafka away: whatever must go on waits and tries again, for as long as it takes or patience lasts. One line says that it
// is gone, one that it is back, whoever noticed first; a log in which a hundred slots complain at once is read by nobody.

import { setTimeout as delay } from "node:timers/promises";
import { LogError } from "#ports/log.ts";
import { isPassing, messageOf, toLogError } from "./failure.ts";

const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 2000;
/** A coordinator that is still loading, or a transaction that is ending, is no outage yet. */
const QUIET_MS = 1000;
/** The longest that a timer can be. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const SILENCE = "it does not answer";

export class Outage {
  readonly #onWait: (line: string) => void;
  readonly #patienceMs: number;
  #isOn = false;
  #reason = SILENCE;
  #isGivenUp = false;

  /** patienceMs: of each wait; Infinity: for ever. */
  constructor(onWait: (line: string) => void, patienceMs = Number.POSITIVE_INFINITY) {
    this.#onWait = onWait;
    this.#patienceMs = patienceMs;
  }

  begin(error: unknown): void {
    this.#reason = messageOf(error);
    if (this.#isOn) return;
    this.#isOn = true;
    this.#onWait(`waiting for Kafka: ${messageOf(error)}; kafka.brokers (or WEFT_KAFKA_BROKERS) says where it is`);
  }

  end(): void {
    this.#reason = SILENCE;
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#onWait("Kafka is back");
  }

  say(line: string): void {
    this.#onWait(line);
  }

  /** Throws log-unavailable where nothing was heard for longer than patience lasts. */
  requireHope(heardAtMs: number): void {
    if (performance.now() - heardAtMs > this.#patienceMs) throw toLogError(this.#giveUp(), false);
  }

  /** Repeats the work through every outage; other errors are thrown on. When the signal aborts: log-unavailable. */
  async outlast<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#patienceMs > TIMER_MS_MAX) return await this.#repeat(work, signal);
    // An attempt that hangs must not outlast it either.
    const over = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      over.abort();
      reject(this.#giveUp());
    }, this.#patienceMs);
    try {
      return await Promise.race([this.#repeat(work, AbortSignal.any([signal, over.signal])), promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection that ends waits for what was asked over it: not where nobody waits for Kafka any more. */
  async awaitClosing(closing: Promise<unknown>): Promise<void> {
    if (this.#isGivenUp) closing.catch(() => {});
    else await closing;
  }

  #giveUp(): Error {
    this.#isGivenUp = true;
    return new Error(`Kafka is away, waited ${this.#patienceMs / 1000} s: ${this.#reason}`);
  }

  async #repeat<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const startedAtMs = performance.now();
    for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)) {
      if (signal.aborted) throw new LogError("log-unavailable", "closed while waiting for Kafka");
      try {
        const result = await work();
        this.end();
        return result;
      } catch (error) {
        if (error instanceof LogError || !isPassing(error)) throw error;
        this.#reason = messageOf(error);
        if (performance.now() - startedAtMs > QUIET_MS) this.begin(error);
        await delay(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
  }
}
