// What an expression may cost at most: rules are asked after every event, so loops inside loops and patterns that
// backtrack are refused where they are written, not where they hang.

import type { Environment } from "@marcbachmann/cel-js";

/** Steps that the loops of one expression may take together, maps of facts taken to have as many entries as a list may. */
export const RULE_STEPS_MAX = 10_000;
const ENTRIES = 64;
const LOOPS = new Set(["all", "exists", "exists_one", "map", "filter"]);
/** Patterns may take for ever over a text that somebody else has written. */
const REFUSED = new Set(["matches"]);

interface Node {
  readonly op: string;
  readonly args: unknown;
}

/** What is too dear about an expression that checks; undefined: nothing. */
export function findCost(environment: Environment, expression: string): string | undefined {
  const refused = findPattern(environment, expression);
  if (refused !== undefined) return refused;
  const { ast } = environment.parse(expression);
  return countSteps(ast) <= RULE_STEPS_MAX
    ? undefined
    : `its loops may take more than ${RULE_STEPS_MAX} steps; take them out of each other`;
}

/** Of any expression of a configuration that checks. */
export function findPattern(environment: Environment, expression: string): string | undefined {
  const refused = findCall(environment.parse(expression).ast, REFUSED);
  return refused === undefined
    ? undefined
    : `\`${refused}\` is not for rules and mappings: a pattern may take for ever; use ==, \`in\`, startsWith, endsWith or contains`;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}

function childrenOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : isNode(value) ? [value.args] : [];
}

function callOf(value: unknown): readonly unknown[] | null {
  return isNode(value) && (value.op === "rcall" || value.op === "call") && Array.isArray(value.args)
    ? value.args
    : null;
}

function findCall(value: unknown, names: ReadonlySet<string>): string | undefined {
  const name = callOf(value)?.[0];
  if (typeof name === "string" && names.has(name)) return name;
  for (const child of childrenOf(value)) {
    const found = findCall(child, names);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A loop takes what it loops over, and for each entry what is inside. */
function countSteps(value: unknown): number {
  const [name, over, inside] = callOf(value) ?? [];
  if (typeof name === "string" && LOOPS.has(name) && inside !== undefined) {
    const isList = isNode(over) && over.op === "list" && Array.isArray(over.args);
    return countSteps(over) + (isList ? (over.args as unknown[]).length : ENTRIES) * Math.max(1, countSteps(inside));
  }
  return childrenOf(value).reduce<number>((sum, child) => sum + countSteps(child), isNode(value) ? 1 : 0);
}
