// Whoever stops a long run by hand leaves no processes of it behind: what it has begun is ended first.

import { constants } from "node:os";

/** end: may be called while the work that it ends goes on. The exit code is a shell's for the signal. */
export function endOnInterruption(end: () => Promise<void>): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => void end().finally(() => process.exit(128 + constants.signals[signal])));
}
