// Files that hold what is said of people are the process's user's alone, whatever the umask: SQLite gives what it puts beside
// a file the rights of the file.

import { deepEqual } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openEmbedded } from "#adapters/embedded/embedded.ts";
import { Book } from "#services/report/book.ts";

function openFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "weft-private-"));
  const umask = process.umask(0);
  t.after(() => {
    process.umask(umask);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

function listRights(folder: string): string[] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => `${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`);
}

test("nobody else on the machine may read the embedded log and store", async (t) => {
  const folder = openFolder(t);
  const embedded = openEmbedded({ file: join(folder, "weft.sqlite"), sync: "normal" });
  t.after(() => embedded.close());
  await embedded.log.createTopics([{ name: "topic", partitions: 1, config: {} }]);
  deepEqual(listRights(folder), ["weft.sqlite 600", "weft.sqlite-wal 600"]);
});

test("nor what is read off the outputs for the API and reports", (t) => {
  const folder = openFolder(t);
  const book = new Book("CREATE TABLE IF NOT EXISTS names (name TEXT);", join(folder, "book.sqlite"));
  t.after(() => book.sqlite.close());
  deepEqual(listRights(folder), ["book.sqlite 600", "book.sqlite-shm 600", "book.sqlite-wal 600"]);
});
