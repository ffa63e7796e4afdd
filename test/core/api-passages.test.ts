// Histories and reports over HTTP: what the topics told, page by page, and what `weft report` makes of the same.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { topicNames } from "#services/config/topics.ts";
import { MARIE } from "#services/demo/cast.ts";
import { readTopic } from "#services/report/intake.ts";
import { Ledger } from "#services/report/ledger.ts";
import { REPORT_KINDS, writeReport } from "#services/report/reports.ts";
import { expectAnswer, listFormerIds, openTestApi, playWeek, serveStage, type TestApi } from "#support/api.ts";

let api: TestApi;
serveStage(playWeek, (opened) => void (api = opened));

const marie = { namespace: "customer", value: MARIE.account.customer };

async function idOfMarie(): Promise<string> {
  return expectAnswer(await api.as(api.keys.agent).lookUp({ body: marie })).profileId;
}

/** By the topics, in a file of their own. */
async function openOwnLedger(): Promise<Ledger> {
  const { loaded, log, codec } = api.surroundings;
  const ledger = new Ledger();
  await readTopic({ log, codec }, ledger, topicNames(loaded), { follow: false });
  return ledger;
}

test("a history says each segment, since when and why, the latest first, and pages of one are the whole (S7)", async () => {
  const client = api.as(api.keys.analyst);
  const id = await idOfMarie();
  const whole = expectAnswer(await client.readTransitions({ params: { id }, query: { limit: 100 } }));
  assert.equal(whole.profileId, id);
  const [latest] = whole.transitions;
  assert.deepEqual([latest?.from, latest?.to], ["multi-buyer", "ambassador"]);
  assert.deepEqual(latest?.decisive, ["orders.spentMinor", "orders.valid"]);
  assert.deepEqual([latest?.source, latest?.cause], ["web", "event"]);
  assert.match(latest?.rule ?? "", /orders.valid >= 5/, "the rule that held, with its version and the event");
  assert.ok(latest?.ruleVersion !== "" && latest?.eventId !== null);
  const { segment } = expectAnswer(await client.readProfile({ params: { id } }));
  assert.deepEqual(segment, { name: latest?.to, since: latest?.at });
  const chain = whole.transitions.toReversed();
  for (const [n, { from }] of chain.entries()) assert.equal(from, chain[n - 1]?.to ?? null);
  const paged = [];
  for (let before: string | undefined, more = true; more; ) {
    const query = before === undefined ? { limit: 1 } : { limit: 1, before };
    const { transitions, next } = expectAnswer(await client.readTransitions({ params: { id }, query }));
    paged.push(...transitions);
    [before, more] = [next ?? undefined, next !== null];
  }
  assert.deepEqual(paged, whole.transitions);
  const strange = { limit: 1, before: `${"A".repeat(22)}.1` };
  assert.deepEqual(expectAnswer(await client.readTransitions({ params: { id }, query: strange })).transitions, []);
});

test("a former id leads to the history of whose it went into, and nobody's id to nobody", async () => {
  const client = api.as(api.keys.reader);
  const id = await idOfMarie();
  const former = await listFormerIds(api.surroundings, id);
  assert.ok(former.length > 0);
  const own = expectAnswer(await client.readTransitions({ params: { id } }));
  for (const old of former) {
    const led = expectAnswer(await client.readTransitions({ params: { id: old } }));
    assert.deepEqual([led.profileId, led.transitions], [id, own.transitions]);
  }
  assert.equal((await client.readTransitions({ params: { id: "A".repeat(22) } })).status, 404);
});

test("each report is the command's, also when all are asked for at once", async () => {
  const client = api.as(api.keys.analyst);
  const ledger = await openOwnLedger();
  const days = { since: "2026-03-02", until: "2026-03-04", nature: "behaviour" } as const;
  await Promise.all(
    [{}, days].flatMap((query) =>
      REPORT_KINDS.map(async (kind) => {
        const { sheets } = expectAnswer(await client.readReport({ params: { kind }, query }));
        const wanted = writeReport(kind, ledger, query).map(({ name, title, rows }) => {
          return { name, title, rows: rows.map((row) => Object.entries(row)) };
        });
        const got = sheets.map(({ name, title, columns, rows }) => {
          return { name, title, rows: rows.map((row) => row.map((cell, n) => [columns[n], cell])) };
        });
        const holds = kind === "quality" ? got.pop() : undefined;
        assert.deepEqual(got, wanted);
        if (holds !== undefined) assert.deepEqual([holds.name, holds.rows], ["holds", []]);
      }),
    ),
  );
  assert.ok(writeReport("matrix", ledger, days).some(({ rows }) => rows.length > 0));
  ledger.close();
});

test("no report names a profile or an identifier (G2)", async () => {
  const client = api.as(api.keys.admin);
  const told = await Promise.all(
    REPORT_KINDS.map(async (kind) => JSON.stringify(expectAnswer(await client.readReport({ params: { kind } })))),
  );
  const ids = (await openOwnLedger()).sqlite.prepare("SELECT DISTINCT profile FROM passages").all();
  assert.ok(ids.length > 10);
  for (const { profile } of ids) assert.ok(!told.join("").includes(String(profile)));
  for (const value of [MARIE.email.email, MARIE.account.customer]) assert.ok(!told.join("").includes(value));
});

test("who is erased has no history any more, and is nobody in the file (G1)", async () => {
  const file = join(api.stage.folder, "passages.sqlite");
  const own = await openTestApi(api.stage, { api: { passagesFile: file } });
  const id = await idOfMarie();
  const ids = [id, ...(await listFormerIds(api.surroundings, id))];
  const officer = own.as(own.keys.privacy);
  const countHers = () => {
    const sqlite = new DatabaseSync(file, { readOnly: true });
    const rows = sqlite.prepare("SELECT profile FROM passages").all();
    sqlite.close();
    return { hers: rows.filter(({ profile }) => ids.includes(String(profile))).length, all: rows.length };
  };
  assert.equal((await officer.readTransitions({ params: { id } })).status, 200);
  const before = countHers();
  assert.ok(before.hers > 1);
  assert.equal(expectAnswer(await officer.erase({ body: { identifier: marie, reason: "r" } })).state, "effective");
  assert.equal((await officer.readTransitions({ params: { id } })).status, 404);
  expectAnswer(await own.as(own.keys.analyst).readReport({ params: { kind: "matrix" } }));
  assert.deepEqual(countHers(), { hers: 0, all: before.all + 1 }, "in the file she is nobody, and went");
  await own.close();
});

test("a server that is closed waits for no report", async () => {
  const own = await openTestApi(api.stage);
  const asked = own.as(own.keys.analyst).readReport({ params: { kind: "matrix" } });
  await own.close();
  const reply = await asked;
  if (!reply.ok) assert.equal(reply.problem.code, "closing");
});
