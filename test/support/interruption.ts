// Whoever stops a process of tests, or a long run, by hand or by signal leaves nothing of it behind: what it has begun is
// ended first, and then the process, so that what hangs on its "exit" is done too. The exit code is a shell's for the signal.

import { constants } from "node:os";

const ends = new Set<() => Promise<void>>();
let isWatching = false;

/** end: may be called while the work that it ends goes on. Returns what is to be called once that has ended by itself. */
export function endOnInterruption(end: () => Promise<void>): () => void {
  exitOnInterruption();
  ends.add(end);
  return () => ends.delete(end);
}

export function exitOnInterruption(): void {
  if (isWatching) return;
  isWatching = true;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      const ended = Promise.allSettled([...ends].map((end) => end()));
      void ended.then(() => process.exit(128 + constants.signals[signal]));
    });
}
