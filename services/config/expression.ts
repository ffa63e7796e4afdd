// What CEL expressions of a configuration may speak of, and the check that they do: syntax, names and types.
// Compiling for evaluation is the business of whoever evaluates.

import { Environment } from "@marcbachmann/cel-js";
import { createRuleEnvironment, readsScores, readsTime, RULE_LIMITS } from "#core/segment.ts";
import { DURATION_PATTERN } from "#core/duration.ts";
import { DURATION_EXPECTED } from "./duration.ts";
import { findCost, findPattern } from "./rule-cost.ts";
import { SCORE_NAMES } from "#core/view.ts";
import { suggestName } from "./suggestion.ts";

/** What a rule may name, for suggestions; the environment itself is the core's. */
const RULE_NAMES = [
  "profile",
  "known",
  "contactPoints",
  "checkouts",
  "cartsFilled",
  "firstAt",
  "lastAt",
  "orders",
  "valid",
  "spentMinor",
  "latestAt",
  "elapsed",
  "scores",
  ...SCORE_NAMES,
];
/** The second argument of elapsed(), where it is written out. */
const ELAPSED = /\belapsed\s*\([^,()]*,\s*(?:"([^"]*)"|'([^']*)')\s*\)/dg;

export interface ExpressionProblem {
  readonly code: "rule-syntax" | "rule-type" | "rule-cost";
  readonly message: string;
  /** Character inside the expression, from 0. */
  readonly position: number;
}

/** The rung of a ladder: a condition over `profile`, `orders` and `scores`. */
export function checkRule(expression: string): ExpressionProblem | undefined {
  const found = check(createRuleEnvironment(), expression, "bool", RULE_NAMES);
  if (found !== undefined) return found;
  const cost = findCost(createRuleEnvironment(), expression);
  if (cost !== undefined) return { code: "rule-cost", message: cost, position: 0 };
  for (const { 1: one, 2: other, indices } of expression.matchAll(ELAPSED)) {
    const [position = 0] = indices?.[1] ?? indices?.[2] ?? [];
    if (!DURATION_PATTERN.test(one ?? other ?? "")) return { code: "rule-type", message: DURATION_EXPECTED, position };
  }
  return undefined;
}

/** A condition that is asked only when something happens must not depend on time. */
export function findTime(expression: string): ExpressionProblem | undefined {
  if (!readsTime(expression)) return undefined;
  const message = "expected a condition without time: `elapsed`, instants and scores are for the ladder";
  return { code: "rule-type", message, position: 0 };
}

/** A term of a score is not made of scores. */
export function findScores(expression: string): ExpressionProblem | undefined {
  if (!readsScores(expression)) return undefined;
  return { code: "rule-type", message: "expected a condition over `profile` and `orders` alone", position: 0 };
}

/** A field of a mapping: a text over the columns of a row. */
export function checkField(expression: string, columns: readonly string[]): ExpressionProblem | undefined {
  const environment = fieldEnvironment(columns);
  return check(environment, expression, "string", ["row", ...columns]) ?? checkCost(environment, expression);
}

export function fieldEnvironment(columns: readonly string[]): Environment {
  const schema = Object.fromEntries(columns.map((column) => [column, "string"]));
  return new Environment({ limits: RULE_LIMITS }).registerVariable({ name: "row", schema });
}

/** A field of a payload's mapping: anything that has a text, over `payload` and, inside a list, `line`. */
export function checkPayloadField(expression: string, type: "string" | "bool"): ExpressionProblem | undefined {
  const environment = payloadEnvironment();
  const found = check(environment, expression, type, ["payload", "line"]);
  const isText = found?.code === "rule-type" && type === "string" && /found (int|double|bool)$/.test(found.message);
  return found === undefined || isText ? checkCost(environment, expression) : found;
}

function checkCost(environment: Environment, expression: string): ExpressionProblem | undefined {
  const message = findPattern(environment, expression);
  return message === undefined ? undefined : { code: "rule-cost", message, position: 0 };
}

export function payloadEnvironment(): Environment {
  return new Environment({ limits: RULE_LIMITS }).registerVariable("payload", "dyn").registerVariable("line", "dyn");
}

function check(
  environment: Environment,
  expression: string,
  type: string,
  names: readonly string[],
): ExpressionProblem | undefined {
  const result = environment.check(expression);
  if (result.valid) {
    if (result.type === type || result.type === "dyn") return undefined;
    return { code: "rule-type", message: `expected an expression of type ${type}, found ${result.type}`, position: 0 };
  }
  const error = result.error;
  const message = error?.summary ?? "not an expression";
  const unknown = /^(?:No such key|Unknown variable): (.*)$/.exec(message)?.[1];
  const nearest = unknown === undefined ? undefined : suggestName(unknown, names);
  return {
    code: error?.name === "ParseError" ? "rule-syntax" : "rule-type",
    message: nearest === undefined ? message : `${message} (did you mean "${nearest}"?)`,
    position: error?.range?.start ?? 0,
  };
}
