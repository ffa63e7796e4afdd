// The rows of one event while a file is being read, folded as they come: what stays is the first row, the lines of the
// order, the exact total and two times, never the rows themselves.

import type { OrderLine } from "#core/event.ts";
import type { CsvMapping, TimeField } from "#services/config/mapping.ts";
import {
  addDecimals,
  type Decimal,
  minorDigits,
  multiplyDecimal,
  parseDecimal,
  parseWhole,
  roundToMinor,
  ZERO,
} from "./decimal.ts";
import { type FieldCompiler, FieldFault, type FieldReader, type Row } from "./field.ts";
import { createTimeReader } from "./instant.ts";

export interface RowGroup {
  readonly line: number;
  readonly row: Row;
  readonly lines: OrderLine[];
  total: Decimal;
  occurredAt: number;
  recordedAt: number;
  /** The first thing wrong with any of its rows: the event is refused as a whole, never told without some lines. */
  fault: string | undefined;
}

export interface GroupFolder {
  start(line: number, row: Row): RowGroup;
  add(group: RowGroup, row: Row): void;
}

export function createGroupFolder(mapping: CsvMapping, compiler: FieldCompiler, defaultCurrency: string): GroupFolder {
  const { occurredAt, recordedAt, order } = mapping;
  const readOccurredAt = compileTime(occurredAt, compiler, "occurredAt");
  const readRecordedAt = recordedAt && compileTime(recordedAt, compiler, "recordedAt");
  const readLine = order?.lines && compileLine(order.lines, compiler, mapping.decimalMark);
  const currency: FieldReader = order?.currency
    ? compiler.compile(order.currency, "order.currency")
    : () => defaultCurrency;

  return {
    start: (line, row) => ({
      line,
      row,
      lines: [],
      total: ZERO,
      occurredAt: Number.NaN,
      recordedAt: Number.NaN,
      fault: undefined,
    }),
    add(group, row) {
      if (group.fault !== undefined) return;
      try {
        group.occurredAt = pick(occurredAt.pick, group.occurredAt, readOccurredAt(row));
        if (recordedAt && readRecordedAt)
          group.recordedAt = pick(recordedAt.pick, group.recordedAt, readRecordedAt(row));
        if (!readLine) return;
        const { productId, quantity, unitPrice } = readLine(row);
        const unitPriceMinor = roundToMinor(unitPrice, minorDigits(currency(group.row)));
        if (unitPriceMinor === undefined) throw new FieldFault("order.lines.unitPrice: the amount is too large");
        group.lines.push({ productId, quantity, unitPriceMinor });
        group.total = addDecimals(group.total, multiplyDecimal(unitPrice, quantity));
      } catch (error) {
        if (!(error instanceof FieldFault)) throw error;
        group.fault = error.message;
      }
    },
  };
}

function compileTime(time: TimeField, compiler: FieldCompiler, name: string): (row: Row) => number {
  const { format, zone, pick: _pick, ...field } = time;
  const text = compiler.compile(field, name);
  const read = createTimeReader(format, zone);
  return (row) => {
    const instant = read(text(row));
    if (instant === undefined) throw new FieldFault(`${name}: expected a time as ${format}`);
    return instant;
  };
}

function compileLine(
  lines: NonNullable<NonNullable<CsvMapping["order"]>["lines"]>,
  compiler: FieldCompiler,
  decimalMark: string,
) {
  const readProduct = compiler.compile(lines.productId, "order.lines.productId");
  const readQuantity = compiler.compile(lines.quantity, "order.lines.quantity");
  const readPrice = compiler.compile(lines.unitPrice, "order.lines.unitPrice");
  return (row: Row) => {
    const quantity = parseWhole(readQuantity(row));
    if (quantity === undefined) throw new FieldFault("order.lines.quantity: expected a whole number");
    const unitPrice = parseDecimal(readPrice(row), decimalMark);
    if (unitPrice === undefined) throw new FieldFault("order.lines.unitPrice: expected a decimal number");
    return { productId: readProduct(row), quantity, unitPrice };
  };
}

function pick(which: "earliest" | "latest", known: number, found: number): number {
  if (Number.isNaN(known)) return found;
  return which === "earliest" ? Math.min(known, found) : Math.max(known, found);
}
