// A field of a payload's mapping, made ready: a scope (the payload, and inside a list its line) to one text. An absent
// field and null are the empty text. What is wrong is told by the field and the path where it should stand, never by value.

import type { Environment } from "@marcbachmann/cel-js";
import { payloadEnvironment } from "#services/config/expression.ts";
import { type PayloadField, splitPath } from "#services/config/payload-mapping.ts";
import { FieldFault, translate } from "./field.ts";

export interface Scope {
  readonly payload: unknown;
  readonly line?: unknown;
}
export type PayloadReader = (scope: Scope) => string;

/** Fields of one mapping share their environment. */
export class PayloadCompiler {
  #environment: Environment | undefined;

  /** `name` is the field of the event. */
  compile(field: PayloadField, name: string): PayloadReader {
    return translate(field, name, this.#compileValue(field, name));
  }

  compileCondition(cel: string | undefined, name: string): (scope: Scope) => boolean {
    if (cel === undefined) return () => true;
    const evaluate = this.#parse(cel);
    return (scope) => {
      const held = attempt(() => evaluate({ ...scope }), name);
      if (typeof held !== "boolean") throw new FieldFault(`${name}: the expression gives neither true nor false`);
      return held;
    };
  }

  #compileValue({ path, cel, constant }: PayloadField, name: string): PayloadReader {
    if (constant !== undefined) return () => constant;
    if (path !== undefined) {
      const steps = splitPath(path);
      return (scope) => toText(walk("line" in scope ? scope.line : scope.payload, steps), `${name}: at ${path}`);
    }
    const evaluate = this.#parse(cel ?? "");
    return (scope) =>
      toText(
        attempt(() => evaluate({ ...scope }), name),
        name,
      );
  }

  #parse(cel: string): (context: Record<string, unknown>) => unknown {
    this.#environment ??= payloadEnvironment();
    return this.#environment.parse(cel) as (context: Record<string, unknown>) => unknown;
  }
}

function attempt(evaluate: () => unknown, name: string): unknown {
  try {
    return evaluate();
  } catch {
    throw new FieldFault(`${name}: the expression fails on this payload`);
  }
}

/** Own properties only; undefined where the path leads nowhere. */
export function walk(from: unknown, steps: readonly (string | number)[]): unknown {
  let value = from;
  for (const step of steps) {
    if (typeof step === "number") value = Array.isArray(value) ? value[step] : undefined;
    else if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, step))
      return undefined;
    else value = (value as Record<string, unknown>)[step];
  }
  return value;
}

function toText(value: unknown, name: string): string {
  switch (typeof value) {
    case "string":
      if (value.isWellFormed()) return value.trim();
      break;
    case "bigint":
    case "boolean":
      return String(value);
    case "number":
      if (Number.isFinite(value)) return String(value);
      break;
    case "undefined":
      return "";
    default:
      if (value === null) return "";
  }
  throw new FieldFault(`${name}: expected a text, a number, true or false, found ${nameKind(value)}`);
}

function nameKind(value: unknown): string {
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : "neither";
}
