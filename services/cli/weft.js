#!/usr/bin/env node
// The command, on whichever Node is at hand.

import module from "node:module";
import { fileURLToPath } from "node:url";
import { COMPILED, isNewEnough, runOnNode } from "./node.js";

const main = new URL("./main.ts", import.meta.url);

if (isNewEnough) {
  // A folder that NODE_COMPILE_CACHE names stays.
  module.enableCompileCache(COMPILED);
  await import(main.href);
} else runOnNode([fileURLToPath(main), ...process.argv.slice(2)]);
