// npm run fuzz:requests -- --requests N --seed S [--again] | --tally: the API against requests of our own generator
// (test/core/api-fuzz.test.ts), in portions of 50,000, each a process of its own and a seed of its own. Portions that this
// commit has passed are left out. Exits 1 at the first portion that fails, with what the test says.

import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { readArguments, refuseArguments } from "#support/arguments.ts";
import { Ledger } from "#support/ledger.ts";

const PORTION = 50_000;

const USAGE = "npm run fuzz:requests -- [--requests N] [--seed S] [--again] | --tally";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      requests: { type: "string", default: String(PORTION) },
      seed: { type: "string", default: "1" },
      again: { type: "boolean", default: false },
      tally: { type: "boolean", default: false },
    },
  }),
);
const ledger = new Ledger("fuzz-requests", ["services", "schemas", "test/support", "test/core/api-fuzz.test.ts"]);
if (values.tally) {
  for (const line of ledger.describe()) console.log(line);
  process.exit(0);
}
const [requests, seed] = [Number(values.requests), Number(values.seed)];
if (![requests, seed].every(Number.isSafeInteger) || requests < PORTION || requests % PORTION !== 0)
  refuseArguments(USAGE, `--requests is a multiple of ${PORTION}`);

async function run(portionSeed: number): Promise<{ readonly passed: boolean; readonly out: string }> {
  const env = { ...process.env, WEFT_FUZZ_REQUESTS: String(PORTION), WEFT_FUZZ_SEED: String(portionSeed) };
  const child = spawn(process.execPath, ["--test", "test/core/api-fuzz.test.ts"], { env, stdio: "pipe" });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (out += chunk.toString()));
  return await new Promise((resolve) => child.on("close", (code) => resolve({ passed: code === 0, out })));
}

let [done, before] = [0, 0];
for (let portion = 0; portion * PORTION < requests; portion += 1) {
  // Three phases of a run have seeds that follow each other.
  const portionSeed = seed * 1_000_003 + 3 * portion;
  const name = `seed ${portionSeed}, ${PORTION} requests`;
  if (!values.again && ledger.has(name)) {
    before += PORTION;
    continue;
  }
  const { passed, out } = await run(portionSeed);
  const [, seconds = "0", growth = "0"] = /CPU (\d+) s, heap (-?\d+) KiB/.exec(out) ?? [];
  if (!passed) {
    console.log(out);
    process.exit(1);
  }
  done += PORTION;
  ledger.add(name, Number(seconds), { requests: PORTION, heapKiB: Number(growth) });
  console.log(`${before + done} of ${requests}: seed ${portionSeed}, ${seconds} s of CPU, heap ${growth} KiB more`);
}
console.log(JSON.stringify({ requests: done, before, commit: ledger.commit }));
