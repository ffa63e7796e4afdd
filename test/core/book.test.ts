// The file of a reader of topics: when it may not be gone on with.

import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Book } from "#services/report/book.ts";

const TABLES = "CREATE TABLE IF NOT EXISTS names (name TEXT);";

function openFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "weft-book-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "book.sqlite");
}

function namesIn(book: Book): unknown[] {
  return book.sqlite
    .prepare("SELECT name FROM names")
    .all()
    .map(({ name }) => name);
}

test("a file of another format is begun anew, positions too; one of the same goes on", (t) => {
  const file = openFile(t);
  const record = { topic: "t", partition: 0, offset: 4, key: null, value: null, headers: {}, timestampMs: 0 };
  const reopen = (format: number, use: (book: Book) => void) => {
    const book = new Book(TABLES, file, { format });
    use(book);
    book.close();
  };
  reopen(0, (book) => {
    book.transact(() => {
      book.sqlite.exec("INSERT INTO names VALUES ('kept')");
      book.moveTo([record]);
    });
  });
  reopen(0, (book) => deepEqual(namesIn(book), ["kept"]));
  reopen(1, (book) => {
    deepEqual(namesIn(book), []);
    deepEqual(book.sqlite.prepare("SELECT * FROM positions").all(), []);
  });
});
