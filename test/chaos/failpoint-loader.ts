// Loaded before a process of the product (--import): plants the failpoint that WEFT_FAILPOINT names, if any (failpoints.ts),
// and lets so few timers fire in a step that steps are cut, which takes a thousand otherwise.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { FAILPOINTS, plantFailpoint } from "./failpoints.ts";

const [name = "", passes = "1"] = (process.env["WEFT_FAILPOINT"] ?? "").split(":");
const failpoint = FAILPOINTS[name];
if (failpoint === undefined && name !== "") throw new Error(`no failpoint is called ${name}`);

const FEW_TIMERS = { file: "services/core/engine.ts", from: "FIRED_MAX = 1_000", to: "FIRED_MAX = 1" };

let left = Number(passes);
Object.assign(globalThis, {
  passFailpoint() {
    left -= 1;
    if (left <= 0) process.kill(process.pid, "SIGKILL");
  },
});

registerHooks({
  load(url, context, nextLoad) {
    const isFailing = failpoint !== undefined && url.endsWith(`/${failpoint.file}`);
    if (!isFailing && !url.endsWith(`/${FEW_TIMERS.file}`)) return nextLoad(url, context);
    const text = readFileSync(fileURLToPath(url), "utf8");
    if (!isFailing && !text.includes(FEW_TIMERS.from)) throw new Error(`${FEW_TIMERS.file} has no ${FEW_TIMERS.from}`);
    const source = isFailing ? plantFailpoint(text, failpoint) : text.replace(FEW_TIMERS.from, FEW_TIMERS.to);
    return { format: "module-typescript", source, shortCircuit: true };
  },
});
