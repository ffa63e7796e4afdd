// The schema as data (JSON Schema made from zod), for whoever must speak about keys: error messages and `config explain`.

import * as z from "zod";

export interface Shape {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly environment?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Shape;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
}

export function describeShape(schema: z.ZodType): Shape {
  return z.toJSONSchema(schema, { io: "input", reused: "inline", unrepresentable: "any" }) as Shape;
}

/** Keys that may stand at `path`; none where any may. */
export function listKeys(shape: Shape, path: readonly PropertyKey[]): string[] {
  let shapes: Shape[] = [shape];
  for (const part of path) {
    shapes = shapes.flatMap(listChoices).flatMap((choice) => {
      if (typeof part === "number") return choice.items ? [choice.items] : [];
      const named = choice.properties?.[String(part)];
      if (named) return [named];
      return typeof choice.additionalProperties === "object" ? [choice.additionalProperties] : [];
    });
  }
  return shapes.flatMap(listChoices).flatMap((choice) => Object.keys(choice.properties ?? {}));
}

function listChoices(shape: Shape): readonly Shape[] {
  return shape.anyOf ?? shape.oneOf ?? [shape];
}
