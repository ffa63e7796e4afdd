// All that is kept of a person over HTTP: a job, for its author alone, for a while; the same data as the command prints.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readTrail } from "#services/api/audit.ts";
import { MARIE, NADIA, PAUL } from "#services/demo/cast.ts";
import { tabulateExport } from "#services/wire/subject-export.ts";
import { expectAnswer, exportFromStage, openTestApi, playWeek, serveStage, type TestApi } from "#support/api.ts";

let api: TestApi;
serveStage(playWeek, (opened) => void (api = opened));

const marie = { namespace: "customer", value: MARIE.account.customer };
type Officer = ReturnType<TestApi["as"]>;

async function fetchExport(officer: Officer, id: string, as: "json" | "csv" = "json") {
  for (let tries = 0; ; tries += 1) {
    const answer = expectAnswer(await officer.readExport({ params: { id }, query: { as } }));
    if (answer.state === "ready" || answer.state === "failed" || tries > 500) return answer;
    assert.deepEqual([answer.data, answer.tables, answer.profileId, answer.until], [null, null, null, null]);
    await delay(10);
  }
}

test("what is fetched is what the command prints, as JSON and as tables, and the trail names whose it was", async () => {
  const officer = api.as(api.keys.privacy);
  const { id, state } = expectAnswer(await officer.exportPerson({ body: { identifier: marie } }));
  assert.ok(state === "waiting" || state === "running", state);
  const json = await fetchExport(officer, id);
  const printed = await exportFromStage(api.stage, marie.namespace, marie.value);
  assert.ok(printed.ok && printed.data.events.length > 5);
  // The shard's time goes on between the two.
  assert.ok(json.data !== null);
  const { position, watermarks } = json.data;
  const expected = { ...printed.data, position, watermarks };
  assert.deepEqual(json.data, JSON.parse(JSON.stringify(expected)));
  const { transitions } = expectAnswer(
    await officer.readTransitions({ params: { id: json.data.profileId }, query: { limit: 100 } }),
  );
  const nameOf = ({ transitionId, retractedBy }: { transitionId: string; retractedBy: string | null }) =>
    `${transitionId} ${retractedBy}`;
  // Her history is of ids that led on to hers, these are also of those that went into it.
  const given = new Set(json.data.transitions.map(nameOf));
  assert.ok(transitions.length > 3 && transitions.every((one) => given.has(nameOf(one))));
  assert.ok(json.total > 0 && json.read === json.total, `${json.read} of ${json.total}`);
  assert.ok(json.until !== null && Date.parse(json.until) > Date.now());
  const csv = await fetchExport(officer, id, "csv");
  assert.deepEqual(
    csv.tables,
    [...tabulateExport(expected)].map(([name, text]) => ({ name, text })),
  );
  assert.equal(csv.data, null);
  const lines = readTrail(api.auditFile)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { route: string; profileIds: string[] });
  const told = lines.filter(({ route, profileIds }) => route === "GET /privacy/exports/:id" && profileIds.length > 0);
  assert.ok(lines.some(({ route }) => route === "POST /privacy/exports"));
  assert.deepEqual(new Set(told.flatMap(({ profileIds }) => profileIds)), new Set([json.profileId]));
  assert.ok(!api.logged.join("").includes(MARIE.email.email));
});

test("transitions that their topic has no more are given as the process's file keeps them (Art. 15)", async () => {
  let isAged = false;
  const own = await openTestApi(api.stage, {
    change: ({ log }) => {
      const read: typeof log.read = async function* (topics, options) {
        if (!isAged || !topics.includes("segment-transition")) yield* log.read(topics, options);
      };
      return { log: Object.assign(Object.create(log) as typeof log, { read }) };
    },
  });
  const officer = own.as(own.keys.privacy);
  const ask = async () => {
    const { id } = expectAnswer(await officer.exportPerson({ body: { identifier: marie } }));
    return (await fetchExport(officer, id)).data;
  };
  const before = await ask();
  expectAnswer(await officer.readTransitions({ params: { id: before?.profileId ?? "" } }));
  isAged = true;
  const after = await ask();
  assert.ok(before !== null && before.transitions.length > 3);
  assert.deepEqual(after?.transitions, before.transitions);
  await own.close();
});

