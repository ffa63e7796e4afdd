// What `weft config explain` says: one row per key, read off the schema that also parses, so neither can drift.

import { rulesSchema } from "./rules-schema.ts";
import { configurationSchema } from "./schema.ts";
import { describeShape, type Shape } from "./shape.ts";

export interface KeyExplanation {
  readonly file: "weft.yaml" | "rules.yaml";
  /** `[]` is every entry of a list, `*` every name of a map. */
  readonly key: string;
  readonly type: string;
  readonly required: boolean;
  /** As written in the file; absent where there is none or the meaning says it. */
  readonly default?: unknown;
  readonly meaning: string;
  readonly environment?: string;
}

export function explainKeys(): KeyExplanation[] {
  return [
    ...explainShape("weft.yaml", "", describeShape(configurationSchema), new Set(["namespaces", "sources", "rules"])),
    ...explainShape("rules.yaml", "", describeShape(rulesSchema), new Set()),
  ];
}

/** `shipped` names keys that the schema requires and the shipped file stands in for. */
function explainShape(
  file: KeyExplanation["file"],
  path: string,
  shape: Shape,
  shipped: ReadonlySet<string>,
): KeyExplanation[] {
  return Object.entries(shape.properties ?? {}).flatMap(([name, part]) => {
    const key = path === "" ? name : `${path}.${name}`;
    const row: KeyExplanation = {
      file,
      key,
      type: nameType(part),
      required: (shape.required ?? []).includes(name) && !shipped.has(key),
      ...(part.default === undefined || isEmptyMap(part.default) ? {} : { default: part.default }),
      meaning: part.description ?? "",
      ...(part.environment === undefined ? {} : { environment: part.environment }),
    };
    return [row, ...listParts(key, part).flatMap(([below, inner]) => explainShape(file, below, inner, shipped))];
  });
}

/** A field of a mapping is explained once, by its type name, not under each of the dozen keys that hold one. */
function listParts(key: string, shape: Shape): [string, Shape][] {
  if (shape.title === "field" || shape.title === "payload field") return [];
  // A key that has several forms is explained once for each, named by what tells them apart.
  if (shape.oneOf)
    return shape.oneOf.flatMap((form) => listParts(`${key}(${nameType(form.properties?.["format"] ?? {})})`, form));
  const parts: [string, Shape][] = shape.properties ? [[key, shape]] : [];
  if (shape.items) parts.push(...listParts(`${key}[]`, shape.items));
  if (typeof shape.additionalProperties === "object") parts.push(...listParts(`${key}.*`, shape.additionalProperties));
  return parts;
}

function nameType(shape: Shape): string {
  if (shape.title === "field") return "{column | cel | constant, values, otherwise}";
  if (shape.title === "payload field") return "{path | cel | constant, values, otherwise}";
  if (shape.title !== undefined) return shape.title;
  if (shape.enum) return shape.enum.map(String).join(" | ");
  if (shape.const !== undefined) return typeof shape.const === "string" ? shape.const : JSON.stringify(shape.const);
  if (shape.oneOf) return "map";
  if (shape.anyOf) return shape.anyOf.map(nameType).join(" | ");
  if (shape.items) return `list of ${nameType(shape.items)}`;
  if (typeof shape.additionalProperties === "object") return `map of ${nameType(shape.additionalProperties)}`;
  const names: Readonly<Record<string, string>> = {
    object: "map",
    string: "text",
    integer: "whole number",
    boolean: "true | false",
  };
  return names[shape.type ?? ""] ?? shape.type ?? "anything";
}

function isEmptyMap(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
