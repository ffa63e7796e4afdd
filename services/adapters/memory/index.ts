// The identity index in a plain map.

import type { Index } from "#ports/index.ts";

export function openMemoryIndex(): Index {
  const values = new Map<string, string>();
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
    async close() {},
  };
}