test("nobody but its author fetches it; asked for again it is the same one; of nobody there is none", async () => {
  const officer = api.as(api.keys.privacy);
  const id = randomUUID();
  expectAnswer(await officer.exportPerson({ body: { id, identifier: marie } }));
  await fetchExport(officer, id);
  assert.equal(expectAnswer(await officer.exportPerson({ body: { id, identifier: marie } })).state, "ready");
  for (const key of [api.keys.admin, api.keys.agent, api.keys.reader])
    assert.equal((await api.as(key).readExport({ params: { id } })).status, 404);
  assert.equal((await api.as(api.keys.agent).exportPerson({ body: { identifier: marie } })).status, 403);
  assert.equal((await officer.readExport({ params: { id: randomUUID() } })).status, 404);
  for (const value of ["C-0000", MARIE.card.card]) {
    const refused = await officer.exportPerson({ body: { identifier: { ...marie, value } } });
    assert.ok(!refused.ok && refused.problem.code === "request-refused");
  }
});

test("of who is erased meanwhile nothing is fetched any more (G1)", async () => {
  const officer = api.as(api.keys.privacy);
  const identifier = { namespace: "customer", value: PAUL.account.customer };
  const { id } = expectAnswer(await officer.exportPerson({ body: { identifier } }));
  assert.equal((await fetchExport(officer, id)).state, "ready");
  assert.equal(expectAnswer(await officer.erase({ body: { identifier, reason: "r" } })).state, "effective");
  assert.equal((await officer.readExport({ params: { id } })).status, 404);
});

test("they wait for each other, sixteen at most, and are gone after their time", async () => {
  const identifier = { namespace: "customer", value: NADIA.account.customer };
  const long = await openTestApi(api.stage);
  const begin = () => long.as(long.keys.privacy).exportPerson({ body: { identifier } });
  for (let i = 0; i < 16; i += 1) expectAnswer(await begin());
  const full = await begin();
  assert.ok(!full.ok && full.problem.code === "too-many-exports" && full.retryAfter === 60);
  await long.close();
  const short = await openTestApi(api.stage, { limits: { exportTimes: { keptMs: 20 } } });
  const officer = short.as(short.keys.privacy);
  const { id } = expectAnswer(await officer.exportPerson({ body: { identifier } }));
  const isGone = async () => (await officer.readExport({ params: { id } })).status === 404;
  for (const deadline = Date.now() + 20_000; !(await isGone()); await delay(20)) assert.ok(Date.now() < deadline);
  await short.close();
});

test("one whose reading hangs is given up, with a code, and the next one is gathered; whoever failed takes nobody's place", async () => {
  let hanging = 1;
  const own = await openTestApi(api.stage, {
    limits: { exportTimes: { stallMs: 1000 } },
    change: ({ log }) => {
      const read: typeof log.read = async function* (topics, options) {
        if (topics.includes("weft.resolved") && hanging-- > 0) await new Promise(() => {});
        yield* log.read(topics, options);
      };
      return { log: Object.assign(Object.create(log) as typeof log, { read }) };
    },
  });
  const officer = own.as(own.keys.privacy);
  const begin = async () => expectAnswer(await officer.exportPerson({ body: { identifier: marie } })).id;
  const ids: string[] = [];
  for (let i = 0; i < 16; i += 1) ids.push(await begin());
  const [first = "", second = ""] = ids;
  assert.deepEqual((({ state, failure }) => [state, failure])(await fetchExport(officer, first)), [
    "failed",
    "export-stalled",
  ]);
  const { state, failure, data } = await fetchExport(officer, second);
  assert.ok(state === "ready" && failure === null && data !== null);
  await begin();
  assert.equal((await officer.readExport({ params: { id: first } })).status, 404);
  assert.ok(own.logged.some((line) => line.includes("ExportStalled")));
  await own.close();
});
