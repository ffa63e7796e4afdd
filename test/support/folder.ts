// Folders of tests, in the temporary directory, gone when the process that made them ends: whatever still writes into one
// (a child, a server) must have ended before. Not behind each test: many are a whole file's.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitOnInterruption } from "./interruption.ts";

const made: string[] = [];

export function makeFolder(name: string): string {
  if (made.length === 0) {
    process.once("exit", removeAll);
    exitOnInterruption();
  }
  const folder = mkdtempSync(join(tmpdir(), `weft-${name}-`));
  made.push(folder);
  return folder;
}

function removeAll(): void {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
}
