// npm run fuzz:api -- --examples N --seed S [--phases examples,coverage,fuzzing,stateful]: schemathesis (Python's; `pip install schemathesis`) against `weft api` on an embedded
// store that holds the demo's week, with an administrator's key. Its own report is the output, and its exit code this one's.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readArguments } from "#support/arguments.ts";
import { makeFolder } from "#support/folder.ts";

const USAGE = "npm run fuzz:api -- [--examples N] [--seed S] [--phases a,b] (examples of each operation)";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      examples: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      phases: { type: "string", default: "examples,coverage,fuzzing" },
    },
  }),
);
const ROOT = join(import.meta.dirname, "../..");
const folder = makeFolder("schemathesis");
const config = join(folder, "weft.yaml");
const at = (name: string) => JSON.stringify(join(folder, name));
writeFileSync(
  config,
  `embedded: { file: ${at("weft.sqlite")} }
engine: { shards: 4, stitchSlots: 1, resolverSlots: 1 }
api:
  port: 0
  keysFile: ${at("keys.json")}
  auditFile: ${at("audit.jsonl")}
  directoryFile: ${at("directory.sqlite")}
  passagesFile: ${at("passages.sqlite")}
  requestsPerMinute: 1000000
  waitMax: 20ms
`,
);

function start(command: string, args: readonly string[], onLine?: (line: string) => void): ChildProcess {
  const child = spawn(command, args, {
    cwd: folder,
    stdio: ["ignore", onLine === undefined ? "inherit" : "pipe", "inherit"],
    env: { ...process.env, TMPDIR: folder },
  });
  child.stdout?.setEncoding("utf8").on("data", (text: string) => text.split("\n").forEach((line) => onLine?.(line)));
  return child;
}

const ended = (child: ChildProcess) =>
  new Promise<number>((resolve, reject) =>
    child.on("error", reject).on("close", (code) => {
      resolve(code ?? 1);
    }),
  );

async function weft(...args: string[]): Promise<string> {
  let out = "";
  const weftArgs = [join(ROOT, "services/cli/weft.js"), "--config", config, "--embedded", ...args];
  const code = await ended(start(process.execPath, weftArgs, (line) => (out += line)));
  if (code !== 0) throw new Error(`weft ${args.join(" ")} ended with ${code}`);
  return out;
}

let api: ChildProcess | null = null;
try {
  await ended(start(process.execPath, [join(ROOT, "services/cli/weft.js"), "demo", "--keep"], () => {}));
  const demo = readdirSync(folder).find((name) => name.startsWith("weft-demo-")) ?? "";
  await weft("import", join(folder, demo, "events.jsonl"));
  const { key } = JSON.parse(await weft("--json", "api", "keys", "create", "--role", "admin")) as {
    readonly key: string;
  };
  const url = await new Promise<string>((resolve) => {
    const args = [join(ROOT, "services/cli/weft.js"), "--config", config, "--embedded", "api"];
    api = start(process.execPath, args, (line) => {
      const [, told] = /"url":"([^"]+)"/.exec(line) ?? [];
      if (told !== undefined) resolve(told);
    });
  });
  // The stream does not end, so it is not asked for; the lists of examples that found something are not kept.
  const options = ["--exclude-path", "/changes", "--checks", "all", "--continue-on-failure"];
  const sizes = ["--phases", values.phases, "--max-examples", values.examples, "--seed", values.seed];
  const own = ["--config-file", join(import.meta.dirname, "schemathesis.toml")];
  const given = ["run", `${url}/openapi.json`, "--header", `Authorization: Bearer ${key}`];
  process.exitCode = await ended(start("schemathesis", [...own, ...given, ...options, ...sizes]));
} finally {
  const running = api as ChildProcess | null;
  if (running !== null) {
    running.kill("SIGTERM");
    await ended(running);
  }
  rmSync(folder, { recursive: true, force: true });
}
