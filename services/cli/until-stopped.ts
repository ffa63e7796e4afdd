// The life of a process: it opens, works until somebody asks it to end, and ends in time whatever hangs. The first SIGTERM
// or Ctrl-C ends it in order, also while it still waits for a service; a second one at once.

import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { EXIT } from "./failure.ts";
import type { Runtime } from "./runtime.ts";

/** For everything to close. */
export const CLOSE_MS = 8_000;

/** The longest that a timer can be. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** For a verb that reads on and on: aborted at the first SIGTERM or Ctrl-C; a second one ends the process at once. */
export function listenForStop(): { readonly signal: AbortSignal; release(): void } {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  // The embedded log waits for what nobody may ever write; Node would take that for a deadlock, and end.
  const alive = setInterval(() => {}, FOR_EVER_MS);
  return {
    signal: stop.signal,
    release() {
      clearInterval(alive);
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    },
  };
}

interface Life {
  readonly logger: Logger;
  readonly opening: Promise<Runtime>;
  /** Resolves or throws when the process is to end by itself. */
  work(runtime: Runtime): Promise<void>;
  /** What `work` has started is closed, before the runtime is. */
  stop(): Promise<void>;
  /** How long `stop` may take beside CLOSE_MS. */
  readonly drainMs?: number;
}

export async function runUntilStopped({ logger, opening, work, stop, drainMs = 0 }: Life): Promise<void> {
  const asked = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve(signal));
  });
  const working = opening.then(work);
  working.catch(() => {});
  try {
    const signal = await Promise.race([asked, working]);
    if (typeof signal === "string") logger.info({ signal }, "draining");
  } catch (error) {
    process.exitCode = EXIT.failed;
    throw error;
  } finally {
    // What hangs (a service that is away) must not keep a stopped or failed process from ending.
    setTimeout(() => process.exit(), drainMs + CLOSE_MS).unref();
    await stop();
    const runtime = await Promise.race([opening.catch(() => null), delay(0, "opening" as const)]);
    // Nothing has begun, and what is waited for can only be left.
    if (runtime === "opening") process.exit();
    await runtime?.close();
  }
}
