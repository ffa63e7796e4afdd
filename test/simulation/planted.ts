// Explores a world in a thread of its own, in which lines of a module of the product are left out as it is loaded: for
// faults that no message can express. A line that is not there any more is an error, so that no fault is planted in vain.

import { registerHooks } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { Exploration } from "./explorer.ts";
import type { Bounds, World } from "./worlds.ts";

interface Plan {
  readonly world: World;
  readonly bounds: Bounds;
  /** Path of the module from the root. */
  readonly module: string;
  /** Each is there once. */
  readonly lines: readonly string[];
}

export async function exploreWithout(plan: Plan): Promise<Exploration> {
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

async function run({ world, bounds, module, lines }: Plan): Promise<Exploration> {
  let isPlanted = false;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(module)) return loaded;
      isPlanted = true;
      return { ...loaded, source: leaveOut(String(loaded.source), lines) };
    },
  });
  const { explore } = await import("./explorer.ts");
  if (!isPlanted) throw new Error(`${module} is not loaded`);
  return await explore(world, bounds);
}

if (!isMainThread) parentPort?.postMessage(await run(workerData as Plan));
