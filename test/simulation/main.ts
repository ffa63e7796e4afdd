// npm run simulate -- --seeds N --from S [--mutants]
// Regressions, canaries, seeds and their tally, or planted bugs. A failing seed is shrunk and kept in test/regressions.
// On a terminal one line moves; elsewhere there are plain lines. The last line is JSON; exit 1 where anything failed.

import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { ROOT } from "#support/source.ts";
import {
  createTally,
  listMissing,
  listSilentCanaries,
  replayRegressions,
  runCampaign,
  VACUITY_SEEDS_MIN,
} from "./campaign.ts";
import { MUTANTS } from "./mutants.ts";
import { keepRegression } from "./regressions.ts";
import type { Outcome } from "./run.ts";
import { shrink } from "./shrink.ts";
import { kill } from "./slaughter.ts";

const MUTANT_SEEDS_MAX = 160;
const DOUBLE_EVERY = 20;
/** Failures that are shrunk and kept; more of them most often say the same. */
const SHRUNK_MAX = 3;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    mutants: { type: "boolean", default: false },
  },
});
const [seeds, from] = [Number(values.seeds), Number(values.from)];
if (!Number.isSafeInteger(seeds) || !Number.isSafeInteger(from) || seeds < 1) {
  console.error("usage: npm run simulate -- --seeds N --from S [--mutants]");
  process.exit(2);
}

const commit = readCommit();
const startedAtMs = Date.now();
let failures = 0;

function readCommit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

function clearLine(): void {
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
}

function say(line: string): void {
  clearLine();
  process.stdout.write(`${line}\n`);
}

function progress(line: string, isDue: boolean): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}`);
  else if (isDue) process.stdout.write(`${line}\n`);
}

function fail(line: string): void {
  failures += 1;
  say(`FAIL ${line}`);
}

async function report(outcome: Outcome): Promise<void> {
  fail(`seed ${outcome.seed} at commit ${commit}: ${outcome.failure}`);
  if (failures > SHRUNK_MAX) return;
  const { runs, ...shrunk } = await shrink(outcome);
  const about = `Seed ${outcome.seed}, shrunk in ${runs} runs.`;
  const path = keepRegression(`seed-${outcome.seed}`, { about, commit, ...shrunk });
  say(`     ${shrunk.events.length} events, faults: ${shrunk.faults.join("; ") || "none"}; kept in ${path}`);
}

async function simulate(): Promise<void> {
  const tally = createTally();
  for (const failure of await replayRegressions()) fail(failure);
  for (const seed of await listSilentCanaries()) fail(`canary seed ${seed} passes: the alarm does not work`);
  await runCampaign(from, seeds, DOUBLE_EVERY, tally, async (outcome) => {
    if (outcome.failure !== null) await report(outcome);
    const perSecond = ((1000 * tally.seeds) / (Date.now() - startedAtMs)).toFixed(1);
    progress(
      `${tally.seeds}/${seeds} seeds, ${tally.failed} failed, ${tally.faults} faults, ${perSecond} seeds/s`,
      tally.seeds % 50 === 0,
    );
  });
  clearLine();
  for (const [name, count] of [...tally.counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    say(`${String(count).padStart(8)}  ${name}`);
  if (seeds >= VACUITY_SEEDS_MIN) for (const name of listMissing(tally)) fail(`never happened: ${name}`);
  say(`${tally.doubles} seeds ran twice; commit ${commit}; ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
  const { seeds: run, failed, events, faults, hard } = tally;
  say(
    JSON.stringify({ seeds: run, failed: failed + (failures > failed ? failures - failed : 0), events, faults, hard }),
  );
}

async function slaughter(): Promise<void> {
  let underFaults = 0;
  let run = 0;
  for (const [place, mutant] of MUTANTS.entries()) {
    progress(`${place}/${MUTANTS.length} ${mutant.name}`, false);
    const death = await kill(mutant, from, MUTANT_SEEDS_MAX);
    run += death.seeds;
    if (death.onlyUnderFaults) underFaults += 1;
    if (death.killedBy === null) fail(`${death.name} survives ${death.seeds} seeds`);
    else {
      const how = death.onlyUnderFaults ? `only under faults (${death.faults.join(", ")})` : "without any fault too";
      say(`killed ${death.name} by ${death.killedBy}, ${how}: ${death.failure.split("\n")[0]?.slice(0, 160)}`);
    }
  }
  say(
    `${MUTANTS.length - failures} of ${MUTANTS.length} killed, ${underFaults} only under faults; commit ${commit}; ${Math.round((Date.now() - startedAtMs) / 1000)} s`,
  );
  say(JSON.stringify({ mutants: MUTANTS.length, killed: MUTANTS.length - failures, underFaults, seeds: run }));
}

await (values.mutants ? slaughter() : simulate());
process.exitCode = failures > 0 ? 1 : 0;
