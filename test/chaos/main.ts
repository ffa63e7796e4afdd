// npm run chaos -- --rounds N --seed S [--only fault]: real Kafka, registry and Redis of its own, real processes, and one
// fault a round. After each round everything that was sent must be folded, the people those of `weft fold`, and the outputs
// whole: nothing lost, twice or out of order. The last line is JSON; exits 1 where a promise was broken.

import { parseArgs } from "node:util";
import { createRandom } from "#support/cluster.ts";
import { FAILPOINTS } from "./failpoints.ts";
import { dieAt, FAULTS, type FaultName } from "./faults.ts";
import { Rig } from "./rig.ts";

const EVENTS_A_FEED = 150;
const FEEDS_A_ROUND = 2;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    failpoints: { type: "boolean", default: false },
  },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
const names = Object.keys(FAULTS) as FaultName[];
if (values.only !== undefined && !names.includes(values.only as FaultName)) {
  console.error(`no fault is called ${values.only}; there are ${names.join(", ")}`);
  process.exit(2);
}

const random = createRandom(seed);
const tally: Record<string, number> = {};
const broken: string[] = [];
const startedAt = performance.now();
const rig = await Rig.open(seed, 80, (rounds + 1) * EVENTS_A_FEED * (FEEDS_A_ROUND + 1));
try {
  await rig.feed(EVENTS_A_FEED);
  for (let round = 1; round <= rounds && broken.length === 0; round += 1) {
    const feed = () => rig.feed(EVENTS_A_FEED);
    const began = performance.now();
    // Each failpoint in turn, or any fault by the seed.
    const failpoint = values.failpoints
      ? Object.keys(FAILPOINTS)[(round - 1) % Object.keys(FAILPOINTS).length]
      : undefined;
    const name = (values.only ?? names[(round - 1 + seed) % names.length]) as FaultName;
    const what =
      failpoint === undefined
        ? `${name} ${await FAULTS[name](rig, random, feed)}`
        : `failpoint ${await dieAt(rig, failpoint, random, feed)}`;
    tally[failpoint ?? name] = (tally[failpoint ?? name] ?? 0) + 1;
    broken.push(...(await rig.check()));
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(`round ${round} of ${rounds}: ${what.trim()}; ${rig.reader.count} outputs, ${seconds} s`);
  }
  for (const fault of broken.slice(0, 20)) console.error(`BROKEN (seed ${seed}): ${fault}`);
  if (broken.length > 0) console.error(rig.describe());
} finally {
  await rig.close();
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(
  JSON.stringify({
    seed,
    rounds,
    broken: broken.length,
    outputs: rig.reader.count,
    deaths: rig.deaths.length,
    seconds,
    faults: tally,
  }),
);
process.exit(broken.length === 0 ? 0 : 1);
