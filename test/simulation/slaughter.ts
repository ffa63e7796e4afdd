// Each planted bug against seeds, until one fails: then whether it fails without any fault too, and which faults it had.

import { createKit } from "./kit.ts";
import type { Mutant } from "./mutant.ts";
import type { Subject } from "./cluster.ts";
import { runSeed } from "./run.ts";
import { plant } from "./system.ts";

export interface Death {
  readonly name: string;
  /** Seeds that were run; the last one killed it, or it has survived. */
  readonly seeds: number;
  readonly killedBy: number | null;
  readonly failure: string;
  readonly faults: readonly string[];
  /** The same events without any fault show nothing. */
  readonly onlyUnderFaults: boolean;
}

export async function prepareSubject(mutant: Mutant): Promise<Subject> {
  const kit = await createKit(await plant(mutant));
  return mutant.sabotage === undefined ? { kit } : { kit, sabotage: mutant.sabotage };
}

export async function kill(mutant: Mutant, from: number, seedsMax: number): Promise<Death> {
  const subject = await prepareSubject(mutant);
  for (let seed = from; seed < from + seedsMax; seed += 1) {
    const outcome = await runSeed(seed, subject);
    if (outcome.failure === null) continue;
    const calm = await runSeed(seed, subject, { faults: [] });
    const faults = [...new Set(outcome.fired.map((fault) => fault.slice(0, fault.indexOf(" "))))];
    const onlyUnderFaults = calm.failure === null;
    return {
      name: mutant.name,
      seeds: seed - from + 1,
      killedBy: seed,
      failure: outcome.failure,
      faults,
      onlyUnderFaults,
    };
  }
  return { name: mutant.name, seeds: seedsMax, killedBy: null, failure: "", faults: [], onlyUnderFaults: false };
}
