// Histories that failed once, small, with what they showed: replayed before anything else, and for ever.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "#support/source.ts";
import type { Subject } from "./cluster.ts";
import { runSeed, type Outcome, type Script } from "./run.ts";
import type { Shrunk } from "./shrink.ts";

const FOLDER = join(ROOT, "test", "regressions");

export interface Regression extends Omit<Shrunk, "runs"> {
  /** Where it failed. */
  readonly commit: string;
  readonly about: string;
}

export interface Replay {
  readonly name: string;
  readonly outcome: Outcome;
}

export function listRegressions(): string[] {
  try {
    return readdirSync(FOLDER)
      .filter((name) => name.endsWith(".json"))
      .toSorted();
  } catch {
    return [];
  }
}

export async function replay(name: string, subject?: Subject, less: Pick<Script, "faults"> = {}): Promise<Replay> {
  const regression = JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Regression;
  return { name, outcome: await runSeed(regression.plan.seed, subject, { ...regression, ...less }) };
}

/** Returns where it was written. */
export function keepRegression(name: string, regression: Regression): string {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}.json`);
  writeFileSync(path, `${JSON.stringify(regression, null, 1)}\n`);
  return path;
}
