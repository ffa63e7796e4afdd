// npm run simulate -- --seeds N | --erasures N [--sealed] [--from S] [--jobs J] [--double-every D] [--again]
//                     | --mutants [--only NAME,NAME] | --tally
// Regressions, canaries, seeds and their tally, or planted bugs. A failing seed is shrunk and kept in test/regressions.
// Portions of seeds that a campaign at this commit has run are not run again, unless --again: a long one may be stopped
// and resumed. On a terminal one line moves; elsewhere there are plain lines. The last line is JSON; exit 1 where anything failed.

import { parseArgs } from "node:util";
import { readArguments, refuseArguments } from "#support/arguments.ts";
import { Ledger } from "#support/ledger.ts";
import {
  addCounts,
  createTally,
  listCounts,
  listMissing,
  listSilentCanaries,
  replayRegressions,
  type Seeds,
  type Tally,
  VACUITY_SEEDS_MIN,
} from "./campaign.ts";
import { CIRCUMSTANCES, ERASURES } from "./circumstances.ts";
import { runPortions } from "./crew.ts";
import { MUTANTS } from "./mutants.ts";
import type { SeedKind } from "./plan-erasing.ts";
import type { PortionNews } from "./portion.ts";
import { keepRegression } from "./regressions.ts";
import type { Outcome } from "./run.ts";
import { shrink } from "./shrink.ts";
import { kill } from "./slaughter.ts";

const MUTANT_SEEDS_MAX = 160;
const PORTION_SEEDS = 50;
/** Failures that are shrunk and kept; more of them most often say the same. */
const SHRUNK_MAX = 3;

const USAGE =
  "npm run simulate -- [--seeds N | --erasures N [--sealed]] [--from S] [--jobs J] [--double-every D] [--again] | --mutants [--only NAME,NAME] | --tally";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      seeds: { type: "string", default: "200" },
      erasures: { type: "string" },
      sealed: { type: "boolean", default: false },
      from: { type: "string", default: "1" },
      jobs: { type: "string", default: "1" },
      "double-every": { type: "string", default: "20" },
      again: { type: "boolean", default: false },
      mutants: { type: "boolean", default: false },
      only: { type: "string" },
      tally: { type: "boolean", default: false },
    },
  }),
);
const erasures = values.erasures === undefined ? null : Number(values.erasures);
const [seeds, from, jobs, doubleEvery] = [values.seeds, values.from, values.jobs, values["double-every"]].map(
  Number,
) as [number, number, number, number];
if ([seeds, from, jobs, doubleEvery, erasures ?? 1].some((number) => !Number.isSafeInteger(number) || number < 1)) {
  refuseArguments(USAGE, "numbers are whole, and at least 1");
}
/** Seeds of a kind of their own. */
const kind: SeedKind = erasures === null ? "any" : values.sealed ? "sealed" : "erasing";

const ledger = new Ledger("simulation", [
  "services",
  "schemas",
  "test/simulation",
  "test/support",
  "package-lock.json",
]);
const { commit } = ledger;
const startedAtMs = Date.now();
let failures = 0;

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
  const path = keepRegression(`${kind === "any" ? "" : `${kind}-`}seed-${outcome.seed}`, {
    about,
    commit,
    ...shrunk,
  });
  say(`     ${shrunk.events.length} events, faults: ${shrunk.faults.join("; ") || "none"}; kept in ${path}`);
}

/** Until there are as many seeds, or requests that were heard. Cut so that campaigns that overlap share portions. */
function* listPortions(tally: Tally, isDone: (order: Seeds) => boolean): Generator<Seeds, undefined> {
  const isShort = (at: number) =>
    erasures === null ? at < from + seeds : (tally.counts.get(ERASURES) ?? 0) < erasures;
  for (let at = from; isShort(at); ) {
    const end = at - (at % PORTION_SEEDS) + PORTION_SEEDS;
    const next = erasures === null ? Math.min(from + seeds, end) : end;
    const order = { kind, from: at, seeds: next - at, doubleEvery };
    if (!isDone(order)) yield order;
    at = next;
  }
}

function nameOf(order: Seeds): string {
  return `${kind === "any" ? "" : `${kind} `}seeds ${order.from} to ${order.from + order.seeds - 1}, one in ${order.doubleEvery} twice`;
}

