// What one seed is about: the shape of the deployment, a mix of faults (some kinds absent, so that each mix is met alone
// too), and a timetable of the faults that strike processes, slots, shards and topics. Small values are favoured.

import type { Scenario } from "#support/histories.ts";
import { FAULT_KINDS, type FaultKind } from "./faults.ts";
import { hashText } from "./world.ts";

export interface Strike {
  readonly kind: FaultKind;
  readonly atMs: number;
  /** Picks whom it strikes, and how hard. */
  readonly luck: number;
}

export interface Plan {
  readonly seed: number;
  readonly workers: number;
  readonly shards: number;
  readonly resolverSlots: number;
  readonly stitchSlots: number;
  readonly channelPartitions: number;
  readonly transactionIntervalMs: number;
  readonly tickIntervalMs: number;
  readonly latencyMs: number;
  /** Every member's slots start anew at a rebalance, as kafkajs has it; else only those that move. */
  readonly eager: boolean;
  /** How long it takes at most until a new owner hears of a slot, and a former one that it has lost it. */
  readonly newsMs: number;
  readonly lossMs: number;
  /** Records of one poll at most. */
  readonly fetchMax: number;
  /** Timers that fire in one step of a shard. Absent: as production has it. */
  readonly firedMax?: number;
  /** When other rules come into force. Absent: never. */
  readonly rulesAtMs?: readonly number[];
  /** What is said on the inner log is sealed. Absent: it is not. */
  readonly sealed?: boolean;
  /** When somebody asks to be forgotten. Absent: nobody does. */
  readonly erasuresAtMs?: readonly number[];
  /** From when on they may be about what several people share: then nothing is said for a while. Absent: at any time. */
  readonly sharingFromMs?: number;
  readonly histories: number;
  /** Of which each history is one. Absent: as histories are elsewhere. */
  readonly scenarios?: readonly Scenario[];
  readonly historyLength: number;
  /** The events come in this time; faults go on a little longer. */
  readonly feedMs: number;
  /** Log time by which what comes a virtual millisecond later is later. Absent: events come in any order of time. */
  readonly lapse?: number;
  readonly rates: Readonly<Record<FaultKind, number>>;
  readonly strikes: readonly Strike[];
}

/** The highest rate per request (for input faults: per event) that a mix draws. */
const RATE_MAX: Readonly<Partial<Record<FaultKind, number>>> = {
  "crash-before": 0.001,
  "crash-after": 0.002,
  "crash-inside-a-bundle": 0.3,
  "failover-at-a-write": 0.02,
  "lost-part-at-a-read": 0.06,
  "index-failover-at-a-request": 0.01,
  "end-lost": 0.03,
  "end-late": 0.025,
  "store-refused": 0.012,
  "store-lost": 0.012,
  "store-late": 0.01,
  "index-refused": 0.012,
  "index-lost": 0.012,
  "index-partial": 0.03,
  "registry-refused": 0.1,
  "log-refused": 0.007,
  "log-lost": 0.007,
  "log-late": 0.007,
  slow: 0.15,
  "coordinator-slow": 0.8,
  duplicate: 0.1,
  "input-aborted": 0.04,
  "input-hanging": 0.004,
  "input-open": 0.04,
};

/** Kinds of the timetable, and how many of them a seed has at most. */
const STRIKES_MAX: Readonly<Partial<Record<FaultKind, number>>> = {
  crash: 2,
  zombie: 2,
  rebalance: 3,
  failover: 3,
  drain: 1,
  retention: 2,
};

/** In half of the seeds; in one of eight so many that a guard against them is met while another loss is being mended. */
const LOSSES_MAX: typeof STRIKES_MAX = { flushall: 1, "lost-part": 3, "lost-key": 2, "index-failover": 2 };
const LOSSES_DENSE: typeof STRIKES_MAX = { flushall: 1, "lost-part": 16, "lost-key": 6, "index-failover": 4 };
const LOSSES_SHARE = 0.5;
const LOSSES_DENSE_SHARE = 0.125;

/** Strikes go on when the last event has come. */
const STRIKES_ON_MS = 700;

const RULE_CHANGES_MAX = 3;
const ERASURES_MAX = 4;

/** Histories that share nothing with each other, and events of each: many small components, or few that grow large. */
const SHAPES = [
  { histories: 8, historyLength: 22 },
  { histories: 22, historyLength: 8 },
  { histories: 22, historyLength: 8 },
  { histories: 44, historyLength: 4 },
  { histories: 44, historyLength: 4 },
] as const;

export function isPlanned({ rates, strikes }: Plan, kind: FaultKind): boolean {
  return rates[kind] > 0 || strikes.some((strike) => strike.kind === kind);
}

export function createPlan(seed: number): Plan {
  const draw = (name: string) => hashText(seed, `plan ${name}`) / 4_294_967_296;
  const within = (name: string, min: number, max: number) => min + Math.floor(draw(name) * (max - min + 1));
  const shards = within("shards", 4, 6);
  const channelPartitions = within("partitions", 2, 3);
  const feedMs = within("feed", 4000, 8000);
  const list = (what: string, count: number) =>
    Array.from({ length: count }, (_, i) => Math.round(draw(`${what} at ${i}`) * feedMs));
  const rates = {} as Record<FaultKind, number>;
  for (const kind of FAULT_KINDS)
    rates[kind] = draw(`${kind} is in`) < 0.45 ? 0 : (RATE_MAX[kind] ?? 0) * draw(`${kind} rate`);
  const strikes: Strike[] = [];
  const loss = draw("losses");
  const losses = loss < LOSSES_DENSE_SHARE ? LOSSES_DENSE : loss < LOSSES_SHARE ? LOSSES_MAX : {};
  const most = { ...STRIKES_MAX, ...losses };
  for (const [kind, max] of Object.entries(most) as [FaultKind, number][])
    for (let i = within(`${kind} count`, 0, max); i > 0; i -= 1)
      strikes.push({
        kind,
        atMs: Math.round(draw(`${kind} at ${i}`) * (feedMs + STRIKES_ON_MS)),
        luck: draw(`${kind} luck ${i}`),
      });
  return {
    seed,
    workers: within("workers", 3, 4),
    shards,
    resolverSlots: within("resolver slots", 2, channelPartitions),
    stitchSlots: within("stitch slots", 2, shards),
    channelPartitions,
    transactionIntervalMs: within("interval", 20, 150),
    tickIntervalMs: within("tick", 400, 2000),
    latencyMs: within("latency", 2, 8) / 4,
    eager: draw("eager") < 0.5,
    newsMs: within("news", 5, 150),
    lossMs: within("loss", 20, 800),
    fetchMax: draw("fetch") < 0.3 ? within("few", 1, 4) : within("many", 5, 60),
    ...(draw("few timers") < 0.8 ? { firedMax: 1 } : {}),
    ...(draw("rules") < 0.5 ? { rulesAtMs: list("rules", within("rule changes", 1, RULE_CHANGES_MAX)) } : {}),
    ...(draw("erasures are in") < 0.5 ? { erasuresAtMs: list("erasure", within("erasures", 1, ERASURES_MAX)) } : {}),
    ...(SHAPES[within("shape", 0, SHAPES.length - 1)] as (typeof SHAPES)[number]),
    feedMs,
    rates,
    strikes: strikes.toSorted((a, b) => a.atMs - b.atMs),
  };
}
