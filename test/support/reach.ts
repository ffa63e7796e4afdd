// What a poll says of the partitions of its slot.

import type { Polled } from "#ports/log.ts";

/** Whether it says that everything has been polled that was on them at that time (performance.now()). */
export function isReadSince({ reach }: Polled, sinceMs: number): boolean {
  const ageMs = performance.now() - sinceMs;
  return reach.size > 0 && [...reach.values()].every(({ rest, readAgeMs }) => rest === "none" && readAgeMs <= ageMs);
}
