// Many seeds and their tally: canaries first (they must fail), then what failed once, then the seeds, some of them twice
// (the same seed must leave the same trace); at the end every kind of fault must have fired.

import { CIRCUMSTANCES } from "./circumstances.ts";
import { FAULT_KINDS } from "./faults.ts";
import { CANARY } from "./mutants.ts";
import { createPlanOf, type SeedKind } from "./plan-erasing.ts";
import { listRegressions, replay } from "./regressions.ts";
import { runSeed, type Outcome } from "./run.ts";
import { prepareSubject } from "./slaughter.ts";
import { TOLD_BY_THE_CLOCK } from "./passed-time.ts";
import { HIDDEN, HIDDEN_SINCE_UNKNOWN } from "./slot.ts";
import { FOLDED_AFTERWARDS, FOLDED_UNDER_FAULTS } from "./state.ts";

/** Below it a kind may miss by chance. */
export const VACUITY_SEEDS_MIN = 50;
const CANARY_SEEDS = [1, 2, 3];

export interface Tally {
  seeds: number;
  failed: number;
  events: number;
  faults: number;
  hard: number;
  doubles: number;
  readonly counts: Map<string, number>;
}

export function createTally(): Tally {
  return { seeds: 0, failed: 0, events: 0, faults: 0, hard: 0, doubles: 0, counts: new Map() };
}

/** As plain figures, the counts of faults and states under their names. */
export function listCounts({ counts, ...figures }: Tally): Record<string, number> {
  return { ...figures, ...Object.fromEntries(counts) };
}

export function addCounts(tally: Tally, added: Readonly<Record<string, number>>): void {
  const { seeds = 0, failed = 0, events = 0, faults = 0, hard = 0, doubles = 0, ...counts } = added;
  tally.seeds += seeds;
  tally.failed += failed;
  tally.events += events;
  tally.faults += faults;
  tally.hard += hard;
  tally.doubles += doubles;
  for (const [name, count] of Object.entries(counts)) tally.counts.set(name, (tally.counts.get(name) ?? 0) + count);
}

/** Seeds at which the alarm does not sound although it must. */
export async function listSilentCanaries(): Promise<number[]> {
  const subject = await prepareSubject(CANARY);
  const silent: number[] = [];
  for (const seed of CANARY_SEEDS) if ((await runSeed(seed, subject)).failure === null) silent.push(seed);
  return silent;
}

/** What failed once and fails again. */
export async function replayRegressions(): Promise<string[]> {
  const failures: string[] = [];
  for (const file of listRegressions()) {
    const { name, outcome } = await replay(file);
    if (outcome.failure !== null) failures.push(`${name}: ${outcome.failure}`);
  }
  return failures;
}

export interface Seeds {
  readonly kind: SeedKind;
  readonly from: number;
  readonly seeds: number;
  /** Each so many seeds one runs twice. */
  readonly doubleEvery: number;
}

export async function runCampaign(
  { kind, from, seeds, doubleEvery }: Seeds,
  tally: Tally,
  onSeed: (outcome: Outcome) => Promise<void> | void,
): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const script = { plan: createPlanOf(kind, seed) };
    let outcome = await runSeed(seed, undefined, script);
    if (seed % doubleEvery === 0) {
      tally.doubles += 1;
      const again = await runSeed(seed, undefined, script);
      if (again.trace !== outcome.trace && outcome.failure === null)
        outcome = { ...outcome, failure: `not deterministic: trace ${outcome.trace}, then ${again.trace}` };
    }
    const { events, faults, hard, counts } = outcome;
    const failed = outcome.failure === null ? 0 : 1;
    addCounts(tally, { ...Object.fromEntries(counts), seeds: 1, failed, events, faults, hard });
    await onSeed(outcome);
  }
}

/** States that a campaign must have reached, beside every kind of fault. */
const STATES = [
  "commit fenced",
  "outcome unknown",
  "transaction aborted",
  "transaction timed out",
  HIDDEN,
  HIDDEN_SINCE_UNKNOWN,
  "told of an open transaction",
  TOLD_BY_THE_CLOCK,
  "shard that lost acknowledged writes",
  "store behind the log (R < K)",
  "waited for a service",
  "step cut inside a bundle",
  "step begun inside a bundle",
  "identifier forgotten",
  "request about what she shares",
  "late event of somebody erased",
  "folded anew after an erasure",
  "commit damaged",
  "shard emptied",
  "index put back",
  "reader told to wait",
];

export function listMissing({ counts }: Tally, kind: SeedKind): string[] {
  const count = (name: string) => counts.get(name) ?? 0;
  const states = [...FAULT_KINDS, ...STATES, ...(kind === "any" ? [] : CIRCUMSTANCES)];
  const missing = states.filter((name) => count(name) === 0);
  // Where most of the work is done when the faults have stopped, they have struck little.
  const isIdle = kind === "any" && count(FOLDED_UNDER_FAULTS) * 2 < count(FOLDED_AFTERWARDS);
  return isIdle ? [...missing, "a third of the steps folded while faults strike"] : missing;
}
