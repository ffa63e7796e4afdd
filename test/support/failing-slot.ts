import type { OwnedSlot } from "#ports/log.ts";

/** A slot whose first take-overs fail so, one after the other, and that is taken away at the next. */
export function createFailingSlot(errors: readonly Error[]): OwnedSlot {
  const ending = new AbortController();
  const left = [...errors];
  return {
    slot: 0,
    partitions: [],
    revoked: ending.signal,
    async takeOver() {
      const error = left.shift();
      if (error === undefined) ending.abort();
      throw error ?? new Error("taken away");
    },
    positions: async () => new Map(),
    seek: () => {},
    poll: async () => ({ records: [], reach: new Map() }),
    publish: async () => {},
  };
}
