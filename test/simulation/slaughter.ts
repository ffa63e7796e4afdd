// Each planted bug against what failed once and then against seeds, until one fails: then whether it fails without any
// fault too, and which faults it had.

import { createKit } from "./kit.ts";
import type { Mutant } from "./mutant.ts";
import type { Subject } from "./cluster.ts";
import { listRegressions, replay } from "./regressions.ts";
import { type Outcome, runSeed } from "./run.ts";
import { plant } from "./system.ts";

export interface Death {
  readonly name: string;
  /** Seeds that were run; the last one killed it, or it has survived. */
  readonly seeds: number;
  readonly killedBy: string | null;
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
  for (const file of listRegressions()) {
    const { outcome } = await replay(file, subject);
    if (outcome.failure !== null)
      return describe(mutant, 0, file, outcome, await replay(file, subject, { faults: [] }));
  }
  for (let seed = from; seed < from + seedsMax; seed += 1) {
    const outcome = await runSeed(seed, subject);
    if (outcome.failure === null) continue;
    const calm = { outcome: await runSeed(seed, subject, { faults: [] }) };
    return describe(mutant, seed - from + 1, `seed ${seed}`, outcome, calm);
  }
  return { name: mutant.name, seeds: seedsMax, killedBy: null, failure: "", faults: [], onlyUnderFaults: false };
}

function describe(
  { name }: Mutant,
  seeds: number,
  killedBy: string,
  { failure, fired }: Outcome,
  calm: { readonly outcome: Outcome },
): Death {
  const faults = [...new Set(fired.map((fault) => fault.slice(0, fault.indexOf(" "))))];
  const onlyUnderFaults = calm.outcome.failure === null;
  return { name, seeds, killedBy, failure: failure ?? "", faults, onlyUnderFaults };
}
