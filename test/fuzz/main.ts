// npm run fuzz -- --inputs N --seed S [--again] | --tally: the decoders against bytes that nobody would write, in portions of
// a million. Portions that this commit has passed are left out. The last line is JSON; exits 1 at the first input that is not answered.

import { parseArgs } from "node:util";
import { readArguments, refuseArguments } from "#support/arguments.ts";
import { fuzz, openTargets } from "#support/decoder-fuzz.ts";
import { Ledger } from "#support/ledger.ts";

const PORTION = 1_000_000;

const USAGE = "npm run fuzz -- [--inputs N] [--seed S] [--again] | --tally";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      inputs: { type: "string", default: String(PORTION) },
      seed: { type: "string", default: "1" },
      again: { type: "boolean", default: false },
      tally: { type: "boolean", default: false },
    },
  }),
);
const ledger = new Ledger("fuzz", ["services", "schemas", "test/support", "package-lock.json"]);
if (values.tally) {
  for (const line of ledger.describe()) console.log(line);
  process.exit(0);
}
const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
if (!Number.isSafeInteger(inputs) || !Number.isSafeInteger(seed) || inputs < 1) {
  refuseArguments(USAGE, "numbers are whole, and at least 1");
}

const targets = await openTargets();
let [run, accepted, skipped, seconds] = [0, 0, 0, 0];
for (let at = 0, portion = 0; at < inputs; at += PORTION, portion += 1) {
  const count = Math.min(PORTION, inputs - at);
  const name = `seed ${seed}, portion ${portion}, ${count} inputs`;
  if (!values.again && ledger.has(name)) {
    skipped += count;
    continue;
  }
  const began = process.cpuUsage();
  const report = fuzz(targets, seed * 1_000_003 + portion, count);
  const { user, system } = process.cpuUsage(began);
  const cpuSeconds = (user + system) / 1e6;
  const { answers, slowestMs } = report;
  run += count;
  accepted += report.accepted;
  seconds += cpuSeconds;
  ledger.add(name, cpuSeconds, { inputs: count, accepted: report.accepted });
  console.log(
    `${at + count} of ${inputs}: ${answers} kinds of answer, slowest ${slowestMs} ms, ${Math.round(count / cpuSeconds)} inputs a CPU second`,
  );
}
console.log(
  JSON.stringify({ inputs: run, before: skipped, accepted, seconds: Math.round(seconds), commit: ledger.commit }),
);
