// The audit trail: what is in it, and that nothing can be changed in it unnoticed.

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LogError } from "#ports/log.ts";
import { AuditBroken, type AuditEntry, AuditTrail, readTrail, verifyTrail } from "#services/api/audit.ts";
import { FileInUse } from "#services/api/sole.ts";
import { CLAIRE, LANDLINE, MARIE, YANN } from "#services/demo/cast.ts";
import type { Stage } from "#services/cli/stage.ts";
import { expectAnswer, openTestApi, playWeek, shareStage } from "#support/api.ts";

let stage: Stage;
shareStage(playWeek, (opened) => void (stage = opened));

const marie = { namespace: "phone", value: MARIE.phone.phone };
const customer = { namespace: "customer", value: MARIE.account.customer };

const parseLines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEntry);

const outcomesOf = ({ auditFile }: { readonly auditFile: string }) =>
  parseLines(readTrail(auditFile)).map(({ route, outcome }) => [route, outcome]);

async function writeTrail() {
  const api = await openTestApi(stage);
  const agent = api.as(api.keys.agent);
  const { profileId } = expectAnswer(await agent.lookUp({ body: marie }));
  await agent.viewCaller({ body: { phone: marie.value } });
  await api.as(api.keys.reader).lookUp({ body: marie });
  await agent.lookUp({ body: { namespace: "phone", value: "06 39 98 99 99" } });
  await api.as(api.keys.operator).rule({ body: { verdict: "linked", identifiers: [marie, marie], reason: "r" } });
  await agent.note({ body: { identifier: customer, text: "rings back at five" } });
  await agent.explain({ body: { identifiers: [marie, customer] } });
  await api.close();
  const { mode } = statSync(api.auditFile);
  const secret = stage.loaded.deployment.identityKey.bytes;
  return { profileId, text: readFileSync(api.auditFile, "utf8"), secret, mode };
}

test("who was shown whose values and who commanded what is a line each, without a personal value (G2)", async () => {
  const { text, profileId, secret, mode } = await writeTrail();
  const lines = parseLines(text);
  assert.deepEqual(
    lines.map(({ route, profileIds, outcome }) => [route, profileIds, outcome]),
    [
      ["POST /profiles/lookup", [profileId], "shown"],
      ["POST /profiles/agent-view", [profileId], "shown"],
      ["POST /rulings", [], "ruling-refused"],
      ["POST /notes", [profileId], "begun"],
      ["POST /notes", [profileId], "done"],
      ["POST /profiles/explain", [profileId], "shown"],
    ],
  );
  assert.ok(lines.every(({ caller, requestId }) => caller.startsWith("key:") && requestId.length === 36));
  for (const value of [MARIE.email.email, "39980017", "39 98 00 17", "Lefort", MARIE.account.customer])
    assert.ok(!text.includes(value), value);
  assert.equal(verifyTrail(text, secret).n, 6);
  assert.equal(mode & 0o777, 0o600, "its owner's alone");
});

test("a line changed, taken out, put in, moved or torn is found; cut off the end it is by a head that was known", async () => {
  const { text, secret } = await writeTrail();
  const lines = text.trimEnd().split("\n");
  const head = verifyTrail(text, secret);
  const write = (list: readonly string[]) => list.map((line) => `${line}\n`).join("");
  let found = 0;
  const expectBroken = (changed: string, known = { n: 0, chain: "" }) => {
    assert.throws(() => verifyTrail(changed, secret, known), AuditBroken, changed.slice(0, 300));
    found += 1;
  };
  for (const [i, line] of lines.entries()) {
    for (const key of ["n", "at", "requestId", "caller", "route", "profileIds", "outcome", "chain"]) {
      // Of two under one name `JSON.parse` takes the latter, and whoever reads the line may take the former.
      expectBroken(write(lines.with(i, line.replace(`"${key}":`, `"${key}":"x","${key}":`))));
      expectBroken(write(lines.with(i, line.replace(`"${key}":`, `"${key}": `))));
      const value = JSON.parse(line) as Record<string, unknown>;
      value[key] = key === "n" ? 7 : key === "profileIds" ? ["x"] : "x";
      expectBroken(write(lines.with(i, JSON.stringify(value))));
    }
    expectBroken(write(lines.with(i, line.replace("{", '{"more":1,'))));
    if (i < lines.length - 1) expectBroken(write(lines.toSpliced(i, 1)));
    expectBroken(write(lines.toSpliced(i, 0, line)));
    if (i > 0) expectBroken(write(lines.with(i, lines[i - 1] as string).with(i - 1, line)));
    expectBroken(write(lines.slice(0, i)), head);
  }
  expectBroken(text.slice(0, -1));
  expectBroken(write(lines.with(0, "not a line")));
  assert.throws(() => verifyTrail(text, Buffer.alloc(32)), AuditBroken);
  assert.ok(found > 40);
});

