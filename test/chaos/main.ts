// npm run chaos -- --rounds N --seed S [--only FAULT | --failpoints | --push] [--again] | --tally
//                | --measure recovery [--kills K]: how long from `kill -9` to no lag (recovery.ts). Else: real Kafka, registry and
// Redis of its own, real processes, and one fault a round. After each round everything that was sent must be folded, the
// people those of `weft fold`, and the outputs whole: nothing lost, twice or out of order. Rounds that this commit has passed
// are left out, unless --again. The last line is JSON; exits 1 where a promise was broken.

import { parseArgs } from "node:util";
import { readArguments, refuseArguments } from "#support/arguments.ts";
import { createRandom } from "#support/cluster.ts";
import { Ledger } from "#support/ledger.ts";
import { FAILPOINTS } from "./failpoints.ts";
import { dieAt, FAULTS, type FaultName } from "./faults.ts";
import { measureRecovery } from "./recovery.ts";
import { Rig } from "./rig.ts";

const EVENTS_A_FEED = 150;
const FEEDS_A_ROUND = 2;
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
  "npm run chaos -- [--rounds N] [--seed S] [--only FAULT | --failpoints | --push] [--again] | --tally | --measure recovery [--kills K]";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      rounds: { type: "string" },
      seed: { type: "string", default: "1" },
      only: { type: "string" },
      failpoints: { type: "boolean", default: false },
      push: { type: "boolean", default: false },
      again: { type: "boolean", default: false },
      tally: { type: "boolean", default: false },
      measure: { type: "string" },
      kills: { type: "string", default: "20" },
    },
  }),
);
const names = Object.keys(FAULTS) as FaultName[];
const points = Object.keys(FAILPOINTS);
const [rounds, seed] = [Number(values.rounds ?? (values.push ? PUSH.length : 10)), Number(values.seed)];
if (values.only !== undefined && !names.includes(values.only as FaultName))
  refuseArguments(USAGE, `no fault is called ${values.only}; there are ${names.join(", ")}`);

const ledger = new Ledger("chaos", ["services", "schemas", "infra", "test/chaos", "test/support", "package-lock.json"]);
if (values.tally) {
  for (const line of ledger.describe()) console.log(line);
  process.exit(0);
}

async function measure(): Promise<void> {
  const kills = Number(values.kills);
  const measured = await Rig.open(seed, 80, 1);
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

interface Round {
  readonly number: number;
  readonly fault: FaultName;
  readonly failpoint: string | undefined;
}

/** Each failpoint in turn, what a push runs, or each fault in turn. */
function planRound(number: number): Round {
  const failpoint = values.failpoints ? points[(number - 1) % points.length] : undefined;
  const next = values.push ? PUSH[(number - 1) % PUSH.length] : names[(number - 1 + seed) % names.length];
  return { number, fault: (failpoint === undefined ? (values.only ?? next) : "failpoint") as FaultName, failpoint };
}

const nameOf = ({ number, fault, failpoint }: Round) => `seed ${seed}, round ${number}: ${failpoint ?? fault}`;
const all = Array.from({ length: rounds }, (_, place) => planRound(place + 1));
const open = all.filter((round) => values.again || !ledger.has(nameOf(round)));
if (open.length < all.length)
  console.log(`${all.length - open.length} of these rounds were passed at ${ledger.commit}`);

const tally: Record<string, number> = {};
const broken: string[] = [];
const startedAt = performance.now();
let [outputs, deaths] = [0, 0];

async function runRounds(): Promise<void> {
  const rig = await Rig.open(seed, 80, (open.length + 1) * EVENTS_A_FEED * (FEEDS_A_ROUND + 1));
  try {
    const feed = () => rig.feed(EVENTS_A_FEED);
    await feed();
    for (const round of open) {
      const began = performance.now();
      const random = createRandom(seed * 100_000 + round.number);
      const died = rig.deaths.length;
      const { fault, failpoint } = round;
      const what =
        failpoint === undefined ? await FAULTS[fault](rig, random, feed) : await dieAt(rig, failpoint, random, feed);
      broken.push(...(await rig.check()));
      const seconds = Math.round((performance.now() - began) / 1000);
      console.log(
        `round ${round.number} of ${rounds}: ${`${fault} ${what}`.trim()}; ${rig.reader.count} outputs, ${seconds} s`,
      );
      if (broken.length > 0) break;
      // What did not come about is no round of its kind.
      const name = /not (met|reached)|nothing was done/.test(what) ? `${fault}, not met` : fault;
      tally[name] = (tally[name] ?? 0) + 1;
      const point = fault === "failpoint" && name === fault ? { [`at ${what.split(",")[0]}`]: 1 } : {};
      ledger.add(nameOf(round), seconds, { [name]: 1, ...point, deaths: rig.deaths.length - died });
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
