#!/usr/bin/env node
// The command, on whichever Node is at hand.

import { fileURLToPath } from "node:url";
import { isNewEnough, runOnNode } from "./node.js";

const main = new URL("./main.ts", import.meta.url);

if (isNewEnough) await import(main.href);
else runOnNode([fileURLToPath(main), ...process.argv.slice(2)]);
