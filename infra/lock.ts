// One holder at a time, across processes: a file created exclusively that names its holder. A lock whose holder is no
// longer alive is taken over.

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessIdentity } from "./process.ts";
import { identifySelf, isAlive } from "./process.ts";

function readHolder(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

function isHeld(content: string): boolean {
  try {
    return isAlive(JSON.parse(content) as ProcessIdentity);
  } catch {
    // Half written: the holder is about to finish it.
    return true;
  }
}

function breakLock(file: string, staleContent: string): void {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
    // Somebody may have broken and taken it between our look and the rename: give it back.
    if (readHolder(aside) !== staleContent) renameSync(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  rmSync(aside, { force: true });
}

export async function withLock<T>(file: string, waitMs: number, run: () => Promise<T>): Promise<T> {
  const endMs = Date.now() + waitMs;
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(identifySelf()), { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const content = readHolder(file);
    if (content !== null && !isHeld(content)) breakLock(file, content);
    else if (Date.now() > endMs) throw new Error(`${file} is held by another process: ${content ?? "unknown"}`);
    else await sleep(100);
  }
  try {
    return await run();
  } finally {
    rmSync(file, { force: true });
  }
}
