// An exploration in a thread of its own: the test runner follows every promise of its thread, which takes five times as
// long. There lines of a module of the product can be left out as it is loaded, for faults that no message can express; a
// line that is not there any more is an error, so that no fault is planted in vain.

import { registerHooks } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { Exploration } from "./explorer.ts";
import type { FaultName } from "./faults.ts";
import type { Bounds, WorldName } from "./worlds.ts";

interface Plan {
  readonly world: WorldName;
  readonly bounds: Bounds;
  readonly fault?: FaultName;
  readonly isWhole?: boolean;
  /** Lines of the module of this path from the root; each is there once. */
  readonly without?: { readonly module: string; readonly lines: readonly string[] };
}

export async function exploreInThread(plan: Plan): Promise<Exploration> {
  const worker = new Worker(new URL(import.meta.url), { workerData: plan });
  return await new Promise((resolve, reject) => {
    worker.on("message", resolve);
    worker.on("error", reject);
  });
}

function leaveOut(text: string, lines: readonly string[]): string {
  return lines.reduce((left, line) => {
    const parts = left.split(line);
    if (parts.length !== 2) throw new Error(`${parts.length - 1} times in the module: ${line}`);
    return parts.join("");
  }, text);
}

function leaveOutOf({ module, lines }: NonNullable<Plan["without"]>): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(module)) return loaded;
      const text = Buffer.from(loaded.source as Uint8Array).toString();
      return { ...loaded, source: leaveOut(text, lines) };
    },
  });
}

async function run({ world, bounds, fault, isWhole, without }: Plan): Promise<Exploration> {
  if (without !== undefined) leaveOutOf(without);
  const [{ explore }, { FAULTS }, { WORLDS }] = await Promise.all([
    import("./explorer.ts"),
    import("./faults.ts"),
    import("./worlds.ts"),
  ]);
  return await explore(WORLDS[world], bounds, {
    isWhole: isWhole ?? false,
    ...(fault === undefined ? {} : { fault: FAULTS[fault] }),
  });
}

if (!isMainThread) parentPort?.postMessage(await run(workerData as Plan), []);
