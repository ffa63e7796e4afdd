// One seed: a deployment comes up, its channels are fed while faults strike (safety), then the faults stop and everything
// must drain within a bound (liveness); the verdict follows. The same seed gives the same trace.

import { SimulatedCluster, type Subject } from "./cluster.ts";
import { HARD_KINDS } from "./faults.ts";
import { createKit } from "./kit.ts";
import type { Observer } from "./observer.ts";
import { createPlan, type Plan } from "./plan.ts";
import { REFERENCE } from "./system.ts";
import { type Arrival, createWorkload } from "./workload.ts";
import { countFaults, World } from "./world.ts";

export interface Outcome {
  readonly seed: number;
  readonly plan: Plan;
  readonly failure: string | null;
  readonly trace: string;
  readonly events: number;
  readonly outputs: number;
  readonly steps: number;
  readonly faults: number;
  readonly hard: number;
  readonly counts: ReadonlyMap<string, number>;
  /** Names of the faults that fired. */
  readonly fired: readonly string[];
}

/** A shrunk history: which events come and which faults may fire; absent: all that the seed has. */
export interface Script {
  readonly plan?: Plan;
  readonly events?: readonly Arrival[];
  readonly faults?: readonly string[];
}

const reference = await createKit(REFERENCE);

export async function runSeed(
  seed: number,
  subject: Subject = { kit: reference },
  script: Script = {},
): Promise<Outcome> {
  const plan = script.plan ?? createPlan(seed);
  const world = new World(plan, script.faults === undefined ? null : new Set(script.faults));
  const events = script.events ?? createWorkload(plan);
  let failure: string | null;
  let observer: Observer | null = null;
  try {
    const cluster = new SimulatedCluster(world, reference, subject, events);
    ({ observer } = cluster);
    failure = await cluster.live();
  } catch (error) {
    failure = (error as Error).message;
  }
  const { counts, fired, steps, trace } = world;
  return {
    seed,
    plan,
    failure,
    trace: `${trace} ${observer?.count ?? 0}`,
    events: events.length,
    outputs: observer?.count ?? 0,
    steps,
    faults: countFaults(counts),
    hard: HARD_KINDS.reduce((sum, kind) => sum + (counts.get(kind) ?? 0), 0),
    counts,
    fired,
  };
}
