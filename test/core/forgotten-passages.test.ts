// The files of passages after an erasure: nothing in them says who it was, and every report counts what it counted (G1).

import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Output } from "#core/effect.ts";
import { listPassages } from "#services/report/history.ts";
import { readTopic } from "#services/report/intake.ts";
import { Ledger } from "#services/report/ledger.ts";
import { REPORT_KINDS, writeReport } from "#services/report/reports.ts";
import { makeFolder } from "#support/folder.ts";
import { runs } from "#support/property.ts";
import { someMove } from "#support/moves.ts";
import { openToldTopics, topics } from "#support/told-topics.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 2, 2, 9, 17, 23, 456);
const FORMER = "formerid00000000000000";
const HERS = "heridid000000000000000";
const OTHER = "otherid000000000000000";
const CANARIES = [FORMER, HERS, "canary-event", "canary-source", "canary-rule", "canary-tier"];

function causeAt(minute: number) {
  const at = START_MS + minute * MINUTE_MS;
  return { source: "canary-source", eventId: "canary-event", at, occurredAt: at, backfill: false, traceparent: null };
}

function move(profileId: string, n: number, minute: number, [from, to]: readonly (string | null)[], more: object = {}) {
  const touch = {
    source: "web",
    eventId: "canary-event",
    at: START_MS,
    channel: "social",
    campaignId: "spring",
    medium: "paid",
  };
  return someMove({
    profileId,
    transitionId: `${profileId}.${n}`,
    from: from ?? null,
    to: to ?? null,
    by: causeAt(minute),
    rule: "canary-rule",
    valueTier: "canary-tier",
    timeInFormerMs: n * MINUTE_MS,
    decisive: ["orders.valid"],
    touches: [touch] as never,
    credit: [{ channel: "social", touches: 1, first: 1, last: 1, linear: 1, position: 1, timeDecay: 1 }] as never,
    ...more,
  });
}

const alias: Output = {
  kind: "identity-changed",
  change: "alias",
  changeId: `${HERS}.i1`,
  profileId: HERS,
  otherProfileId: FORMER,
  identifiers: [],
  identifiersCount: 0,
  cause: causeAt(10),
};
const lived: Output[] = [
  move(FORMER, 1, 0, [null, "visitor"]),
  move(FORMER, 2, 5, ["visitor", "prospect"]),
  alias,
  move(HERS, 1, 3000, ["prospect", "one-buyer"]),
  move(HERS, 2, 3001, ["one-buyer", "prospect"], { kind: "retraction", retracts: `${HERS}.1`, cause: "late-data" }),
  move(HERS, 3, 3002, ["prospect", "multi-buyer"]),
  move(OTHER, 1, 10, [null, "visitor"]),
];
const end = move(HERS, 4, 9000, ["multi-buyer", null], { cause: "erasure", nature: "artefact" });
const erasedAs = (profileId: string): Output => {
  return { kind: "profile-erased", profileId, requestId: "r-1", cause: causeAt(9000) };
};
const erasures = [end, erasedAs(FORMER), erasedAs(HERS)];

function openFile(): string {
  const folder = makeFolder("forgotten");
  return join(folder, "passages.sqlite");
}

function writeAll(ledger: Ledger): string {
  return JSON.stringify(
    REPORT_KINDS.map((kind) => writeReport(kind, ledger, {})),
    null,
    1,
  );
}

async function readAll(ledger: Ledger, ...batches: (readonly Output[])[]): Promise<void> {
  const told = await openToldTopics();
  for (const batch of batches) {
    await told.publish(batch);
    await readTopic(told, ledger, topics, { follow: false });
  }
}

