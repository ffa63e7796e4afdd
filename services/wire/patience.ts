// Outages pause: what cannot be reached is tried again, with one clear line when it goes and one when it is back.

import { setTimeout as delay } from "node:timers/promises";
import { RegistryUnavailable } from "#ports/codec.ts";
import { StoreUnavailable } from "#ports/store.ts";

const PAUSE_MAX_MS = 5000;

export interface Waiting {
  onWait(line: string): void;
}

/** Of each process: how many of its loops wait for what, as all of them have the same thing to say. */
const waiters = new WeakMap<Waiting, Map<string, number>>();

/** Repeats the work until it succeeds or the signal aborts; anything but an outage is thrown on. */
export async function patiently<T>(
  waiting: Waiting,
  signal: AbortSignal,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  let isWaiting = false;
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const result = await work();
        if (isWaiting && countWaiters(waiting, what, 0) === 1) waiting.onWait(`the ${what} is back`);
        return result;
      } catch (error) {
        if (!(error instanceof RegistryUnavailable) && !(error instanceof StoreUnavailable)) throw error;
        if (!isWaiting && countWaiters(waiting, what, 1) === 1)
          waiting.onWait(`waiting for the ${what}: ${error.message}`);
        isWaiting = true;
        await delay(Math.min(PAUSE_MAX_MS, 100 * 2 ** attempt), undefined, { signal });
      }
    }
  } finally {
    if (isWaiting) countWaiters(waiting, what, -1);
  }
}

function countWaiters(waiting: Waiting, what: string, change: number): number {
  const counts = waiters.get(waiting) ?? new Map<string, number>();
  waiters.set(waiting, counts);
  const count = (counts.get(what) ?? 0) + change;
  counts.set(what, count);
  return count;
}
