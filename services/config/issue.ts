// What zod found, as problems with a place in the file.

import type * as z from "zod";
import type { SourceDocument } from "./document.ts";
import type { Problem } from "./problem.ts";
import { listKeys, type Shape } from "./shape.ts";
import { formatSuggestion } from "./suggestion.ts";

type Issue = z.core.$ZodIssue;

export function listProblems(
  issues: readonly Issue[],
  value: unknown,
  shape: Shape,
  document: SourceDocument,
): Problem[] {
  return issues.flatMap((issue) => listProblemsOfIssue(issue, [], value, shape, document));
}

function listProblemsOfIssue(
  issue: Issue,
  above: readonly PropertyKey[],
  root: unknown,
  shape: Shape,
  document: SourceDocument,
): Problem[] {
  const path = [...above, ...issue.path];
  const found = valueAt(root, path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const known = listKeys(shape, path);
        const expected = known.length === 0 ? "" : `; expected one of ${known.join(", ")}`;
        return document.problemWithKey(
          "unknown-key",
          [...path, key],
          `no such key${formatSuggestion(key, known) || expected}`,
        );
      });
    case "invalid_union": {
      // Of the forms of a key none was named, or one that there is not.
      if (issue.inclusive === false || issue.errors.length === 0) {
        const options = ("options" in issue ? (issue.options as readonly unknown[]) : []).map(String).join(", ");
        const code = found === undefined ? "missing-key" : "wrong-value";
        return [document.problem(code, path, options === "" ? "required" : `expected one of ${options}`)];
      }
      const branch = pickBranch(issue.errors);
      if (found === undefined || branch === undefined) return [document.problem("missing-key", path, "required")];
      return branch.flatMap((inner) => listProblemsOfIssue(inner, path, root, shape, document));
    }
    case "invalid_type":
      if (found === undefined) return [document.problem("missing-key", path, `required: ${nameType(issue.expected)}`)];
      return [document.problem("wrong-value", path, `expected ${nameType(issue.expected)}, found ${nameFound(found)}`)];
    case "invalid_value": {
      const values = issue.values.map(String);
      if (found === undefined) return [document.problem("missing-key", path, `required: one of ${values.join(", ")}`)];
      const hint = typeof found === "string" ? formatSuggestion(found, values) : "";
      return [
        document.problem(
          "wrong-value",
          path,
          `expected ${values.length > 1 ? "one of " : ""}${values.join(", ")}${hint}`,
        ),
      ];
    }
    case "too_small":
    case "too_big": {
      const bound = issue.code === "too_small" ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      const unit =
        issue.origin === "array"
          ? bound.endsWith(" 1")
            ? " entry"
            : " entries"
          : issue.origin === "string"
            ? " characters"
            : "";
      return [document.problem("wrong-value", path, `expected ${bound}${unit}`)];
    }
    case "invalid_format":
    case "invalid_key":
    case "invalid_element":
    case "not_multiple_of":
    case "custom":
      return [document.problem("wrong-value", path, issue.message)];
  }
}

/** Of several accepted forms, the one that the writer meant: whose complaint is about the deepest part. */
function pickBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const depth = (issues: readonly Issue[]) =>
    Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === "unrecognized_keys" ? 1 : 0)));
  return branches.toSorted((a, b) => depth(b) - depth(a)).at(0);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function nameType(type: string): string {
  const names: Readonly<Record<string, string>> = {
    object: "a map",
    record: "a map",
    array: "a list",
    string: "a text",
    int: "a whole number",
    number: "a number",
    boolean: "true or false",
  };
  return names[type] ?? type;
}

function nameFound(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map" : typeof value === "string" ? "a text" : `a ${typeof value}`;
}
