// The index and the store as a worker has them for one step of its work: the values of a state, changed by nobody else.

import { openMemoryStore } from "#adapters/memory/store.ts";
import type { Index, IndexMark } from "#ports/index.ts";
import type { ShardCommit, Store } from "#ports/store.ts";
import { createParts, storeValue, type IndexValues, type Parts } from "./state.ts";

export const ORIGIN = { offset: 0, step: 0 };

export class Died extends Error {}

/** Of a worker that lives for so many writes. */
export class WorkerIndex implements Index {
  values: ReadonlyMap<string, string>;
  writes = 0;
  isAsked = false;
  readonly #livesFor: number;
  /** What was read before somebody else went on; used until a write has told otherwise. */
  #seen: ReadonlyMap<string, string> | null;

  constructor(index: IndexValues, livesFor: number, seen: IndexValues | null = null) {
    this.values = index.values;
    this.#livesFor = livesFor;
    this.#seen = seen?.values ?? null;
  }

  async get(keys: readonly string[]): Promise<(string | null)[]> {
    this.isAsked = true;
    const values = this.#seen ?? this.values;
    return keys.map((key) => values.get(key) ?? null);
  }

  async putIfAbsent(entries: readonly { readonly key: string; readonly value: string }[]): Promise<string[]> {
    this.isAsked = true;
    this.#seen = null;
    return entries.map(({ key, value }) => {
      const present = this.values.get(key);
      if (present !== undefined) return present;
      if (this.writes >= this.#livesFor) throw new Died();
      this.values = new Map([...this.values, [key, value]]);
      this.writes += 1;
      return value;
    });
  }

  /** Nothing is lost here, so nothing is put back. */
  async restore(): Promise<void> {}

  async readMarks(): Promise<IndexMark[]> {
    return [{ text: null, keeper: "", doubtful: false }];
  }

  async moveMarks(): Promise<void> {}

  async close(): Promise<void> {}
}

/** The parts of a state as a store: a commit is only noted. */
export function createStore({ values }: Parts, commits: ShardCommit[]): Store {
  return {
    ...openMemoryStore(),
    raiseEpochs: async () => new Map(),
    readHead: async () => ({ position: ORIGIN, outbox: [], damage: null }),
    load: async (_, keys) => keys.map((key) => values.get(key)?.bytes ?? null),
    dueTimers: async () => [],
    commit: async (commit) => {
      commits.push(commit);
      return "committed";
    },
    async *scan(_, prefix) {
      for (const [key, { bytes }] of values) if (key.startsWith(prefix)) yield { key, value: bytes };
    },
    close: async () => {},
  };
}

export function takeCommit({ values }: Parts, commit: ShardCommit): Parts {
  const next = new Map(values);
  for (const [key, bytes] of commit.parts) {
    if (bytes === null) next.delete(key);
    else next.set(key, storeValue(key, new Uint8Array(bytes)));
  }
  return createParts(next);
}
