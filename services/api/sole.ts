// A file that is one process's alone while it runs. Held as SQLite holds a database, by a lock of the operating system, which
// is gone with the process however it ends.

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

export class FileInUse extends Error {
  readonly code = "file-in-use";
}

/** Gives back what lets it go. Throws FileInUse where somebody else has it, and goes on having it for `waitMs`. */
export function holdAlone(path: string, key: string, waitMs = 0): () => void {
  if (path === ":memory:") return () => {};
  mkdirSync(dirname(path), { recursive: true });
  const lock = new DatabaseSync(`${path}.lock`, { timeout: waitMs });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    throw new FileInUse(`${key} is ${path}, which another process has`, { cause: error });
  }
  return () => {
    if (lock.isOpen) lock.close();
  };
}