test("who is erased is nobody in the file, byte by byte, and every report is as if she had only gone", async () => {
  const file = openFile();
  const [ledger, gone] = [new Ledger(file), new Ledger()];
  await readAll(gone, lived, [end]);
  await readAll(ledger, lived, erasures);
  equal(writeAll(ledger), writeAll(gone));
  const folder = join(file, "..");
  // What is left of her ids is that they are forgotten.
  const left = ledger.sqlite.prepare("SELECT profile, request FROM erased ORDER BY profile").all();
  deepEqual(
    left.map(({ profile, request }) => [profile, request]),
    [
      [FORMER, ""],
      [HERS, ""],
    ],
  );
  for (const table of ["passages", "aliases", "retractions", "decisive", "touches", "credits"]) {
    const told = JSON.stringify(ledger.sqlite.prepare(`SELECT * FROM ${table}`).all());
    for (const word of [FORMER, HERS]) ok(!told.includes(word), `${table} ${word}`);
  }
  const rows = ledger.sqlite.prepare("SELECT at, shard, source FROM passages WHERE profile <> ?").all(OTHER);
  equal(rows.length, 5);
  ok(rows.every(({ at, shard, source }) => Number(at) % MINUTE_MS === 0 && shard === -1 && source === null));
  equal(Math.min(...rows.map(({ at }) => Number(at))) % 86_400_000, 0, "no instant: from the day's begin on");
  equal(listPassages(ledger, OTHER, "", 9).passages[0]?.eventId, "canary-event", "everybody else's stays");
  ledger.sqlite.prepare("DELETE FROM passages WHERE profile = ?").run(OTHER);
  ledger.sqlite.exec("DELETE FROM erased");
  ledger.shed();
  const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name), "latin1"));
  for (const word of CANARIES) ok(!bytes.join("").includes(word), word);
  ledger.close();
  gone.close();
});

test("told again, in whatever order and however cut, she is counted once and stays nobody", async () => {
  const all = [...lived, ...erasures];
  const gone = new Ledger();
  await readAll(gone, lived, [end]);
  const wanted = writeAll(gone);
  gone.close();
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(all, { minLength: all.length }), fc.nat(all.length), async (order, cut) => {
      const ledger = new Ledger();
      // The topics' own places, whatever order they are read in.
      const steps = order.map((output) => [all.indexOf(output), output] as const);
      ledger.transact(() => steps.forEach(([place, output]) => take(ledger, output, place)));
      await ledger.forget();
      equal(writeAll(ledger), wanted);
      for (const half of [steps.slice(0, cut), steps.slice(cut)]) {
        ledger.transact(() => half.forEach(([place, output]) => take(ledger, output, place)));
        await ledger.forget();
      }
      equal(writeAll(ledger), wanted);
      const ids = ledger.sqlite.prepare("SELECT profile FROM passages UNION SELECT old FROM aliases").all();
      ok(ids.every(({ profile }) => profile !== FORMER && profile !== HERS));
      ledger.close();
    }),
    runs(100),
  );
});

test("what an id goes through after it was erased is its own again, and of whom it was before nothing leads to her", async () => {
  const ledger = new Ledger();
  const again = move(FORMER, 3, 9005, [null, "visitor"], { cause: "split" });
  await readAll(ledger, lived, [end, erasedAs(HERS)], [again]);
  deepEqual(
    listPassages(ledger, FORMER, "", 9).passages.map(({ transitionId }) => transitionId),
    [`${FORMER}.3`, `${FORMER}.2`, `${FORMER}.1`],
  );
  deepEqual(ledger.sqlite.prepare("SELECT * FROM aliases").all(), []);
  ledger.close();
  const both = new Ledger();
  await readAll(both, [...lived, ...erasures, again]);
  deepEqual(
    listPassages(both, FORMER, "", 9).passages.map(({ transitionId }) => transitionId),
    [`${FORMER}.3`],
  );
  both.close();
});

test("what comes after she was forgotten is counted, and nobody's", async () => {
  const ledger = new Ledger();
  const isFormers = (one: Output) => one.kind === "transition" && one.profileId === FORMER;
  const all = [...lived, ...erasures];
  for (const isLate of [false, true]) {
    ledger.transact(() => all.forEach((one, place) => void (isFormers(one) === isLate && take(ledger, one, place))));
    await ledger.forget();
  }
  const rows = ledger.sqlite.prepare("SELECT profile, eventId FROM passages WHERE profile <> ?").all(OTHER);
  equal(rows.length, 5);
  for (const { profile, eventId } of rows) ok(profile !== FORMER && profile !== HERS && eventId === null);
  ledger.close();
});

function take(ledger: Ledger, output: Output, place: number): void {
  const where = { shard: 0, offset: place, step: 0 };
  if (output.kind === "profile-erased") ledger.addErasure({ ...output, at: output.cause.at, ...where });
  else if (output.kind === "identity-changed") ledger.addAlias({ ...output, at: output.cause.at, ...where });
  else if (output.kind === "transition" || output.kind === "retraction")
    ledger.add({ ...output, ...output.by, ...where });
}
