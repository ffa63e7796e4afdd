// Rules over the API (T1): which are in force, and putting others there, over the demo's week and a real embedded log.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SHIPPED_FILE } from "#services/config/configuration.ts";
import { dirname, join } from "node:path";
import { MARIE } from "#services/demo/cast.ts";
import { topicNames } from "#services/config/topics.ts";
import { readRulesLog } from "#services/wire/rules.ts";
import { expectAnswer, playWeek, serveStage, type TestApi } from "#support/api.ts";

const SHIPPED = readFileSync(join(dirname(SHIPPED_FILE), "rules.yaml"), "utf8");
const FILE = SHIPPED.replace(/^version: .*/m, "version: two").replace("segment: ambassador", "segment: star");

let api: TestApi;
serveStage(playWeek, (opened) => void (api = opened));

const countRecords = async () =>
  (await readRulesLog(api.stage.runtime.wires, topicNames(api.stage.loaded).rules)).length;

test("rules are put in force once, and everybody is where they have them (T1)", async () => {
  const client = api.as(api.keys.admin);
  const before = expectAnswer(await client.readRules({}));
  equal(before.author, "");
  equal(before.shards.there, before.shards.all);
  const applied = expectAnswer(await client.applyRules({ body: { file: FILE, reason: "a trial" } }));
  deepEqual([applied.version, applied.isNew, applied.former.version], ["two", true, before.version]);
  const body = { namespace: "phone", value: MARIE.phone.phone };
  const query = { "at-least": applied.position };
  equal(expectAnswer(await client.lookUp({ body, query })).segment?.name, "star");
  const { version, author, reason, shards, rules } = expectAnswer(await client.readRules({}));
  deepEqual([version, reason, shards.there], ["two", "a trial", shards.all]);
  ok(author !== "" && rules.includes('"star"'));
  equal(expectAnswer(await client.applyRules({ body: { file: FILE, reason: "again" } })).isNew, false);
  equal(await countRecords(), 2);
});

test("what is wrong with a file is said by place and code, and nothing is written (G2)", async () => {
  const client = api.as(api.keys.admin);
  const records = await countRecords();
  const broken = FILE.replace("orders.valid == 1", "orders.secretname == 1").replace("version: two", "version: three");
  const refused = await client.applyRules({ body: { file: broken, reason: "r" } });
  ok(!refused.ok && refused.problem.code === "malformed-request");
  deepEqual(
    refused.problem.errors?.map(({ message }) => message),
    ["rule-type"],
  );
  match(refused.problem.errors?.[0]?.path ?? "", /^body\.file:\d+:\d+$/);
  ok(!JSON.stringify(refused.problem).includes("secretname"));
  const taken = FILE.replace("segment: star", "segment: other");
  const other = await client.applyRules({ body: { file: taken, reason: "r" } });
  ok(!other.ok && other.problem.code === "request-refused");
  equal(await countRecords(), records);
});

test("a file that was made to hurt is refused as any that is wrong, and nothing is a fault", async () => {
  const client = api.as(api.keys.admin);
  const nine = (one: string) => Array.from({ length: 9 }, () => one).join();
  const bomb = Array.from("bcdefghij", (name, i) => `${name}: &${name} [${nine(`*${"abcdefghij"[i]}`)}]`);
  const files = [
    "a: &a [*a]",
    "a: &a { b: *a }",
    "- &a [[[*a]]]",
    "ladder: &l\n  - { segment: a, when: *l }",
    `a: &a [${nine("x")}]\n${bomb.join("\n")}`,
    `a: ${"[".repeat(4000)}${"]".repeat(4000)}`,
    `a: ${"{a: ".repeat(4000)}`,
    `a: &a ${"[".repeat(3000)}*a${"]".repeat(3000)}`,
    "[".repeat(9000),
    "- ".repeat(9000),
    "__proto__: { version: x }",
    "version: !!js/function 'x'",
  ];
  for (const file of files) {
    const refused = await client.applyRules({ body: { file, reason: "r" } });
    ok(!refused.ok && refused.problem.code === "malformed-request", `${refused.status} ${file.slice(0, 40)}`);
  }
  deepEqual(
    api.logged.filter((line) => line.includes("fault")),
    [],
  );
});

test("only who has the scope puts rules in force", async () => {
  const refused = await api.as(api.keys.operator).applyRules({ body: { file: FILE, reason: "r" } });
  ok(!refused.ok && refused.problem.code === "forbidden");
});
