// The identity index over the embedded file.

import type { Index } from "#ports/index.ts";
import { StoreUnavailable } from "#ports/store.ts";
import type { Database } from "./database.ts";

/** No key of the index is empty. */
const MARK_KEY = "";

export function openEmbeddedIndex(database: Database): Index {
  const selectRoute = database.sqlite.prepare("SELECT value FROM routes WHERE key = ?");
  const upsertRoute = database.sqlite.prepare(
    "INSERT INTO routes VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  const insertRoute = database.sqlite.prepare("INSERT INTO routes VALUES (?, ?)");

  function readRoute(key: string): string | null {
    const value = selectRoute.get(key)?.["value"];
    return typeof value === "string" ? value : null;
  }

  return {
    async get(keys) {
      return guard(() => keys.map(readRoute));
    },
    async putIfAbsent(entries) {
      return guard(() =>
        database.transact(() =>
          entries.map(({ key, value }) => {
            const present = readRoute(key);
            if (present === null) insertRoute.run(key, value);
            return present ?? value;
          }),
        ),
      );
    },
    async restore(entries, final) {
      guard(() =>
        database.transact(() => {
          for (const { key, value } of entries)
            if (final === undefined || readRoute(key) !== final) upsertRoute.run(key, value);
        }),
      );
    },
    async readMarks() {
      return guard(() => [{ text: readRoute(MARK_KEY), keeper: "", doubtful: false }]);
    },
    async moveMarks([from], to) {
      guard(() =>
        database.transact(() => {
          if (readRoute(MARK_KEY) === from?.text && from.keeper === "") upsertRoute.run(MARK_KEY, to);
        }),
      );
    },
    async close() {},
  };
}

function guard<Result>(body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    if (error instanceof Error && "errcode" in error) throw new StoreUnavailable(error.message, { cause: error });
    throw error;
  }
}
