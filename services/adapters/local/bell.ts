// Wakes those who wait for records: event-driven, so a waiting reader costs nothing and none polls.

export interface Bell {
  ring(topics: ReadonlySet<string>): void;
  /** Resolves at the next ring for one of the topics, when the signal aborts, or after waitMs (absent: no limit). */
  wait(topics: ReadonlySet<string>, signal: AbortSignal | undefined, waitMs?: number): Promise<void>;
}

export function openBell(): Bell {
  const waiting = new Set<{ readonly topics: ReadonlySet<string>; wake(): void }>();
  return {
    ring(topics) {
      for (const one of waiting) if (overlap(one.topics, topics)) one.wake();
    },
    wait(topics, signal, waitMs) {
      if (signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const one = { topics, wake };
        const timer = waitMs === undefined ? undefined : setTimeout(wake, waitMs);
        waiting.add(one);
        signal?.addEventListener("abort", wake);
        function wake(): void {
          waiting.delete(one);
          clearTimeout(timer);
          signal?.removeEventListener("abort", wake);
          resolve();
        }
      });
    },
  };
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const topic of a) if (b.has(topic)) return true;
  return false;
}
