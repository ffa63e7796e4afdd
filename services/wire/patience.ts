// Outages pause: what cannot be reached is tried again, with one clear line when it goes and one when it is back.

import { setTimeout as delay } from "node:timers/promises";
import { RegistryUnavailable } from "#ports/codec.ts";
import { StoreUnavailable } from "#ports/store.ts";

const PAUSE_MAX_MS = 5000;

export interface Waiting {
  onWait(line: string): void;
}

/** Repeats the work until it succeeds or the signal aborts; anything but an outage is thrown on. */
export async function patiently<T>(
  waiting: Waiting,
  signal: AbortSignal,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const result = await work();
      if (attempt > 0) waiting.onWait(`${what} is back`);
      return result;
    } catch (error) {
      if (!(error instanceof RegistryUnavailable) && !(error instanceof StoreUnavailable)) throw error;
      if (attempt === 0) waiting.onWait(`waiting for the ${what}: ${error.message}`);
      await delay(Math.min(PAUSE_MAX_MS, 100 * 2 ** attempt), undefined, { signal });
    }
  }
}
