// The audit trail: what is in it, and that nothing can be changed in it unnoticed.

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AuditBroken, type AuditEntry, AuditTrail, readTrail, verifyTrail } from "#services/api/audit.ts";
import { FileInUse } from "#services/api/sole.ts";
import { MARIE } from "#services/demo/cast.ts";
import type { Stage } from "#services/cli/stage.ts";
import { expectAnswer, openTestApi, playWeek, shareStage } from "#support/api.ts";

let stage: Stage;
shareStage(playWeek, (opened) => void (stage = opened));

const marie = { namespace: "phone", value: MARIE.phone.phone };
const customer = { namespace: "customer", value: MARIE.account.customer };

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
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEntry);
  assert.deepEqual(
    lines.map(({ route, profileIds, refusal }) => [route, profileIds, refusal]),
    [
      ["POST /profiles/lookup", [profileId], null],
      ["POST /profiles/agent-view", [profileId], null],
      ["POST /rulings", [], "ruling-refused"],
      ["POST /notes", [profileId], null],
      ["POST /profiles/explain", [profileId], null],
    ],
  );
  assert.ok(lines.every(({ caller, requestId }) => caller.startsWith("key:") && requestId.length === 36));
  for (const value of [MARIE.email.email, "39980017", "39 98 00 17", "Lefort", MARIE.account.customer])
    assert.ok(!text.includes(value), value);
  assert.equal(verifyTrail(text, secret).n, 5);
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
    for (const key of ["n", "at", "requestId", "caller", "route", "profileIds", "refusal", "chain"]) {
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
    refusal: null,
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