test("a line tells what came of a command, whatever it is refused by once it has begun", async () => {
  let failing: "endOffsets" | "append" | null = null;
  const fail = () => Promise.reject(new LogError("log-unavailable", "Kafka is away"));
  const api = await openTestApi(stage, {
    change: ({ log }) => ({
      log: {
        ...log,
        endOffsets: (topics) => (failing === "endOffsets" ? fail() : log.endOffsets(topics)),
        append: (records) => (failing === "append" ? fail() : log.append(records)),
      },
    }),
  });
  const command = () =>
    api.as(api.keys.admin).correct({
      body: { identifier: customer, correction: { kind: "objection", purpose: "marketing" }, reason: "r" },
    });
  const found = [];
  for (failing of ["endOffsets", "append", null] as const) found.push((await command()).status);
  assert.deepEqual(found, [503, 503, 202]);
  failing = "endOffsets";
  const erased = await api.as(api.keys.privacy).erase({ body: { identifier: customer, reason: "r" } });
  assert.equal(erased.status, 503);
  await api.close();
  const route = "POST /privacy/corrections";
  assert.deepEqual(outcomesOf(api), [
    ...["begun", "log-unavailable", "begun", "outcome-unknown", "begun", "done"].map((outcome) => [route, outcome]),
    ["POST /privacy/erasures", "begun"],
    ["POST /privacy/erasures", "log-unavailable"],
  ]);
  const lines = parseLines(readTrail(api.auditFile));
  assert.equal(new Set(lines.map(({ requestId }) => requestId)).size, 4, "both lines are one request's");
  assert.equal(new Set(lines.map(({ profileIds }) => profileIds.join())).size, 1, "and about one person");
});

