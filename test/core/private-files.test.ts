// Files that hold what is said of people are the process's user's alone, whatever the umask: SQLite gives what it puts beside
// a file the rights of the file.

import { deepEqual, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { openEmbedded } from "#adapters/embedded/embedded.ts";
import { openStage } from "#services/cli/stage.ts";
import { writePrivateFile } from "#services/fold/private-file.ts";
import { Book } from "#services/report/book.ts";
import { tell } from "#support/fold-events.ts";
import { makeFolder } from "#support/folder.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";

function openFolder(t: TestContext): string {
  const folder = makeFolder("private");
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
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

const exec = promisify(execFile);
const weft = (...words: string[]) => exec(process.execPath, ["services/cli/main.ts", ...words]);

test("nor what a person is given of what is kept, folds and reports", async (t) => {
  const folder = openFolder(t);
  const stage = await openStage();
  t.after(() => stage.remove());
  const event = tell("crm", 1, "identified", { customer: "C-1" }, { traits: { lastName: "Lefort" } });
  await stage.play(event.recordedAt, [event]);
  await stage.close();
  const [csv, out, html] = ["csv", "out", "page.html"].map((name) => join(folder, name)) as [string, string, string];
  const events = join(folder, "events.jsonl");
  const span = { fromMs: event.recordedAt, toMs: event.recordedAt + 86_400_000 };
  writeFileSync(events, formatTraffic(createTraffic({ seed: 1, people: 3, events: 20, ...span })));
  writeFileSync(html, "of before, and for everybody", { mode: 0o666 });
  await weft("--embedded", "--config", stage.configFile, "privacy", "export", "customer:C-1", "--csv", csv);
  await weft("--config", stage.configFile, "fold", "--quiet", "--out", out, events);
  await weft("report", "matrix", "--from", out, "--html", html);
  rmSync(events);
  deepEqual(listRights(folder), ["csv 700", "out 700", "page.html 600"]);
  for (const written of [csv, out]) {
    const rights = listRights(written);
    ok(rights.length > 5 && rights.every((one) => one.endsWith(" 600")), rights.join());
  }
});

test("whatever takes what is written and is no file keeps its rights", () => {
  const { mode } = statSync("/dev/null");
  writePrivateFile("/dev/null", "text");
  deepEqual(statSync("/dev/null").mode, mode);
});
