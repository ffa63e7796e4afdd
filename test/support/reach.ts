// What a poll says of the partitions of its slot.

import type { Polled } from "#ports/log.ts";

/** Whether it says that everything has been polled that was on them at that time. */
export function isReadSince({ reach }: Polled, sinceMs: number): boolean {
  return (
    reach.size > 0 && [...reach.values()].every(({ rest, readUpToMs }) => rest === "none" && readUpToMs >= sinceMs)
  );
}
