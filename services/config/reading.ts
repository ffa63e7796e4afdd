// A YAML file to a value that a schema holds, with everything that is wrong with it in its place.

import { readFileSync } from "node:fs";
import type * as z from "zod";
import { SourceDocument } from "./document.ts";
import type { Override } from "./environment.ts";
import { listProblems } from "./issue.ts";
import type { Problem } from "./problem.ts";
import { describeShape } from "./shape.ts";

export function readDocument(path: string, problems: Problem[], from?: SourceDocument): SourceDocument {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason =
      error instanceof Error && "code" in error && error.code === "ENOENT"
        ? "there is no such file"
        : "it cannot be read";
    if (from) problems.push(from.problem("file-unreadable", ["rules"], `${path}: ${reason}`));
    else problems.push({ code: "file-unreadable", file: path, line: 1, column: 1, path: "", message: reason });
  }
  const document = new SourceDocument(path, text);
  problems.push(...document.syntaxProblems);
  return document;
}

export function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  document: SourceDocument,
  problems: Problem[],
  overrides: readonly Override[],
): z.output<Schema> | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const problem of listProblems(parsed.error.issues, value, describeShape(schema), document)) {
    const override = overrides.find(({ section, key }) =>
      problem.path.startsWith(section === null ? key : `${section}.${key}`),
    );
    problems.push(override ? { ...problem, file: `environment ${override.variable}`, line: 1, column: 1 } : problem);
  }
  return undefined;
}

/** A key without a value (all its lines commented out) counts as absent. */
export function omitEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(omitEmpty);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (part === null ? [] : [[key, omitEmpty(part)]])),
  );
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
