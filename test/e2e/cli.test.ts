// The command as people run it: verbs over the one-machine mode, exit codes, one clear line where something is wrong.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { describeProgress, openProgress } from "#services/cli/progress.ts";
import { runWeft as run } from "#support/command.ts";
import { makeFolder } from "#support/folder.ts";

/** A line of any verb's JSON output, as far as these tests read it. */
interface Printed {
  readonly name?: string;
  readonly partitions?: number;
  readonly topic?: string;
  readonly recordedAt?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly value?: { readonly traits?: object; readonly order?: { readonly totalMinor?: number } };
  readonly topics?: readonly string[];
  readonly kept?: readonly string[];
  readonly environment?: string;
}

/** A folder with a configuration whose log and store are a file in it. */
function deploy(): { readonly embedded: readonly string[]; readonly write: (name: string, text: string) => string } {
  const folder = makeFolder("cli");
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const config = write("weft.yaml", `embedded: { file: ${join(folder, "weft.sqlite")} }\n`);
  return { embedded: ["--config", config, "--embedded"], write };
}

const lines = (text: string) => text.trim().split("\n");
const parse = (text: string) => lines(text).map((line) => JSON.parse(line) as Printed);
const event = (more: object) =>
  JSON.stringify({
    source: "web",
    type: "page-viewed",
    occurredAt: "2024-01-01T10:00:00Z",
    identifiers: [{ namespace: "cookie", value: "c1" }],
    ...more,
  });

test("what produce sends, tail shows decoded, stamped by the log unless the line says when", async () => {
  const { embedded } = deploy();
  const input = `${event({ eventId: "e1", traits: { n: 1 } })}\n${event({ eventId: "e2", recordedAt: "2024-01-01T10:05:00Z" })}\n`;
  const before = Date.now();
  const produced = await run([...embedded, "produce", "--json"], { input });
  assert.deepEqual([produced.code, produced.out, produced.err], [0, '{"published":2,"refused":0}\n', ""]);
  const tailed = await run([...embedded, "tail", "channel-web", "--json"]);
  assert.equal(tailed.code, 0, tailed.err);
  const records = parse(tailed.out).toSorted((a, b) => (String(a.key) < String(b.key) ? -1 : 1));
  assert.deepEqual(
    records.map((record) => [record.topic, record.key, record.headers]),
    [
      ["channel-web", "e1", {}],
      ["channel-web", "e2", {}],
    ],
  );
  assert.ok(Date.parse(String(records[0]?.recordedAt)) >= before);
  assert.equal(records[1]?.recordedAt, "2024-01-01T10:05:00.000Z");
  assert.deepEqual(records[0]?.value?.traits, { n: 1 });
});

test("import stamps records with the time of recording and --history marks them as a backfill", async () => {
  const { embedded, write } = deploy();
  const later = write("later.jsonl", `${event({ eventId: "b", occurredAt: "2023-01-02T00:00:00Z" })}\n`);
  const earlier = write(
    "earlier.jsonl",
    `${event({ eventId: "a", occurredAt: "2023-01-01T00:00:00Z" })}\n${event({ eventId: "c", occurredAt: "2023-01-03T00:00:00Z" })}\n`,
  );
  const imported = await run([...embedded, "import", "--history", later, earlier]);
  assert.deepEqual([imported.code, imported.out], [0, "3 events published, 0 lines refused\n"], imported.err);
  const records = parse((await run([...embedded, "tail", "channel-web", "--json"])).out);
  assert.deepEqual(Object.fromEntries(records.map((record) => [record.key, record.recordedAt])), {
    a: "2023-01-01T00:00:00.000Z",
    b: "2023-01-02T00:00:00.000Z",
    c: "2023-01-03T00:00:00.000Z",
  });
  assert.ok(records.every((record) => record.headers?.["weft-backfill"] === "1"));
});

test("a mapped file is imported through its mapping", async () => {
  const { write } = deploy();
  const example = resolve(import.meta.dirname, "../../infra/examples/online-retail.weft.yaml");
  const folder = makeFolder("cli");
  const config = write(
    "retail.yaml",
    `${readFileSync(example, "utf8")}\nembedded: { file: ${join(folder, "weft.sqlite")} }\n`,
  );
  const csv = write(
    "till.csv",
    "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\n1,A,2,2011-01-01 10:00:00,1.255,17850.0\n",
  );
  const imported = await run(["-c", config, "--embedded", "import", csv, "--json"]);
  assert.deepEqual([imported.code, imported.out], [0, '{"published":1,"refused":0}\n'], imported.err);
  const [record] = parse((await run(["-c", config, "--embedded", "tail", "channel-shop", "--json"])).out);
  assert.equal(record?.value?.order?.totalMinor, 251);
  assert.equal(record?.recordedAt, "2011-01-01T10:00:00.000Z");
});

