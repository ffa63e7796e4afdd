// Loaded before a process of the product (--import): plants the failpoint that WEFT_FAILPOINT names, see failpoints.ts.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { FAILPOINTS, plantFailpoint } from "./failpoints.ts";

const [name = "", passes = "1"] = (process.env["WEFT_FAILPOINT"] ?? "").split(":");
const failpoint = FAILPOINTS[name];
if (failpoint === undefined) throw new Error(`no failpoint is called ${name}`);

let left = Number(passes);
Object.assign(globalThis, {
  passFailpoint() {
    left -= 1;
    if (left <= 0) process.kill(process.pid, "SIGKILL");
  },
});

registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith(`/${failpoint.file}`)) return nextLoad(url, context);
    const source = plantFailpoint(readFileSync(fileURLToPath(url), "utf8"), failpoint);
    return { format: "module-typescript", source, shortCircuit: true };
  },
});
