// A failing seed made small: fewer events, fewer faults, by halves and then one by one, as long as it still fails. Draws
// are functions of stable names, so what is left out moves nothing else.

import type { Plan } from "./plan.ts";
import type { Subject } from "./cluster.ts";
import { runSeed, type Outcome } from "./run.ts";
import { type Arrival, createWorkload } from "./workload.ts";

const RUNS_MAX = 260;

/** A history that can be run again whatever becomes of the drawing of plans. */
export interface Shrunk {
  readonly plan: Plan;
  readonly events: readonly Arrival[];
  readonly faults: readonly string[];
  readonly failure: string;
  readonly runs: number;
}

export async function shrink(outcome: Outcome, subject?: Subject): Promise<Shrunk> {
  const { plan } = outcome;
  let runs = 0;
  let failure = outcome.failure ?? "";
  const fails = async (events: readonly Arrival[], faults: readonly string[]): Promise<boolean> => {
    if (runs >= RUNS_MAX) return false;
    runs += 1;
    const again = await runSeed(plan.seed, subject, { plan, events, faults });
    if (again.failure !== null) [failure = ""] = again.failure.split("\n");
    return again.failure !== null;
  };
  let events: readonly Arrival[] = createWorkload(plan);
  let faults: readonly string[] = [...new Set(outcome.fired)];
  // Not told what may fire, a seed draws; told, it must still fail, or nothing can be left out.
  if (await fails(events, faults)) {
    faults = await reduce(faults, (fewer) => fails(events, fewer));
    events = await reduce(events, (fewer) => fails(fewer, faults));
    faults = await reduce(faults, (fewer) => fails(events, fewer));
  }
  return { plan, events, faults, failure, runs };
}

/** Leaves out chunks, large ones first, while the rest fails. */
async function reduce<T>(whole: readonly T[], fails: (rest: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = whole;
  if (kept.length > 0 && (await fails([]))) return [];
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (rest.length > 0 && (await fails(rest))) kept = rest;
      else at += size;
    }
  }
  return kept;
}
