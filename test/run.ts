// npm test: starts the services once, runs the test files on them, ends the services. The runner writes straight to
// this program's stdout, and nothing is printed there after it: its own closing lines come last.
//
//   node test/run.ts [runner options, as --name=value] [files or globs]

import { spawn } from "node:child_process";
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { ServicesUnavailable, stopServices } from "../infra/services.ts";
import type { ProcessIdentity } from "../infra/process.ts";
import { identifySelf, isAlive } from "../infra/process.ts";
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

async function prepareServices(files: readonly string[]): Promise<Prepared> {
  const nothing: Prepared = { environment: {}, end: async () => {} };
  if (!files.some(needsServices) || readServicesFromEnvironment() !== null) return nothing;
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

async function runTests(
  options: readonly string[],
  files: readonly string[],
  environment: Record<string, string>,
): Promise<number> {
  return await new Promise((resolve, reject) => {
    const args = ["--test", "--test-concurrency=2", "--test-reporter=spec", ...options, ...files];
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: "inherit",
    });
    // The services must be ended whatever comes: pass the signal on and wait for the runner.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function main(): Promise<number> {
  const given = process.argv.slice(2);
  const options = given.filter((argument) => argument.startsWith("-"));
  const files = findTestFiles(given.filter((argument) => !argument.startsWith("-")));
  if (files.length === 0) {
    console.error("no test file matches");
    return 1;
  }
  const prepared = await prepareServices(files);
  try {
    return await runTests(options, files, prepared.environment);
  } finally {
    await prepared.end();
  }
}

process.exitCode = await main();
