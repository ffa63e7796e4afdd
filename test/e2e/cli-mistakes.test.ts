// The usual mistakes of who meets the command for the first time: each told at once, with what would have been right.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { NOWHERE, runWeft } from "#support/command.ts";
import { makeFolder } from "#support/folder.ts";

const SOURCES = "web, app, store, call-centre, social, email, crm, operator";

test("help of a verb that there is not is wrong usage, as the verb itself is, at every level", async () => {
  for (const [args, said] of [
    [["help", "nope"], "unknown command 'nope'"],
    [["help", "lokup"], `unknown command 'lokup' (did you mean "lookup"?)`],
    [["help", "topics", "creat"], `unknown command 'creat' (did you mean "create"?)`],
    [["topics", "help", "creat"], `unknown command 'creat' (did you mean "create"?)`],
  ] as const) {
    const { code, out, err } = await runWeft(args);
    assert.deepEqual([code, out, err], [2, "", `wrong-usage: ${said}; see weft <verb> --help\n`]);
  }
  const { code, out } = await runWeft(["help", "topics", "create"]);
  assert.equal(code, 0);
  assert.match(out, /^Usage: weft topics create/);
});

test("all that a verb misses is told at once, and a misspelt option is not taken for a missing one", async () => {
  for (const [args, said] of [
    [["link"], "missing required arguments 'identifier', 'other' and options '--author <name>', '--reason <text>'"],
    [["link", "a:b", "c:d"], "missing required options '--author <name>', '--reason <text>'"],
    [["fold"], "missing required argument 'files' and option '-o, --out <dir>'"],
    [["fold", "x", "--ot=secret"], `unknown option '--ot' (did you mean "--out"?)`],
  ] as const) {
    const { code, err } = await runWeft(args);
    assert.deepEqual([code, err], [2, `wrong-usage: ${said}; see weft <verb> --help\n`]);
  }
});

test("no help text shows an empty default, or the choices twice", async () => {
  assert.doesNotMatch((await runWeft(["fold", "--help"])).out.replaceAll(/\s+/g, " "), /\(default: \[\]\)/);
  assert.equal((await runWeft(["api", "keys", "create", "--help"])).out.split("analyst").length - 1, 1);
});

test("a report that would end before it begins is wrong usage", async () => {
  const { code, err } = await runWeft(["report", "matrix", "--since", "2026-03-02", "--until", "2026-03-01"]);
  assert.deepEqual(
    [code, err],
    [2, "wrong-usage: --since 2026-03-02 is after --until 2026-03-01; see weft <verb> --help\n"],
  );
});

test("a file under a source that there is not is told with those that there are", async () => {
  const folder = makeFolder("mistakes");
  const { code, err } = await runWeft(["fold", "--out", join(folder, "out"), "wbe=events.jsonl"]);
  assert.deepEqual(
    [code, err],
    [
      1,
      `file-source-unknown: wbe=events.jsonl: there is no such file, and no source wbe (did you mean "web"?); there are ${SOURCES}\n`,
    ],
  );
  // A name of a file may hold the sign.
  writeFileSync(join(folder, "a=b.jsonl"), "");
  assert.equal((await runWeft(["fold", "--out", join(folder, "out"), join(folder, "a=b.jsonl")])).code, 0);
});

test("arguments and files are looked at before anything is waited for", async () => {
  const folder = makeFolder("mistakes");
  const csv = join(folder, "till.csv");
  writeFileSync(csv, "a,b\n1,2\n");
  const by = ["--author", "ana", "--reason", "because"];
  for (const [args, code, said] of [
    [["import", "/nowhere/e.jsonl"], 1, "file-unreadable: /nowhere/e.jsonl cannot be opened"],
    [["import", "wbe=e.jsonl"], 1, "file-source-unknown: wbe=e.jsonl: "],
    [["import", csv], 1, `file-mapping-unclear: ${csv}: `],
    [["produce", "/nowhere/e.jsonl"], 1, "file-unreadable: /nowhere/e.jsonl cannot be opened"],
    [["sources", "hold", "wbe", ...by], 2, `wrong-usage: no source wbe (did you mean "web"?): expected one of web, `],
    [["sources", "watch"], 2, "wrong-usage: no source of "],
    [["link", "ana", "card:1", ...by], 2, "wrong-usage: an identifier is written "],
    [["privacy", "rectify", "card:1", ...by, "--trait", "name"], 2, "wrong-usage: --trait name: expected name=value"],
  ] as const) {
    const failed = await runWeft(args, { environment: NOWHERE });
    assert.equal(failed.code, code, args.join(" "));
    assert.ok(failed.err.startsWith(said), failed.err);
  }
});

test("a misspelt variable of the environment is a warning of one line, and no error", async () => {
  const { code, out, err } = await runWeft(["topics", "--json"], { environment: { WEFT_KAFKA_BROKER: "kafka:9092" } });
  assert.deepEqual([code, out.startsWith("{")], [0, true]);
  assert.match(err, /^warning: nothing reads WEFT_KAFKA_BROKER \(did you mean "WEFT_KAFKA_BROKERS"\?\): [^\n]*\n$/);
});

test("what is wrong with a rule, with a key and with a path each has the advice that helps there", async () => {
  const folder = makeFolder("mistakes");
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const rules = write("rules.yaml", 'version: v1\nladder: [{ segment: rest, when: "true &&" }]\n');
  const keys = write("keys.yaml", "versoin: v1\nversion: v1\nladder: [{ segment: rest, when: 'true' }]\n");
  const explain = "`weft config explain` prints every key";
  const looksAgain = `services/core/SPEC.md, section 4, has what a rule may ask, and \`weft rules check ${rules}\` looks again`;
  for (const [args, problems, advice] of [
    [["-c", write("a.yaml", "rules: rules.yaml\n"), "topics"], 2, `mend the lines named above; ${looksAgain}`],
    [["rules", "diff", keys, keys], 1, `mend the lines named above; ${explain}`],
    [
      ["-c", write("b.yaml", "rules: rules.yaml\na: 1\n"), "topics"],
      3,
      `mend the lines named above; ${explain}; ${looksAgain}`,
    ],
    [["-c", write("c.yaml", "a: [\n"), "topics"], 1, "mend the lines named above"],
    [["-c", join(folder, "none.yaml"), "topics"], 1, "check the path, and that this user may read it"],
  ] as const) {
    const { code, err } = await runWeft(args);
    const said = `configuration-broken: ${problems} problem${problems === 1 ? "" : "s"}; ${advice}`;
    assert.deepEqual([code, err.trim().split("\n").at(-1)], [1, said]);
  }
});
