// npm test: starts the services once, runs the test files on them, ends the services. Nothing is printed on this program's
// stdout after the runner's own closing lines.
//
//   npm test -- [--name PATTERN]... [files or globs]

import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";
import { ServicesUnavailable, stopServices } from "../infra/services.ts";
import type { ProcessIdentity } from "../infra/process.ts";
import { identifySelf, isAlive } from "../infra/process.ts";
import { readArguments } from "./support/arguments.ts";
import {
  isBuildMachine,
  MISSING_VARIABLE,
  readServicesFromEnvironment,
  startTestServices,
  TEST_SERVICES_DIRECTORY,
  writeServicesToEnvironment,
} from "./support/services.ts";

const ROOT = dirname(import.meta.dirname);
const PATTERNS = ["test/*.test.ts", "test/{core,contract,docs,model,simulation,integration,e2e}/**/*.test.ts"];
/** Folders say what must be running. */
const FOLDERS_ON_SERVICES = ["integration", "e2e"];

/** One more than a small machine has cores: who waits for services mostly waits, who folds histories computes. */
const FILES_AT_ONCE = 3;
/** The others of those that compute take seconds. Long ones begin early, or the last is left alone at the end. */
const LONG = /^test\/(simulation|model)\/|\.property\.test\.ts$/;

const USAGE = "npm test -- [--name PATTERN]... [files or globs]";

interface Prepared {
  readonly environment: Record<string, string>;
  end(): Promise<void>;
}

function findTestFiles(patterns: readonly string[]): string[] {
  const files = globSync(patterns.length === 0 ? PATTERNS : [...patterns], { cwd: ROOT });
  return [...new Set(files)].toSorted();
}

function needsServices(file: string): boolean {
  const folder = relative("test", file).split(sep)[0] ?? "";
  return FOLDERS_ON_SERVICES.includes(folder) || readFileSync(join(ROOT, file), "utf8").includes("support/services.ts");
}

const NOTHING_PREPARED: Prepared = { environment: {}, end: async () => {} };

/** Those that wait and those that compute, each evenly over the whole run. */
function orderFiles(waiting: readonly string[], computing: readonly string[]): string[] {
  const longFirst = [...computing.filter((file) => LONG.test(file)), ...computing.filter((file) => !LONG.test(file))];
  return [waiting, longFirst]
    .flatMap((queue) => queue.map((file, place) => ({ file, at: (place + 0.5) / queue.length })))
    .toSorted((a, b) => a.at - b.at)
    .map(({ file }) => file);
}

/** A run that was killed could not end its services: the next one does. */
async function sweepAbandonedRuns(): Promise<void> {
  mkdirSync(TEST_SERVICES_DIRECTORY, { recursive: true });
  for (const name of readdirSync(TEST_SERVICES_DIRECTORY)) {
    if (!name.startsWith("run-")) continue;
    const directory = join(TEST_SERVICES_DIRECTORY, name);
    try {
      const owner = JSON.parse(readFileSync(join(directory, "owner.json"), "utf8")) as ProcessIdentity;
      if (isAlive(owner)) continue;
    } catch {
      // Just made by a run that starts now, or not a run at all: leave it.
      continue;
    }
    await stopServices({ directory });
    rmSync(directory, { recursive: true, force: true });
  }
}

async function prepareServices(): Promise<Prepared> {
  if (readServicesFromEnvironment() !== null) return NOTHING_PREPARED;
  await sweepAbandonedRuns();
  // A set per run: two runs at once in one tree do not end each other's services.
  const directory = join(TEST_SERVICES_DIRECTORY, `run-${process.pid}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "owner.json"), JSON.stringify(identifySelf()));
  const end = async (): Promise<void> => {
    await stopServices({ directory });
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const services = await startTestServices(directory);
    const stop = services.stop ?? end;
    return { environment: writeServicesToEnvironment(services), end: stop };
  } catch (error) {
    await end();
    if (!(error instanceof ServicesUnavailable)) throw error;
    const consequence = isBuildMachine() ? "FAIL" : "are SKIPPED";
    console.error(`tests that need Kafka, registry and Redis ${consequence}: ${error.message}`);
    return { environment: { [MISSING_VARIABLE]: error.message }, end: async () => {} };
  }
}

/** Resolves when the closing lines are out; whether all passed. */
async function runTests(files: readonly string[], names: readonly string[]): Promise<boolean> {
  const stop = new AbortController();
  // The services must be ended whatever comes: the runner ends its files, and says so.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
  const events = run({
    files: files.map((file) => join(ROOT, file)),
    concurrency: FILES_AT_ONCE,
    testNamePatterns: [...names],
    signal: stop.signal,
  });
  let failures = 0;
  events.on("test:fail", () => (failures += 1));
  for await (const line of events.compose(new spec())) process.stdout.write(line as string);
  return failures === 0;
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments(USAGE, () =>
    parseArgs({ options: { name: { type: "string", multiple: true, default: [] } }, allowPositionals: true }),
  );
  const files = findTestFiles(positionals);
  if (files.length === 0) {
    console.error("no test file matches");
    return 1;
  }
  const { waiting = [], computing = [] } = Object.groupBy(files, (file) =>
    needsServices(file) ? "waiting" : "computing",
  );
  const prepared = waiting.length === 0 ? NOTHING_PREPARED : await prepareServices();
  Object.assign(process.env, prepared.environment);
  try {
    return (await runTests(orderFiles(waiting, computing), values.name)) ? 0 : 1;
  } finally {
    await prepared.end();
  }
}

process.exitCode = await main();
