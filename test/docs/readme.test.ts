// The README says what is so: its demo output is that of a run, its links lead somewhere, its examples are accepted.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { readJsonLine } from "#services/channel/json-lines.ts";
import { createProgram } from "#services/cli/program.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { makeFolder } from "#support/folder.ts";
import { ROOT } from "#support/source.ts";

const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** The first code block after a mark. */
function readBlock(mark: string): string {
  const from = README.indexOf(mark);
  assert.ok(from >= 0, `the README has no ${mark}`);
  const [, block = ""] = /\n```[a-z]*\n([\s\S]*?)```/.exec(README.slice(from)) ?? [];
  return block;
}

async function run(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, "services/cli/weft.js"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    out += chunk;
  });
  const code = await new Promise((done) => child.on("close", done));
  assert.equal(code, 0, `weft ${args.join(" ")} ends well`);
  return out;
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A line with nothing but … stands for any lines; … inside a line for any text. All other lines stand as they are. */
function findDifference(pasted: string, printed: string): string | null {
  const lines = pasted.trimEnd().split("\n");
  const pattern = (count: number) =>
    lines
      .slice(0, count)
      .map((line) => (line.trim() === "…" ? "(?:.*\n)*?" : `${line.split("…").map(escape).join(".*")}\n`))
      .join("");
  if (new RegExp(`^${pattern(lines.length)}$`).test(printed)) return null;
  const wrong = lines.findIndex((_, index) => !new RegExp(`^${pattern(index + 1)}`).test(printed));
  return wrong < 0 ? "the run prints more at its end" : `line ${wrong + 1} is not what a run prints: ${lines[wrong]}`;
}

test("the comparison sees a changed, a missing and an added line", () => {
  const printed = "a 1\nb 2\nc 3\nd 4\n";
  for (const pasted of ["a 1\nb 2\nc 3\nd 4\n", "a …\n…\nd 4\n", "a 1\n  …\nc 3\n…\n"])
    assert.equal(findDifference(pasted, printed), null, pasted);
  for (const pasted of ["a 1\nb 2\nc 4\nd 4\n", "a 1\nc 3\nd 4\n", "a 1\nb 2\nc 3\n", "a 1\n…\nx\nd 4\n", "b …\n…\n"])
    assert.notEqual(findDifference(pasted, printed), null, pasted);
});

test("the demo prints what the README shows, plain where nobody watches", async () => {
  const printed = await run(["demo"]);
  assert.equal(findDifference(readBlock("<!-- demo:"), printed), null, `\nA run prints:\n\n${printed}`);
  assert.ok(!printed.includes("\x1b"), "no colour codes elsewhere than on a terminal");
  const [story = ""] = printed.split("The files are closed");
  for (const line of story.split("\n")) assert.ok(line.length <= 100, `longer than 100 columns: ${line}`);
});

test("two commands stand first, and the package has their scripts", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
  const [first = ""] = README.split("<!-- demo:");
  for (const [command, script] of [
    ["npm ci && npm run demo", "demo"],
    ["npm ci && npm test", "test"],
  ] as const) {
    assert.ok(first.includes(command), command);
    assert.ok(script in scripts, script);
  }
});

test("every link leads to a file, and four guarantees to the tests that hold them", () => {
  const links = [...README.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  const local = links.filter((link) => !/^https?:|^#/.test(link));
  assert.deepEqual(
    local.filter((link) => !existsSync(join(ROOT, link))),
    [],
  );
  const [, guarantees = ""] = /What holds[^\n]*\n\n((?:- .*\n)+)/.exec(README) ?? [];
  const held = [...guarantees.matchAll(/\]\((test\/[^)]+)\)/g)];
  assert.deepEqual([guarantees.trim().split("\n").length, held.length], [4, 4]);
});

test("the map has six lines, of folders that are there, and leaves no top folder out", () => {
  const lines = readBlock("<!-- map -->").trimEnd().split("\n");
  assert.equal(lines.length, 6);
  const named = lines.flatMap((line) => (line.split(/ {2,}/)[0] ?? "").split(", "));
  const tops = readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name))
    .map(({ name }) => name);
  for (const path of named) assert.ok(existsSync(join(ROOT, path)), path);
  for (const top of tops)
    assert.ok(
      named.some((path) => path === top || path.startsWith(`${top}/`)),
      top,
    );
});

test("paths that the README writes as code are there", () => {
  const paths = [...README.matchAll(/`((?:services|schemas|infra|test)\/[\w./-]+)`/g)].map(([, path = ""]) => path);
  assert.ok(paths.length > 0);
  for (const path of paths) assert.ok(existsSync(join(ROOT, posix.normalize(path))), path);
});

test("the configuration of the README is accepted, in ten lines", () => {
  const text = readBlock("## Configuration");
  assert.ok(text.trimEnd().split("\n").length <= 10);
  const folder = makeFolder("readme");
  const rules = readFileSync(join(ROOT, "services/config/default/rules.yaml"));
  writeFileSync(join(folder, "rules.yaml"), rules);
  writeFileSync(join(folder, "identity.key"), "0123456789abcdef".repeat(4));
  writeFileSync(join(folder, "weft.yaml"), text);
  const { configuration } = loadConfiguration(join(folder, "weft.yaml"), {});
  assert.deepEqual(
    configuration.sources.map(({ name, delivery }) => [name, delivery]),
    [
      ["web", "live"],
      ["store", "files"],
      ["operator", "live"],
    ],
  );
});

test("the event of the README is a line that the product reads", () => {
  const reading = readJsonLine(
    { line: 1, bytes: Buffer.from(readBlock("An event is one record").trim()) },
    { sources: new Set(["web"]) },
  );
  assert.ok(reading.ok, JSON.stringify(reading));
});

test("every verb that the README names is one", () => {
  const verbs = new Set(createProgram().commands.map((command) => command.name()));
  const table = README.slice(README.indexOf("## Verbs"), README.indexOf("`--json` everywhere"));
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\S+)`/g)].map(([, verb = ""]) => verb));
  const run = [...README.matchAll(/npx weft (?:-\S+ )*([a-z]+)/g)].map(([, verb = ""]) => verb);
  assert.ok(named.length > 0 && run.length > 0);
  assert.deepEqual(
    [...named, ...run].filter((verb) => !verbs.has(verb)),
    [],
  );
});
