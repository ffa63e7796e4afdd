// What long campaigns have run, a line a portion, in a file that is not in git: a campaign goes on where it stopped, and a
// figure of test/RELIABILITY.md is the sum of such lines. A portion counts for the last commit that changed what it tests.

import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "./source.ts";

export interface Portion {
  readonly commit: string;
  /** What was run, so that it is not run again: a range of seeds, a round. */
  readonly part: string;
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
}

export class Ledger {
  readonly #path: string;
  readonly #commit: string;
  readonly #parts: Set<string>;

  /** paths: a commit that changes none of them leaves what was run valid. */
  constructor(name: string, paths: readonly string[]) {
    this.#path = join(ROOT, ".weft", "campaigns", `${name}.jsonl`);
    this.#commit = readCommit(paths);
    this.#parts = new Set(
      this.read()
        .filter(({ commit }) => commit === this.#commit)
        .map(({ part }) => part),
    );
  }

  get commit(): string {
    return this.#commit;
  }

  has(part: string): boolean {
    return this.#parts.has(part);
  }

  /** What was run with changes that no commit holds is run again the next time. */
  add(part: string, seconds: number, counts: Readonly<Record<string, number>>): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    const portion: Portion = { commit: this.#commit, part, seconds: Math.round(seconds * 10) / 10, counts };
    appendFileSync(this.#path, `${JSON.stringify(portion)}\n`);
    if (!this.#commit.endsWith("+")) this.#parts.add(part);
  }

  read(): Portion[] {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch {
      return [];
    }
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Portion);
  }

  /** By commit, the latest last: sums of all portions. */
  sum(): { commit: string; portions: number; seconds: number; counts: Record<string, number> }[] {
    const sums = new Map<
      string,
      { commit: string; portions: number; seconds: number; counts: Record<string, number> }
    >();
    for (const { commit, seconds, counts } of this.read()) {
      const sum = sums.get(commit) ?? { commit, portions: 0, seconds: 0, counts: {} };
      sums.set(commit, sum);
      sum.portions += 1;
      sum.seconds += seconds;
      addCounts(sum.counts, counts);
    }
    return [...sums.values()];
  }

  /** One line a commit. */
  describe(): string[] {
    return this.sum().map(({ commit, portions, seconds, counts }) => {
      const figures = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
      return `${commit}: ${portions} portions, ${Math.round(seconds)} s; ${figures.join(", ")}`;
    });
  }
}

export function addCounts(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

/** With a plus where a file differs from it. */
function readCommit(paths: readonly string[]): string {
  const git = (...args: string[]) =>
    execFileSync("git", [...args, "--", ...paths], { cwd: ROOT, encoding: "utf8" }).trim();
  try {
    return `${git("log", "-1", "--format=%h")}${git("status", "--porcelain") === "" ? "" : "+"}`;
  } catch {
    return "unknown+";
  }
}