test("refused lines are named by place and reason, the others go through, and the exit code is 3", async () => {
  const { embedded } = deploy();
  const input = `${event({ eventId: "good" })}\n{"email":"secret@x.fr"\n${event({ eventId: "bad", source: "till" })}\n`;
  const plain = await run([...embedded, "produce"], { input });
  assert.equal(plain.code, 3);
  assert.deepEqual(lines(plain.err), [
    "-:2 undecodable: the line is not JSON in UTF-8",
    "-:3 unknown-source: the configuration has no such source",
  ]);
  assert.equal(plain.out, "1 event published, 2 lines refused\n");
  const json = await run([...embedded, "produce", "--json"], { input });
  assert.deepEqual(parse(json.out).at(-1), { published: 1, refused: 2 });
  assert.equal(json.code, 3);
});

test("tail stops after --max records and at the end of the log", async () => {
  const { embedded } = deploy();
  await run([...embedded, "produce"], { input: ["a", "b", "c"].map((eventId) => event({ eventId })).join("\n") });
  assert.equal(lines((await run([...embedded, "tail", "channel-web", "-n", "2"])).out).length, 2);
  assert.equal((await run([...embedded, "tail", "channel-web", "--from", "end"])).out, "");
});

test("wrong usage exits with 2, a broken configuration with 1 and every problem", async () => {
  const { write } = deploy();
  for (const args of [
    [],
    ["bogus"],
    ["tail"],
    ["tail", "x", "-n", "0"],
    ["tail", "x", "--from", "middle"],
    ["import"],
    ["topics", "--bogus"],
  ]) {
    assert.equal((await run(args)).code, 2, args.join(" "));
  }
  const unknown = await run(["produce", "--source", "nobody"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /^wrong-usage: --source nobody: there is no such source; there are web, app/);
  const config = write("broken.yaml", "kafka:\n  brkers: [a]\ncountry: FRA\n");
  const broken = await run(["-c", config, "topics"]);
  assert.equal(broken.code, 1);
  assert.deepEqual(lines(broken.err), [
    `${config}:2:3 unknown-key: kafka.brkers: no such key (did you mean "brokers"?)`,
    `${config}:3:10 wrong-value: country: expected an ISO 3166-1 alpha-2 country such as FR`,
    "configuration-broken: 2 problems; mend the lines named above; `weft config explain` prints every key",
  ]);
  const json = JSON.parse((await run(["-c", config, "topics", "--json"])).err) as {
    error: { code: string; problems: unknown[] };
  };
  assert.deepEqual([json.error.code, json.error.problems.length], ["configuration-broken", 2]);
});

test("wrong usage is one line with its code, a suggestion and nothing of what was given too much, or JSON", async () => {
  for (const [args, said] of [
    [["lokup"], `unknown command 'lokup' (did you mean "lookup"?)`],
    [["topics", "creat"], `unknown command 'creat' (did you mean "create"?)`],
    [["api", "keyz"], `unknown command 'keyz' (did you mean "keys"?)`],
    [["api", "keys", "lst"], `unknown command 'lst' (did you mean "list"?)`],
    [["lookup", "x", "email:ana@example.com"], "too many arguments for 'lookup'. Expected 1 argument but got 2"],
    [["lookup", "--emial=ana@example.com"], "unknown option '--emial'"],
    [["tail"], "missing required argument 'topics'"],
  ] as const) {
    const failed = await run(args);
    assert.deepEqual([failed.code, failed.err], [2, `wrong-usage: ${said}; see weft <verb> --help\n`]);
    assert.deepEqual(JSON.parse((await run([...args, "--json"])).err), {
      error: { code: "wrong-usage", message: said, advice: "see weft <verb> --help" },
    });
  }
  const withHelp = await run(["topics", "help", "create"]);
  assert.deepEqual([withHelp.code, withHelp.err], [0, ""]);
});

test("a failure is one line with a stable code and no stack, unless WEFT_DEBUG asks for it", async () => {
  const { embedded } = deploy();
  const failed = await run([...embedded, "import", "/nowhere/events.jsonl"]);
  assert.equal(failed.code, 1);
  assert.equal(failed.err, "file-unreadable: /nowhere/events.jsonl cannot be opened\n");
});

test("a file that is none of what it should be is named with what it is", async () => {
  const { embedded, write } = deploy();
  const [, config = ""] = embedded;
  const events = write("events.jsonl", `${event({ eventId: "e1" })}\n`);
  const folder = dirname(events);
  const inFile = write("in-file.yaml", `embedded: { file: ${events} }\n`);
  const inFolder = write("in-folder.yaml", `embedded: { file: ${folder} }\n`);
  for (const [args, said] of [
    [["-c", config, "fold", "--out", events, events], `file-unusable: ${events}: it is a file, and a folder is needed`],
    [["-c", inFolder, "--embedded", "digest"], `file-unusable: ${folder}: it is a folder, and a file is needed`],
    [
      ["-c", inFile, "--embedded", "digest"],
      `embedded-file-unfit: ${events} is no database of Weft's; name another file`,
    ],
  ] as const) {
    const failed = await run(args);
    assert.deepEqual([failed.code, lines(failed.err)], [1, [said]], args.join(" "));
  }
});

test("a name that is nobody's is said to be: of a topic, a source, a namespace", async () => {
  const { embedded, write } = deploy();
  assert.equal((await run([...embedded, "topics", "create"])).code, 0);
  const topic = await run([...embedded, "tail", "profile-stat"]);
  assert.deepEqual(
    [topic.code, topic.err],
    [
      1,
      'no-topic: topic profile-stat does not exist (did you mean "profile-state"?); `weft topics` prints the names, `weft topics create` makes what is missing\n',
    ],
  );
  const events = write("events.jsonl", `${event({ eventId: "e1" })}\n`);
  for (const args of [
    ["fold", "--out", join(dirname(events), "out")],
    ["import", "--dry-run"],
  ]) {
    const source = await run([...embedded, ...args, "--source", "wbe", events]);
    assert.equal(source.code, 2, source.err);
    assert.match(
      source.err,
      /^wrong-usage: --source wbe: there is no such source \(did you mean "web"\?\); there are web, app/,
    );
  }
  const found = await run([...embedded, "lookup", "mail:ana@example.com"]);
  assert.deepEqual(
    [found.code, found.out],
    [
      1,
      "no profile: unknown-namespace: there is no such namespace: `weft config explain` prints how they are declared\n",
    ],
  );
});

test("a verb that has nothing to work on says so, and fails where something was meant", async () => {
  const { embedded } = deploy();
  const due = await run([...embedded, "privacy", "due"]);
  assert.deepEqual([due.code, due.out, due.err], [0, "nobody is due\n", ""]);
  assert.equal((await run([...embedded, "privacy", "due", "--json"])).out, "");
  const redriven = await run([...embedded, "dlq", "redrive", "--id", "channel-web.dlq/0@0"]);
  assert.deepEqual([redriven.code, redriven.out], [1, "no such dead letter\n"]);
  const watched = await run([...embedded, "sources", "watch"]);
  assert.equal(watched.code, 2);
  assert.match(watched.err, /^wrong-usage: no source of \S+ declares `floors`: there is nothing to watch/);
});

test("rules diff names the lines that it could not take", async () => {
  const { write } = deploy();
  const events = write("events.jsonl", `${event({ eventId: "e1" })}\nnot json ana@example.com\n`);
  const rules = resolve(import.meta.dirname, "../../services/config/default/rules.yaml");
  const plain = await run(["rules", "diff", rules, rules, events]);
  assert.deepEqual([plain.code, plain.err], [3, `${events}:2 undecodable: the line is not JSON in UTF-8\n`]);
  const [first] = lines((await run(["rules", "diff", rules, rules, events, "--json"])).out);
  assert.match(first ?? "", /^{"refused":{"line":2,"reason":"undecodable"/);
});

test("config explain and topics print text for people and JSON for programs", async () => {
  const explained = await run(["config", "explain"]);
  assert.equal(explained.code, 0);
  assert.match(
    explained.out,
    /^kafka\.brokers: list of text, default \["127\.0\.0\.1:9092"\], or WEFT_KAFKA_BROKERS$/m,
  );
  const keys = parse((await run(["config", "explain", "--json"])).out);
  assert.ok(keys.some((key) => key.key === "redis.url" && key.environment === "WEFT_REDIS_URL"));
  const topics = parse((await run(["topics", "--json"])).out);
  assert.deepEqual(topics.find((topic) => topic.name === "weft.resolved")?.partitions, 64);
  assert.match((await run(["topics"])).out, /weft\.resolved\s+│ 64/);
});

test("topics create makes every topic and may be repeated", async () => {
  const { embedded } = deploy();
  for (const _time of [1, 2]) {
    const created = await run([...embedded, "topics", "create", "--json"]);
    assert.equal(created.code, 0, created.err);
    const [report] = parse(created.out);
    assert.deepEqual(report?.kept, []);
    // Eight sources (the operators' among them) with their dead letters, the inner topic, requests and rules with theirs,
    // what is said of sources, seven outputs.
    assert.equal(report?.topics?.length, 2 * 8 + 1 + 2 + 2 + 1 + 7);
  }
});

test("an older Node hands over to the one that the package brings", async (context) => {
  const older = await findOlderNode();
  if (older === undefined) return context.skip("no older Node on this machine");
  const version = await run(["--version"], { node: older });
  assert.deepEqual([version.code, version.err], [0, ""]);
  assert.equal((await run(["bogus"], { node: older })).code, 2);
});

test("progress elsewhere than on a terminal is a line every five seconds with rate and time left", () => {
  let nowMs = 0;
  const written: string[] = [];
  const stream = { isTTY: false, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  const progress = openProgress({ label: "import", total: 1000, stream, now: () => nowMs });
  for (nowMs = 0; nowMs <= 11_000; nowMs += 1000) progress.update(nowMs / 100, nowMs / 10);
  progress.stop();
  progress.stop();
  assert.deepEqual(written, [
    "import: 500 events, 100/s, 5 %, about 95 s left\n",
    "import: 1000 events, 100/s, 10 %, about 90 s left\n",
    `${describeProgress("import", { done: 110, events: 1100 }, 1000, 12_000)}\n`,
  ]);
});

async function findOlderNode(): Promise<string | undefined> {
  for (const node of ["/usr/bin/node", "/usr/local/bin/node"].filter((path) => existsSync(path))) {
    const version = await new Promise<string>((done) => {
      execFile(node, ["--version"], (error, out) => done(error ? "" : out));
    });
    if (Number.parseInt(version.slice(1), 10) < 24) return node;
  }
  return undefined;
}

test("rules diff takes an instant of ISO 8601 for --until and nothing else", async () => {
  const { write } = deploy();
  const rules = write("rules.yaml", 'version: v1\nladder:\n  - { segment: rest, when: "true" }\n');
  for (const until of ["March 1", "1", "2026-02-30", "2026-3-1"]) {
    const { code, err } = await run(["rules", "diff", rules, rules, "--until", until]);
    assert.equal(code, 2, until);
    assert.match(err, new RegExp(`--until ${until}: expected an ISO 8601 time`));
  }
  assert.equal((await run(["rules", "diff", rules, rules, "--until", "2026-03-01T00:00Z"])).code, 0);
});

test("import --dry-run tells refusals, conflicts and merges by place, and writes nothing (S14)", async () => {
  const { embedded, write } = deploy();
  const named = (eventId: string, names: Record<string, string>, more: object = {}) =>
    event({
      eventId,
      source: "crm",
      type: "identified",
      identifiers: Object.entries(names).map(([namespace, value]) => ({ namespace, value })),
      ...more,
    });
  const file = write(
    "crm.jsonl",
    [
      named("e1", { customer: "1", email: "a@example.fr" }),
      named("e2", { customer: "2", email: "a@example.fr" }),
      named("e2", { customer: "2", email: "a@example.fr" }),
      named("e3", { cookie: "null" }),
      named("e4", { customer: "3" }, { source: "till" }),
    ].join("\n"),
  );
  const tried = await run([...embedded, "import", "--dry-run", "--json", file]);
  assert.equal(tried.code, 3, tried.err);
  const { refused, ...told } = JSON.parse(tried.out) as { refused: { line: number; reason: string }[] };
  assert.deepEqual(
    refused.map(({ line, reason }) => `${line} ${reason}`),
    ["5 unknown-source", "4 no-identifier"],
  );
  assert.deepEqual(told, {
    dryRun: true,
    accepted: 2,
    repeated: 1,
    known: 0,
    suppressed: 0,
    merges: [],
    parted: [],
    conflicts: [{ kind: "kept-apart", namespaces: ["customer", "email"], file, line: 2 }],
  });
  const plain = await run([...embedded, "import", "--dry-run", file]);
  assert.match(plain.out, /^dry run, nothing was written: 2 events would be folded, 1 are there twice/);
  assert.match(plain.out, /crm\.jsonl:2 kept-apart: customer and email/);
  assert.ok(!`${plain.out}${plain.err}`.includes("a@example.fr"), "no value is printed");
  assert.equal((await run([...embedded, "tail", "channel-crm", "--json"])).out, "");
});
