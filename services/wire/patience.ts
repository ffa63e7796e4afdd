// Outages pause: what cannot be reached is tried again, with one clear line when it goes and one when it is back.

import { setTimeout as delay } from "node:timers/promises";
import { RegistryUnavailable } from "#ports/codec.ts";
import { StoreUnavailable } from "#ports/store.ts";

const PAUSE_MAX_MS = 5000;

/**
 * What the loops of a process go through, for it to count.
 * commit: a step is in the store; cut: so is one that ended inside an item, at a limit of timers or profiles.
 * transaction: records and positions are on the log. outage: something is waited for. payload-shredded: its key is destroyed.
 * The others: a slot is taken over again, and why.
 */
export const LOOP_EVENTS = [
  "commit",
  "cut",
  "transaction",
  "outage",
  "payload-shredded",
  "stalled",
  "commit-refused",
  "shard-damaged",
  "log-fenced",
  "log-outcome-unknown",
  "log-unavailable",
  "log-untrusted",
  "store-unavailable",
  "registry-unavailable",
] as const;
export type LoopEvent = (typeof LOOP_EVENTS)[number];

export interface Waiting {
  onWait(line: string): void;
  onLoop?(event: LoopEvent): void;
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
        if (!isWaiting) waiting.onLoop?.("outage");
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