async function simulate(): Promise<void> {
  const tally = createTally();
  for (const failure of await replayRegressions()) fail(failure);
  for (const seed of await listSilentCanaries()) fail(`canary seed ${seed} passes: the alarm does not work`);
  const known = new Map(ledger.read().flatMap((one) => (one.commit === commit ? [[one.part, one] as const] : [])));
  let resumed = 0;
  const isDone = (order: Seeds) => {
    const counts = known.get(nameOf(order))?.counts;
    if (values.again || !ledger.has(nameOf(order)) || counts?.["failed"] !== 0) return false;
    addCounts(tally, counts);
    resumed += order.seeds;
    return true;
  };
  let cpuSeconds = 0;
  const onPortion = async (order: Seeds, news: readonly PortionNews[]) => {
    for (const one of news) {
      if (one.kind === "failed") await report(one.outcome);
      else {
        addCounts(tally, listCounts(one.tally));
        cpuSeconds += one.cpuSeconds;
        ledger.add(nameOf(order), one.cpuSeconds, listCounts(one.tally));
      }
    }
    const run = tally.seeds - resumed;
    const speed = `${(run / cpuSeconds).toFixed(1)} seeds a CPU second`;
    const heard = tally.counts.get(ERASURES) ?? 0;
    const done = erasures === null ? `${tally.seeds}/${seeds} seeds` : `${heard}/${erasures} erasures`;
    progress(`${done}, ${tally.failed} failed, ${tally.faults} faults, ${speed}`, true);
  };
  await runPortions(listPortions(tally, isDone), jobs, onPortion);
  clearLine();
  if (resumed > 0) say(`${resumed} of these seeds were run before at ${commit}`);
  describeTally(tally);
  if (tally.seeds >= VACUITY_SEEDS_MIN) for (const name of listMissing(tally, kind)) fail(`never happened: ${name}`);
  const seconds = Math.round((Date.now() - startedAtMs) / 1000);
  say(`${tally.doubles} seeds ran twice; commit ${commit}; ${seconds} s, ${Math.round(cpuSeconds)} s of CPU`);
  const { seeds: run, failed, events, faults, hard, counts } = tally;
  const others = Math.max(0, failures - failed);
  const heard = Object.fromEntries([ERASURES, ...CIRCUMSTANCES].map((name) => [name, counts.get(name) ?? 0]));
  say(JSON.stringify({ seeds: run, failed: failed + others, events, faults, hard, ...heard }));
}

function describeTally(tally: Tally): void {
  for (const [name, count] of [...tally.counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    say(`${String(count).padStart(8)}  ${name}`);
}

async function slaughter(): Promise<void> {
  let underFaults = 0;
  let underLosses = 0;
  let run = 0;
  const only = values.only?.split(",");
  const mutants = MUTANTS.filter(({ name }) => only === undefined || only.includes(name));
  if (mutants.length < (only?.length ?? 1)) refuseArguments(USAGE, "there is no planted bug of such a name");
  for (const [place, mutant] of mutants.entries()) {
    progress(`${place}/${mutants.length} ${mutant.name}`, false);
    const death = await kill(mutant, from, MUTANT_SEEDS_MAX);
    run += death.seeds;
    if (death.onlyUnderFaults) underFaults += 1;
    if (death.onlyUnderLosses) underLosses += 1;
    if (death.killedBy === null) fail(`${death.name} survives ${death.seeds} seeds`);
    else {
      const under = death.onlyUnderLosses ? "losses" : "faults";
      const how = death.onlyUnderFaults ? `only under ${under} (${death.faults.join(", ")})` : "without any fault too";
      say(`killed ${death.name} by ${death.killedBy}, ${how}: ${death.failure.split("\n")[0]?.slice(0, 160)}`);
    }
  }
  say(
    `${mutants.length - failures} of ${mutants.length} killed, ${underFaults} only under faults, ${underLosses} of them only under losses; commit ${commit}; ${Math.round((Date.now() - startedAtMs) / 1000)} s`,
  );
  say(
    JSON.stringify({
      mutants: mutants.length,
      killed: mutants.length - failures,
      underFaults,
      underLosses,
      seeds: run,
    }),
  );
}

if (values.tally) for (const line of ledger.describe()) say(line);
else await (values.mutants ? slaughter() : simulate());
process.exitCode = failures > 0 ? 1 : 0;
