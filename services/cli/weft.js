#!/usr/bin/env node
// The command. Weft's TypeScript runs as it is on Node 24; where the node at hand is older, the one that comes with the
// package runs it instead.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;
const main = new URL("./main.ts", import.meta.url);

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) await import(main.href);
else runWithPackagedNode();

function runWithPackagedNode() {
  const node = findPackagedNode(dirname(fileURLToPath(import.meta.url)));
  if (node === undefined) {
    process.stderr.write(
      `node-too-old: Weft needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node}; run \`npm install\` in the folder of Weft, which brings one\n`,
    );
    process.exitCode = 1;
    return;
  }
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: "inherit" });
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

/** Upwards, because the package may itself be installed below another one's node_modules. */
function findPackagedNode(folder) {
  const node = join(folder, "node_modules", ".bin", "node");
  if (existsSync(node)) return node;
  const above = dirname(folder);
  return above === folder ? undefined : findPackagedNode(above);
}
