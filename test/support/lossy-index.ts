// An identity index that loses what it acknowledged, in the ways that a Redis can.

import { openMemoryIndex as openMemory } from "#adapters/memory/index.ts";
import type { Index, IndexMark } from "#ports/index.ts";
import { CLAIM } from "#services/wire/index-keeper.ts";

export interface LossyIndex {
  readonly index: Index;
  /** A replica takes over that had not received so many writes. */
  loseLast(count: number): Promise<void>;
  /** FLUSHALL: the server goes on. */
  loseAll(): Promise<void>;
  /** Nothing was lost, or somebody has laid a mark since, of the server that is there now. */
  isMarked(): boolean;
}

type Write = (index: Index) => Promise<unknown>;

/** A memory index that can go back to what it held before its last writes, as a replica that takes over does. */
export function openLossyIndex(openMemoryIndex: () => Index = openMemory): LossyIndex {
  let index = openMemoryIndex();
  let writes: Write[] = [];
  let keeper = 0;
  let isMarked = true;
  const write = async <T>(body: (index: Index) => Promise<T>): Promise<T> => {
    writes.push(body);
    return body(index);
  };
  const keep = async (count: number): Promise<void> => {
    writes = writes.slice(0, Math.max(0, count));
    index = openMemoryIndex();
    for (const one of writes) await one(index);
    isMarked = false;
  };
  const lossy: Index = {
    get: (keys) => index.get(keys),
    putIfAbsent: (entries) => write((to) => to.putIfAbsent(entries)),
    restore: (entries, final) => write((to) => to.restore(entries, final)),
    moveMarks([from], to) {
      const known = `${keeper}`;
      return write(async (on) => {
        const [present] = await on.readMarks();
        const { text = null, keeper: by = "" } = from ?? {};
        if ((present?.text?.split(" ")[1] ?? null) !== text || by !== known) return;
        isMarked = !to.startsWith(CLAIM);
        await on.moveMarks([present as IndexMark], `${by} ${to}`);
      });
    },
    async readMarks() {
      const [mark] = await index.readMarks();
      const [by = null, text = null] = mark?.text?.split(" ") ?? [];
      return [{ text, keeper: `${keeper}`, doubtful: by !== null && by !== `${keeper}` }];
    },
    close: async () => {},
  };
  return {
    index: lossy,
    async loseLast(count: number) {
      keeper += 1;
      await keep(writes.length - count);
    },
    /** FLUSHALL: the server goes on. */
    loseAll: () => keep(0),
    isMarked: () => isMarked,
  };
}
