// npm run chaos -- --rounds N --seed S [--only FAULT | --failpoints | --push] [--burst B] [--again] | --tally
//                | --measure recovery [--kills K]: how long from `kill -9` to no lag (recovery.ts). Else: real Kafka, registry and
// Redis of its own, real processes, and so many faults a round (1), one after the other. After each round everything that was
// sent must be folded, the people those of `weft fold`, and the outputs whole: nothing lost, twice or out of order. Rounds that
// this commit has passed are left out, unless --again. The last line is JSON; exits 1 where a promise was broken.

import { parseArgs } from "node:util";
import { readArguments, refuseArguments } from "#support/arguments.ts";
import { createRandom, type Random } from "#support/cluster.ts";
import { endOnInterruption } from "#support/interruption.ts";
import { addCounts, Ledger } from "#support/ledger.ts";
import { FAILPOINTS } from "./failpoints.ts";
import { dieAt, FAULTS, type FaultName } from "./faults.ts";
import { measureRecovery } from "./recovery.ts";
import { Rig } from "./rig.ts";

const EVENTS_A_FEED = 150;
const FEEDS_A_FAULT = 2;
/** What each push runs. */
const PUSH: readonly FaultName[] = [
  ...Array.from({ length: 3 }, () => "kill" as const),
  ...Array.from({ length: 3 }, () => "failpoint" as const),
  ...Array.from({ length: 3 }, () => "answer-lost" as const),
  "zombie",
  "redis-promoted",
  "redis-flushed",
  "kafka-killed",
];

const USAGE =
  "npm run chaos -- [--rounds N] [--seed S] [--only FAULT | --failpoints | --push] [--burst B] [--again] | --tally | --measure recovery [--kills K]";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      rounds: { type: "string" },
      seed: { type: "string", default: "1" },
      only: { type: "string" },
      failpoints: { type: "boolean", default: false },
      push: { type: "boolean", default: false },
      burst: { type: "string", default: "1" },
      again: { type: "boolean", default: false },
      tally: { type: "boolean", default: false },
      measure: { type: "string" },
      kills: { type: "string", default: "20" },
    },
  }),
);
const names = Object.keys(FAULTS) as FaultName[];
const points = Object.keys(FAILPOINTS);
const [burst, seed] = [Number(values.burst), Number(values.seed)];
const rounds = Number(values.rounds ?? (values.push ? Math.ceil(PUSH.length / burst) : 10));
if (values.only !== undefined && !names.includes(values.only as FaultName))
  refuseArguments(USAGE, `no fault is called ${values.only}; there are ${names.join(", ")}`);

const ledger = new Ledger("chaos", ["services", "schemas", "infra", "test/chaos", "test/support", "package-lock.json"]);
if (values.tally) {
  for (const line of ledger.describe()) console.log(line);
  process.exit(0);
}

async function measure(): Promise<void> {
  const kills = Number(values.kills);
  const measured = await Rig.open(seed, 80, 1, true);
  endOnInterruption(() => measured.close());
  try {
    const times = (await measureRecovery(measured, kills, seed)).toSorted((a, b) => a - b);
    const at = (share: number) =>
      Math.round(times[Math.min(times.length - 1, Math.ceil(share * times.length) - 1)] ?? 0);
    ledger.add(`recovery, seed ${seed}`, 0, { kills, "recovery p50 ms": at(0.5), "recovery p99 ms": at(0.99) });
    console.log(JSON.stringify({ measure: "recovery", seed, kills, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }));
  } finally {
    await measured.close();
  }
}

if (values.measure !== undefined) {
  if (values.measure !== "recovery")
    refuseArguments(USAGE, `nothing is measured as ${values.measure}; there is recovery`);
  await measure();
  process.exit(0);
}

interface Strike {
  readonly fault: FaultName;
  readonly failpoint: string | undefined;
}

interface Round {
  readonly number: number;
  readonly strikes: readonly Strike[];
}

/** Each failpoint in turn, what a push runs, or each fault in turn. */
function planStrike(place: number): Strike {
  const failpoint = values.failpoints ? points[place % points.length] : undefined;
  const next = values.push ? PUSH[place % PUSH.length] : names[(place + seed) % names.length];
  return { fault: (failpoint === undefined ? (values.only ?? next) : "failpoint") as FaultName, failpoint };
}

function planRound(number: number): Round {
  const strikes = Array.from({ length: burst }, (_, i) => (number - 1) * burst + i);
  const planned = values.push ? strikes.filter((place) => place < PUSH.length) : strikes;
  return { number, strikes: planned.map(planStrike) };
}

const nameOf = ({ number, strikes }: Round) =>
  `seed ${seed}, round ${number}: ${strikes.map(({ fault, failpoint }) => failpoint ?? fault).join(", ")}`;
const all = Array.from({ length: rounds }, (_, place) => planRound(place + 1));
const open = all.filter((round) => values.again || !ledger.has(nameOf(round)));
if (open.length < all.length)
  console.log(`${all.length - open.length} of these rounds were passed at ${ledger.commit}`);

const tally: Record<string, number> = {};
const broken: string[] = [];
const startedAt = performance.now();
let [outputs, deaths] = [0, 0];

/** What was done, and its counts; what did not come about is no fault of its kind. */
async function strike(rig: Rig, { fault, failpoint }: Strike, random: Random): Promise<Record<string, number>> {
  const feed = () => rig.feed(EVENTS_A_FEED);
  const what =
    failpoint === undefined ? await FAULTS[fault](rig, random, feed) : await dieAt(rig, failpoint, random, feed);
  console.log(`  ${`${fault} ${what}`.trim()}`);
  const isMet = !/not (met|reached)|nothing was done/.test(what);
  return isMet && fault === "failpoint"
    ? { [fault]: 1, [`at ${what.split(",")[0]}`]: 1 }
    : { [isMet ? fault : `${fault}, not met`]: 1 };
}

async function runRounds(): Promise<void> {
  const strikes = open.reduce((sum, round) => sum + round.strikes.length, 1);
  const rig = await Rig.open(seed, 80, strikes * EVENTS_A_FEED * (FEEDS_A_FAULT + 1));
  endOnInterruption(() => rig.close());
  try {
    await rig.feed(EVENTS_A_FEED);
    for (const round of open) {
      const began = performance.now();
      const random = createRandom(seed * 100_000 + round.number);
      const died = rig.deaths.length;
      const counts: Record<string, number> = {};
      for (const one of round.strikes) addCounts(counts, await strike(rig, one, random));
      broken.push(...(await rig.check()));
      const seconds = Math.round((performance.now() - began) / 1000);
      console.log(`round ${round.number} of ${rounds}: ${rig.reader.count} outputs, ${seconds} s`);
      if (broken.length > 0) break;
      addCounts(tally, counts);
      ledger.add(nameOf(round), seconds, { ...counts, deaths: rig.deaths.length - died });
    }
    for (const line of broken.slice(0, 20)) console.error(`BROKEN (seed ${seed}, commit ${ledger.commit}): ${line}`);
    if (broken.length > 0) console.error(rig.describe());
  } finally {
    await rig.close();
    [outputs, deaths] = [rig.reader.count, rig.deaths.length];
  }
}

if (open.length > 0) await runRounds();
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(
  JSON.stringify({ seed, rounds, run: open.length, broken: broken.length, outputs, deaths, seconds, faults: tally }),
);
process.exit(broken.length === 0 ? 0 : 1);