test("a command that is refused at the door has its line, one over the limit only the first of a row", async () => {
  const api = await openTestApi(stage, { api: { requestsPerMinute: 7 } });
  const post = (key: string | null, url: string, payload: string | object, headers: Record<string, string> = {}) =>
    api.app.inject({
      method: "POST",
      url,
      payload,
      headers: {
        "content-type": "application/json",
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
    });
  const erasure = { identifier: customer, reason: "r" };
  const { agent, privacy } = api.keys;
  const statuses = [];
  for (const answer of [
    await post(null, "/privacy/erasures", erasure),
    await post(agent, "/privacy/erasures", erasure),
    await post(agent, "/privacy/exports", { identifier: customer }),
    await post(agent, "/notes", { identifier: customer, words: MARIE.email.email }),
    await post(agent, "/notes", `{"identifier":"${MARIE.email.email}`),
    await post(agent, "/notes", erasure, { "content-type": "text/plain" }),
    await post(agent, "/notes", erasure, { "content-encoding": "gzip" }),
    await post(agent, "/notes", `"${"x".repeat(300_000)}"`),
    ...(await Promise.all(Array.from({ length: 5 }, () => post(agent, "/notes", erasure)))),
    await post(privacy, "/privacy/exports?as=x", erasure),
    await post(privacy, "/profiles/lookup", {}),
  ])
    statuses.push(answer.statusCode);
  assert.deepEqual(statuses, [401, 403, 403, 400, 400, 415, 415, 413, 429, 429, 429, 429, 429, 400, 400]);
  await api.close();
  assert.deepEqual(outcomesOf(api), [
    ["POST /privacy/erasures", "forbidden"],
    ["POST /privacy/exports", "forbidden"],
    ["POST /notes", "malformed-request"],
    ["POST /notes", "malformed-request"],
    ["POST /notes", "unsupported-media-type"],
    ["POST /notes", "unsupported-media-type"],
    ["POST /notes", "too-large"],
    ["POST /notes", "too-many-requests"],
    ["POST /privacy/exports", "malformed-request"],
  ]);
  assert.ok(!readTrail(api.auditFile).includes(MARIE.email.email));
});

test("a line of an explanation names everybody of whom it shows something (G2)", async () => {
  const api = await openTestApi(stage);
  const agent = api.as(api.keys.agent);
  const contacts = [YANN, CLAIRE].map(({ contact }) => ({ namespace: "crm-contact", value: contact["crm-contact"] }));
  const ids = [];
  for (const body of contacts) ids.push(expectAnswer(await api.as(api.keys.reader).lookUp({ body })).profileId);
  const landline = { namespace: "phone", value: LANDLINE.phone };
  const told = expectAnswer(await agent.explain({ body: { identifiers: [landline] } }));
  for (const { value } of contacts) assert.ok(JSON.stringify(told).includes(value), "both are shown");
  expectAnswer(await api.as(api.keys.analyst).explain({ body: { identifiers: [landline] } }));
  await api.close();
  const lines = parseLines(readTrail(api.auditFile));
  assert.deepEqual(
    lines.map(({ route, profileIds }) => [route, new Set(profileIds)]),
    [["POST /profiles/explain", new Set(ids)]],
  );
});

test("a trail of an older release, whose lines tell other things, is as whole as it was", async () => {
  const { bytes } = stage.loaded.deployment.identityKey;
  const file = join(stage.folder, "older-audit.jsonl");
  const trail = await AuditTrail.open(file, bytes);
  const entry = { at: "", requestId: "r", caller: "c", route: "r", profileIds: ["p"] };
  await trail.append({ ...entry, refusal: null } as unknown as AuditEntry);
  await trail.append({ ...entry, outcome: "shown" });
  await trail.close();
  assert.equal(verifyTrail(readTrail(file), bytes).n, 2);
  assert.throws(() => verifyTrail(readTrail(file).replace('"refusal":null', '"refusal":"x"'), bytes), AuditBroken);
});

test("a line of another trail of the same deployment is found, though it is whole and has the right number", async () => {
  const [ours, theirs] = [await writeTrail(), await writeTrail()];
  const others = theirs.text.split("\n");
  for (const [i] of ours.text.trimEnd().split("\n").entries()) {
    const swapped = ours.text.split("\n").with(i, others[i] ?? "");
    const known = verifyTrail(ours.text, ours.secret);
    assert.throws(() => verifyTrail(swapped.join("\n"), ours.secret, known), AuditBroken, String(i));
  }
});

test("a trail goes on where it stood, and one that was changed refuses the start", async () => {
  const first = await openTestApi(stage);
  await first.as(first.keys.agent).lookUp({ body: marie });
  await first.close();
  const auditFile = first.auditFile;
  const second = await openTestApi(stage, { api: { auditFile } });
  await second.as(second.keys.agent).lookUp({ body: marie });
  await second.close();
  const { bytes } = stage.loaded.deployment.identityKey;
  assert.equal(verifyTrail(readTrail(auditFile), bytes).n, 2);
  const lines = readTrail(auditFile);
  writeFileSync(auditFile, `${lines}{"n":3,"at"`);
  await (await openTestApi(stage, { api: { auditFile } })).close();
  assert.equal(verifyTrail(readTrail(auditFile), bytes).n, 3);
  assert.match(readTrail(auditFile).slice(lines.length), /"route":"torn line cut off"/);
  const broken = join(stage.folder, "broken-audit.jsonl");
  writeFileSync(broken, readTrail(auditFile).split("\n").slice(1).join("\n"));
  await assert.rejects(openTestApi(stage, { api: { auditFile: broken } }), { code: "audit-broken" });
});

test("lines that come while others are written stand in their order, and share one writing", async () => {
  const { bytes } = stage.loaded.deployment.identityKey;
  const file = join(stage.folder, "shared-audit.jsonl");
  const trail = await AuditTrail.open(file, bytes);
  const entryOf = (n: number) => ({
    at: "",
    requestId: `r-${n}`,
    caller: "c",
    route: "r",
    profileIds: [],
    outcome: "shown",
  });
  const appendSome = (from: number) => Array.from({ length: 200 }, (_, n) => trail.append(entryOf(from + n)));
  const requests = () =>
    readTrail(file)
      .split("\n")
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { requestId: string }).requestId);
  const [first] = appendSome(0);
  await first;
  assert.equal(requests().length, 200, "who came together was written together");
  const underWay = trail.append(entryOf(200));
  await Promise.resolve();
  await Promise.all([underWay, ...appendSome(201)]);
  assert.deepEqual(
    requests(),
    Array.from({ length: 401 }, (_, n) => `r-${n}`),
  );
  assert.deepEqual(verifyTrail(readTrail(file), bytes), trail.head);
  await trail.close();
});

