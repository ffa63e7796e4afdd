// The identity index in a plain map.

import type { Index } from "#ports/index.ts";

export function openMemoryIndex(): Index {
  const values = new Map<string, string>();
  let kept: string | null = null;
  return {
    async get(keys) {
      return keys.map((key) => values.get(key) ?? null);
    },
    async putIfAbsent(entries) {
      return entries.map(({ key, value }) => {
        const present = values.get(key);
        if (present === undefined) values.set(key, value);
        return present ?? value;
      });
    },
    async restore(entries, final) {
      for (const { key, value } of entries)
        if (final === undefined || values.get(key) !== final) values.set(key, value);
    },
    async readMarks() {
      return [{ text: kept, keeper: "", doubtful: false }];
    },
    async moveMarks([from], to) {
      if (kept === from?.text && from.keeper === "") kept = to;
    },
    async close() {},
  };
}
