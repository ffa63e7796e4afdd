// Waiting for what a server of a test comes to by itself.

import { setTimeout as sleep } from "node:timers/promises";

const WAIT_MS = 30_000;

/** Asks again and again; that it cannot be answered yet counts as no. Throws where it does not come to hold. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > endMs) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await sleep(50);
  }
}
