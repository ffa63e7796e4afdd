// A field of a mapping, made ready: a row of texts to one text.

import type { Environment } from "@marcbachmann/cel-js";
import { fieldEnvironment } from "#services/config/expression.ts";
import type { Field } from "#services/config/mapping.ts";

export type Row = readonly string[];
export type FieldReader = (row: Row) => string;

/** The row cannot give the field; the message names no value. */
export class FieldFault extends Error {}

export interface FieldCompiler {
  compile(field: Field, name: string): FieldReader;
}

/** `header` is what the file has; `columns` is what the mapping may speak of. */
export function createFieldCompiler(columns: readonly string[], header: readonly string[]): FieldCompiler {
  let environment: Environment | undefined;
  const positions = columns.map((column) => [column, header.indexOf(column)] as const);
  let lastRow: Row | undefined;
  let lastContext: Record<string, unknown> = {};
  const contextOf = (row: Row) => {
    if (row !== lastRow) {
      lastRow = row;
      lastContext = {
        row: Object.fromEntries(positions.map(([column, index]) => [column, (row[index] ?? "").trim()])),
      };
    }
    return lastContext;
  };
  return {
    compile: (field, name) => translate(field, name, compileValue(field, name)),
  };

  function compileValue({ constant, column, cel }: Field, name: string): FieldReader {
    if (constant !== undefined) return () => constant;
    if (column !== undefined) {
      const index = header.indexOf(column);
      return (row) => (row[index] ?? "").trim();
    }
    environment ??= fieldEnvironment(columns);
    const evaluate = environment.parse(cel ?? "");
    return (row) => {
      let value: unknown;
      try {
        value = evaluate(contextOf(row));
      } catch {
        throw new FieldFault(`${name}: the expression fails on this row`);
      }
      if (typeof value !== "string") throw new FieldFault(`${name}: the expression gives no text`);
      return value;
    };
  }
}

/** What the mapping says instead of the value that was read. */
export function translate<Of>(
  { values, otherwise }: Pick<Field, "values" | "otherwise">,
  name: string,
  read: (from: Of) => string,
): (from: Of) => string {
  if (values === undefined) return read;
  return (from) => {
    const text = read(from);
    if (Object.hasOwn(values, text)) return values[text] as string;
    if (otherwise === undefined) throw new FieldFault(`${name}: a value that \`values\` does not name`);
    return otherwise;
  };
}
