// What is wrong with a configuration, said so that a person can go and mend it: file, line, column, path, and what was
// expected. Values are never repeated: a connection string may hold a password.

export type ProblemCode =
  | "file-unreadable"
  | "yaml-syntax"
  | "unknown-key"
  | "missing-key"
  | "wrong-value"
  | "duplicate-name"
  | "unknown-name"
  | "rule-syntax"
  | "rule-type"
  /** It may take more steps than a rule may. */
  | "rule-cost"
  /** It fails for some facts, and then does not hold. */
  | "rule-fails"
  /** Nobody was found for a rung. */
  | "rung-unreached"
  | "rule-order"
  | "special-category"
  | "secret-too-short";

export interface Problem {
  readonly code: ProblemCode;
  /** The file, or `environment NAME` where an environment variable is to blame. */
  readonly file: string;
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** Dotted path of the key, empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Every problem at once, sorted by place: nobody should have to start a process ten times to mend ten lines. */
export class ConfigurationError extends Error {
  readonly code = "configuration-broken";
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted((a, b) => compareText(a.file, b.file) || a.line - b.line || a.column - b.column);
    super(sorted.map(formatProblem).join("\n"));
    this.name = "ConfigurationError";
    this.problems = sorted;
  }
}

export function formatProblem(problem: Problem): string {
  const path = problem.path === "" ? "" : `${problem.path}: `;
  return `${problem.file}:${problem.line}:${problem.column} ${problem.code}: ${path}${problem.message}`;
}

export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) text += typeof part === "number" ? `[${part}]` : `${text === "" ? "" : "."}${String(part)}`;
  return text;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
