// Node 24, on which Weft's TypeScript runs as it is: the one at hand, or where that is older the one that comes with the
// package. As a program it runs on it what it is given: `node services/cli/node.js test/run.ts`.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const own = fileURLToPath(import.meta.url);

/** Where what is compiled is kept: it saves half of a start, and a folder that cannot be written is no matter. */
export const COMPILED = join(dirname(own), "../../node_modules/.cache/weft");

export const isNewEnough = Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN;

export function runOnNode(args) {
  const node = isNewEnough ? process.execPath : findPackagedNode(dirname(own));
  if (node === undefined) {
    process.stderr.write(
      `node-too-old: Weft needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node}; on Linux and Windows \`npm install\` in the folder of Weft brings one\n`,
    );
    process.exitCode = 1;
    return;
  }
  const env = { NODE_COMPILE_CACHE: COMPILED, ...process.env };
  const child = spawn(node, args, { stdio: "inherit", env });
  // A terminal sends Ctrl-C to both; whoever sends a signal to this process alone means the child too.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`node-unusable: ${node} cannot be run: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1;
    else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

/** Upwards, because the package may itself be installed below another one's node_modules. Not by its link in .bin: npm 10 drops it. */
function findPackagedNode(folder) {
  const isWindows = process.platform === "win32";
  const name = `node-${isWindows ? "win" : process.platform}-${process.arch}`;
  const node = join(folder, "node_modules", name, "bin", isWindows ? "node.exe" : "node");
  if (existsSync(node)) return node;
  const above = dirname(folder);
  return above === folder ? undefined : findPackagedNode(above);
}

if (process.argv[1] === own) runOnNode(process.argv.slice(2));
