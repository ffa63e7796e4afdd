// The file of a reader of topics: when it may not be gone on with, by a clock that the test has.

import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Directory } from "#services/api/directory.ts";
import { Gate } from "#services/api/outage.ts";
import { Book, readOn } from "#services/report/book.ts";
import { Ledger } from "#services/report/ledger.ts";
import { readTopic } from "#services/report/intake.ts";
import { makeFolder } from "#support/folder.ts";
import { hash } from "#support/histories.ts";
import { someMove } from "#support/moves.ts";
import { openToldTopics, topics } from "#support/told-topics.ts";

const TABLES = "CREATE TABLE IF NOT EXISTS names (name TEXT);";

function openFile(): string {
  const folder = makeFolder("book");
  return join(folder, "book.sqlite");
}

function namesIn(book: Book): unknown[] {
  return book.sqlite
    .prepare("SELECT name FROM names")
    .all()
    .map(({ name }) => name);
}

test("a file of another format is begun anew, positions too; one of the same goes on", () => {
  const file = openFile();
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

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 2, 2);

test("a file that has not caught up for longer than that something is no more can be read is begun anew (G1)", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: START_MS });
  const file = openFile();
  const told = await openToldTopics();
  const topic = topics.segmentTransition;
  await told.publish([someMove({ transitionId: "p.1" })]);
  const readBy = async (days: number) => {
    t.mock.timers.setTime(START_MS + days * DAY_MS);
    let anew = 0;
    const book = new Book(TABLES, file, { awayMaxMs: 6 * DAY_MS, onAwayTooLong: () => void (anew += 1) });
    const insert = book.sqlite.prepare("INSERT INTO names VALUES (?)");
    await readOn(told, book, [topic], () => void insert.run(String(days)), { follow: false });
    const names = namesIn(book);
    book.close();
    return [names, anew];
  };
  deepEqual(await readBy(0), [["0"], 0]);
  deepEqual(await readBy(6), [["0"], 0], "it is in time");
  deepEqual(await readBy(11), [["0"], 0], "and counts from when it last caught up");
  deepEqual(await readBy(18), [["18"], 1]);
  deepEqual(await readBy(19), [["18"], 0]);
});

test("a file of which nobody knows when it caught up is begun anew, and a reader that was stopped has not caught up", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: START_MS });
  const file = openFile();
  const told = await openToldTopics();
  await told.publish([someMove({ transitionId: "p.1" })]);
  const read = async (signal?: AbortSignal) => {
    let anew = 0;
    const book = new Book(TABLES, file, { awayMaxMs: DAY_MS, onAwayTooLong: () => void (anew += 1) });
    const options = { follow: false, ...(signal === undefined ? {} : { signal }) };
    await readOn(told, book, [topics.segmentTransition], () => {}, options);
    book.close();
    return anew;
  };
  await read();
  const book = new Book(TABLES, file);
  book.sqlite.exec("DELETE FROM caughtUp");
  book.close();
  deepEqual(await read(), 1);
  t.mock.timers.setTime(START_MS + 0.9 * DAY_MS);
  await read(AbortSignal.abort());
  t.mock.timers.setTime(START_MS + 1.1 * DAY_MS);
  deepEqual(await read(), 1);
});

test("the directory has nobody any more whose tombstone is gone before it is read on; passages neither (G1)", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: START_MS });
  const file = openFile();
  const told = await openToldTopics();
  const key = "A".repeat(22);
  const gone = new Book(
    "CREATE TABLE people (key TEXT NOT NULL, profile TEXT NOT NULL, PRIMARY KEY (key, profile)) WITHOUT ROWID;",
    file,
    { awayMaxMs: DAY_MS },
  );
  gone.noteCaughtUp(START_MS);
  gone.sqlite.exec(`INSERT INTO people VALUES ('${key}', 'erased'); INSERT INTO positions VALUES ('x/0', 0)`);
  gone.close();
  const find = async (days: number) => {
    t.mock.timers.setTime(START_MS + days * DAY_MS);
    const gate = new Gate("directory-behind", 2000);
    const directory = new Directory(file, told, { topic: topics.profileState, hash, gate });
    await directory.catchUp();
    await directory.close();
    const book = new Book("", file);
    const rows = book.sqlite.prepare("SELECT profile FROM people").all();
    book.close();
    return rows.length;
  };
  deepEqual([await find(5.9), await find(12.1)], [1, 0]);

  const passages = openFile();
  await told.publish([someMove({ transitionId: "p.1" })]);
  const count = async (days: number, { log, codec } = told) => {
    t.mock.timers.setTime(START_MS + days * DAY_MS);
    const ledger = new Ledger(passages);
    await readTopic({ log, codec }, ledger, topics, { follow: false });
    const rows = ledger.sqlite.prepare("SELECT id FROM passages").all();
    ledger.close();
    return rows.length;
  };
  const aged = await openToldTopics();
  deepEqual([await count(20), await count(48, aged), await count(78, aged)], [1, 1, 0]);
});
