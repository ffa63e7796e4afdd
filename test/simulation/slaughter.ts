// Each planted bug against what failed once and then against seeds, until one fails that the code without it passes: then
// whether it fails without any fault too, or without any loss, and which faults it had.

import { type FaultKind, LOSS_KINDS } from "./faults.ts";
import { createKit } from "./kit.ts";
import type { Mutant } from "./mutant.ts";
import type { Subject } from "./cluster.ts";
import { isPlanned } from "./plan.ts";
import { createPlanOf } from "./plan-erasing.ts";
import { listRegressions, replay } from "./regressions.ts";
import { type Outcome, runSeed } from "./run.ts";
import { plant } from "./system.ts";

export interface Death {
  readonly name: string;
  /** Seeds that were run or passed over; the last one killed it, or it has survived. */
  readonly seeds: number;
  readonly killedBy: string | null;
  readonly failure: string;
  readonly faults: readonly string[];
  /** The same events without any fault show nothing. */
  readonly onlyUnderFaults: boolean;
  /** Nor with all other faults, if nothing is lost. */
  readonly onlyUnderLosses: boolean;
}

export async function prepareSubject(mutant: Mutant): Promise<Subject> {
  const kit = await createKit(await plant(mutant));
  return mutant.sabotage === undefined ? { kit } : { kit, sabotage: mutant.sabotage };
}

export async function kill(mutant: Mutant, from: number, seedsMax: number): Promise<Death> {
  const subject = await prepareSubject(mutant);
  for (const file of listRegressions()) {
    const { outcome } = await replay(file, subject);
    if (outcome.failure === null || (await replay(file)).outcome.failure !== null) continue;
    const run = async (faults: readonly string[]) => (await replay(file, subject, { faults })).outcome;
    return await describe(mutant, 0, file, outcome, run);
  }
  const planOf = (seed: number) => createPlanOf(mutant.seeds ?? "any", seed);
  for (let seed = from; seed < from + seedsMax; seed += 1) {
    if (mutant.needs !== undefined && !mutant.needs.some((kind) => isPlanned(planOf(seed), kind))) continue;
    const script = { plan: planOf(seed) };
    const outcome = await runSeed(seed, subject, script);
    if (outcome.failure === null) continue;
    if ((await runSeed(seed, undefined, script)).failure !== null) continue;
    const run = (faults: readonly string[]) => runSeed(seed, subject, { ...script, faults });
    return await describe(mutant, seed - from + 1, `seed ${seed}`, outcome, run);
  }
  const survival = { killedBy: null, failure: "", faults: [], onlyUnderFaults: false, onlyUnderLosses: false };
  return { name: mutant.name, seeds: seedsMax, ...survival };
}

async function describe(
  { name }: Mutant,
  seeds: number,
  killedBy: string,
  { failure, fired }: Outcome,
  run: (faults: readonly string[]) => Promise<Outcome>,
): Promise<Death> {
  const kindOf = (fault: string) => fault.slice(0, fault.indexOf(" ")) as FaultKind;
  const faults = [...new Set(fired.map(kindOf))];
  const onlyUnderFaults = (await run([])).failure === null;
  const others = fired.filter((fault) => !LOSS_KINDS.includes(kindOf(fault)));
  const onlyUnderLosses = onlyUnderFaults && others.length < fired.length && (await run(others)).failure === null;
  return { name, seeds, killedBy, failure: failure ?? "", faults, onlyUnderFaults, onlyUnderLosses };
}
