// Log, store and index of one machine without servers, over one SQLite file and one process at a time.

import type { Index } from "#ports/index.ts";
import type { Log } from "#ports/log.ts";
import { openDatabase } from "./database.ts";
import { openEmbeddedIndex } from "./index.ts";
import { openEmbeddedLog } from "./log.ts";
import type { EmbeddedStore } from "./store.ts";
import { openEmbeddedStore } from "./store.ts";

export interface Embedded {
  readonly log: Log;
  readonly store: EmbeddedStore;
  readonly index: Index;
  /** Closes the log (its memberships end first) and the file. */
  close(): Promise<void>;
}

/** Throws FileInUse while another process has the file. */
export function openEmbedded(options: {
  readonly file: string;
  /** Default full: what is acknowledged survives a power failure. See DatabaseOptions. */
  readonly sync?: "full" | "normal";
  readonly now?: () => number;
}): Embedded {
  const database = openDatabase({ file: options.file, sync: options.sync ?? "full" });
  const log = openEmbeddedLog(database, options.now ?? Date.now);
  return {
    log,
    store: openEmbeddedStore(database),
    index: openEmbeddedIndex(database),
    async close() {
      await log.close();
      database.close();
    },
  };
}
