// What operators get wrong: a process that is given a broken configuration or broken rules says everything that is
// wrong with them, and where, before it touches anything.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { NOWHERE } from "#support/command.ts";
import { makeFolder } from "#support/folder.ts";

const MAIN = resolve(import.meta.dirname, "../../services/cli/main.ts");
const REFUSAL_WAIT_MS = 20_000;

interface Refusal {
  readonly code: number | string | null | undefined;
  readonly out: string;
  readonly lines: readonly string[];
}

async function refuse(verb: string, files: Readonly<Record<string, string>>): Promise<Refusal> {
  const folder = makeFolder("config");
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const options = { cwd: folder, env: { ...process.env, ...NOWHERE }, timeout: REFUSAL_WAIT_MS };
  return await new Promise((done) => {
    execFile(process.execPath, [MAIN, "--config", "weft.yaml", verb], options, (error, out, err) =>
      done({ code: error?.code, out, lines: err.replaceAll(`${folder}/`, "").trim().split("\n") }),
    );
  });
}

const MEND = "mend the lines named above; `weft config explain` prints every key";

for (const verb of ["up", "resolve", "stitch"])
  test(`weft ${verb} refuses a broken configuration at the start, with file, line and what was expected`, async () => {
    const refusal = await refuse(verb, {
      "weft.yaml": [
        "sources:",
        "  - name: web",
        "    assurance: { custmer: authenticated }",
        "    delivery: sometimes",
        "  - name: web",
        "engine: { shards: 10, stitchSlots: 4 }",
        "",
      ].join("\n"),
    });
    assert.deepEqual([refusal.code, refusal.out], [1, ""]);
    assert.deepEqual(
      refusal.lines.map((line) => line.replace(/; declared are .*/, "")),
      [
        'weft.yaml:3:18 unknown-name: sources[0].assurance.custmer: no such namespace (did you mean "customer"?)',
        "weft.yaml:4:15 wrong-value: sources[0].delivery: expected one of live, files",
        'weft.yaml:5:11 duplicate-name: sources[1].name: source "web" is already sources[0]',
        "weft.yaml:6:36 wrong-value: engine.stitchSlots: expected stitchSlots to divide shards (10)",
        `configuration-broken: 4 problems; ${MEND}`,
      ],
    );
  });

test("weft up refuses broken rules at the start, each fault with file and line", async () => {
  const rules = [
    "version: v1",
    "ladder:",
    "  - segment: loyal",
    "    when: orders.valid >= 3 &&",
    "  - segment: rich",
    "    when: orders.spend > 5",
    "  - segment: Visitor",
    "    when: profile.known",
    "signals:",
    "  - { signal: abandoned-cart, dueAfter: soon, sourceLateAfter: 36h }",
    "",
  ].join("\n");
  const { code, out, lines } = await refuse("up", { "weft.yaml": "rules: ./rules.yaml\n", "rules.yaml": rules });
  assert.deepEqual([code, out], [1, ""]);
  const expected = [
    /^rules\.yaml:4:\d+ rule-syntax: ladder\[0\]\.when: /,
    /^rules\.yaml:6:\d+ rule-type: ladder\[1\]\.when: .*\bspend\b/,
    /^rules\.yaml:7:14 wrong-value: ladder\[2\]\.segment: expected a name of small letters, digits and dashes$/,
    /^rules\.yaml:8:11 rule-order: ladder\[2\]\.when: expected `true`: the last segment takes everybody else$/,
    /^rules\.yaml:10:41 wrong-value: signals\[0\]\.dueAfter: expected a duration such as /,
    /^configuration-broken: 5 problems; /,
  ];
  assert.equal(lines.length, expected.length, lines.join("\n"));
  for (const pattern of expected)
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `${String(pattern)}\n${lines.join("\n")}`,
    );
});

test("weft up refuses rules that are not there, and a file that is not YAML", async () => {
  const missing = await refuse("up", { "weft.yaml": "country: FR\nrules: ./nowhere.yaml\n" });
  assert.equal(missing.code, 1);
  assert.deepEqual(missing.lines, [
    "weft.yaml:2:8 file-unreadable: rules: nowhere.yaml: there is no such file",
    "configuration-broken: 1 problem; check the path, and that this user may read it",
  ]);
  const garbled = await refuse("up", { "weft.yaml": "kafka:\n  topicPrefix: a\n brokers: [b]\n" });
  assert.equal(garbled.code, 1);
  assert.match(garbled.lines[0] ?? "", /^weft\.yaml:[23]:\d+ yaml-syntax: /);
});