test("what cannot be written to the trail is neither shown nor done", async () => {
  const full = "/dev/full";
  const api = await openTestApi(stage, { api: { auditFile: full } });
  const shown = await api.as(api.keys.agent).lookUp({ body: marie });
  assert.ok(!shown.ok && shown.status === 503 && shown.problem.code === "audit-unavailable");
  const done = await api
    .as(api.keys.operator)
    .rule({ body: { verdict: "apart", identifiers: [marie, customer], reason: "r" } });
  assert.ok(!done.ok && done.problem.code === "audit-unavailable");
  // Masked answers need no line.
  assert.equal((await api.as(api.keys.reader).lookUp({ body: marie })).status, 200);
  await api.close();
});

test("of a command that was carried out, and whose trail then broke, nobody is told that nothing was done", async (t) => {
  const append = AuditTrail.prototype.append;
  t.mock.method(AuditTrail.prototype, "append", function (this: AuditTrail, entry: AuditEntry) {
    return entry.outcome === "begun" ? append.call(this, entry) : Promise.reject(new Error("ENOSPC"));
  });
  const api = await openTestApi(stage);
  const noted = await api.as(api.keys.agent).note({ body: { identifier: customer, text: "rings back at six" } });
  assert.ok(!noted.ok && noted.problem.code === "outcome-unknown");
  await api.close();
  assert.deepEqual(outcomesOf(api), [["POST /notes", "begun"]]);
});

test("two processes never share a trail, a directory or passages: the second is refused, and may begin once the first has ended", async () => {
  const files = {
    directoryFile: join(stage.folder, "directory.sqlite"),
    passagesFile: join(stage.folder, "passages.sqlite"),
  };
  const first = await openTestApi(stage, { api: files });
  const same = { ...files, auditFile: first.auditFile };
  const others = {
    auditFile: join(stage.folder, "another.jsonl"),
    directoryFile: ":memory:",
    passagesFile: ":memory:",
  };
  for (const key of ["auditFile", "directoryFile", "passagesFile"] as const) {
    const own = { ...others, [key]: same[key] };
    await assert.rejects(openTestApi(stage, { api: own }), (error: Error) => {
      assert.ok(error instanceof FileInUse && error.code === "file-in-use");
      assert.match(error.message, new RegExp(`^api\\.${key} is .+, which another process has$`));
      return true;
    });
  }
  expectAnswer(await first.as(first.keys.agent).lookUp({ body: marie }));
  await first.close();
  const second = await openTestApi(stage, { api: same });
  expectAnswer(await second.as(second.keys.agent).lookUp({ body: marie }));
  await second.close();
  assert.equal(verifyTrail(readFileSync(first.auditFile, "utf8"), stage.loaded.deployment.identityKey.bytes).n, 2);
});
