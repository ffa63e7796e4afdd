// A test process that is ended from outside (Ctrl-C, the runner's abort) leaves nothing behind: it ends what it has
// started, and then itself, so that what hangs on its "exit" is done too.

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const works = new Set<() => Promise<unknown>>();
let isWatching = false;

/** Returns what is to be called once the work has been done. */
export function beforeEnding(work: () => Promise<unknown>): () => void {
  exitOnSignals();
  works.add(work);
  return () => works.delete(work);
}

export function exitOnSignals(): void {
  if (isWatching) return;
  isWatching = true;
  for (const signal of SIGNALS) process.once(signal, () => void endAll());
}

async function endAll(): Promise<void> {
  await Promise.allSettled([...works].map((work) => work()));
  process.exit(1);
}
