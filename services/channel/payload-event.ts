// A payload to a channel event, by the mapping of its source. A payload that the mapping cannot read is refused whole,
// with the reason `contract-violation` and the field that fails.

import { bareRecord } from "#core/comparison.ts";
import type { ChannelEvent, OrderLine, Scalar } from "#core/event.ts";
import {
  type FieldKind,
  type MappedPart,
  PART_FIELDS,
  type PartMapping,
  type PayloadField,
  type PayloadLines,
  type PayloadMapping,
  type PayloadTime,
  splitPath,
} from "#services/config/payload-mapping.ts";
import { minorDigits, parseDecimal, parseWhole, roundToMinor } from "./decimal.ts";
import { FieldFault } from "./field.ts";
import { createTimeReader, parseIsoTime } from "./instant.ts";
import { PayloadCompiler, type PayloadReader, type Scope, walk } from "./payload-field.ts";

export type MappedPayload =
  | { readonly ok: true; readonly event: ChannelEvent }
  | { readonly ok: false; readonly reason: "contract-violation"; readonly detail: string; readonly eventId?: string };

/** `currency` is that of amounts whose payload names none. */
export function createPayloadReader(mapping: PayloadMapping, currency: string): (payload: unknown) => MappedPayload {
  const compiler = new PayloadCompiler();
  const eventId = compiler.compile(mapping.eventId, "eventId");
  const type = compiler.compile(mapping.type, "type");
  const occurredAt = compileTime(compiler, mapping.occurredAt, "occurredAt");
  const identifiers = mapping.identifiers.map(({ namespace, value }) => ({
    namespace,
    read: compiler.compile(value, `identifiers.${namespace}`),
  }));
  const optional = [
    ["traits", compileEntries(compiler, mapping.traits, "traits")],
    ["preferences", compileEntries(compiler, mapping.preferences, "preferences")],
    ["consents", compileConsents(compiler, mapping.consents)],
    ["note", mapping.note && emptyIsNone(compiler.compile(mapping.note, "note"))],
    ...(Object.keys(PART_FIELDS) as MappedPart[]).map((name) => {
      const part = mapping[name];
      return [name, part && compilePart(compiler, name, part, currency)] as const;
    }),
  ] as const;
  return (payload) => {
    const scope = { payload };
    let id = "";
    try {
      id = needText(eventId(scope), "eventId");
      const event: Record<string, unknown> = {
        eventId: id,
        type: needText(type(scope), "type"),
        occurredAt: occurredAt(scope),
        identifiers: identifiers.flatMap(({ namespace, read }) => {
          const value = read(scope);
          return value === "" ? [] : [{ namespace, value }];
        }),
      };
      for (const [name, read] of optional) {
        const part = read?.(scope);
        if (part !== undefined) event[name] = part;
      }
      return { ok: true, event: event as unknown as ChannelEvent };
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      const about = id === "" ? {} : { eventId: id };
      return { ok: false, reason: "contract-violation", detail: error.message, ...about };
    }
  };
}

type PartReader = (scope: Scope) => unknown;

function compileTime(compiler: PayloadCompiler, { format, zone, path, cel }: PayloadTime, name: string) {
  const text = compiler.compile({ path, cel }, name);
  const read = createInstantReader(format, zone);
  return (scope: Scope): number => {
    const instant = read(text(scope));
    if (instant === undefined)
      throw new FieldFault(`${name}: expected a time as ${format}${path === undefined ? "" : ` at ${path}`}`);
    return instant;
  };
}

function createInstantReader(format: string, zone: string): (text: string) => number | undefined {
  if (format === "iso") return parseIsoTime;
  if (format !== "epoch-millis" && format !== "epoch-seconds") return createTimeReader(format, zone);
  const digits = format === "epoch-seconds" ? 3 : 0;
  return (text) => {
    const exact = parseDecimal(text);
    return exact && roundToMinor(exact, digits);
  };
}

function compileEntries(
  compiler: PayloadCompiler,
  fields: Readonly<Record<string, PayloadField>>,
  part: string,
): PartReader | undefined {
  const readers = Object.entries(fields).map(
    ([name, field]) => [name, compiler.compile(field, `${part}.${name}`)] as const,
  );
  if (readers.length === 0) return undefined;
  return (scope) => {
    const entries = bareRecord<Scalar>();
    for (const [name, read] of readers) {
      const value = read(scope);
      if (value !== "") entries[name] = value;
    }
    return Object.keys(entries).length === 0 ? undefined : entries;
  };
}

function compileConsents(compiler: PayloadCompiler, consents: PayloadMapping["consents"]): PartReader | undefined {
  const readers = consents.map(({ when, purpose, channel, granted, proof }, place) => {
    const name = `consents[${place}]`;
    const holds = compiler.compileCondition(when, `${name}.when`);
    const [readPurpose, readGranted] = [
      compiler.compile(purpose, `${name}.purpose`),
      compileField(compiler, granted, "flag", `${name}.granted`),
    ];
    const readChannel = channel && compiler.compile(channel, `${name}.channel`);
    const readProof = proof && compiler.compile(proof, `${name}.proof`);
    return (scope: Scope) => {
      if (!holds(scope)) return [];
      const [said, given] = [readPurpose(scope), readGranted(scope, "")];
      if (said === "" || given === undefined) return [];
      const [on, by] = [readChannel?.(scope) ?? "", readProof?.(scope) ?? ""];
      return [
        { purpose: said, granted: given, ...(on === "" ? {} : { channel: on }), ...(by === "" ? {} : { proof: by }) },
      ];
    };
  });
  if (readers.length === 0) return undefined;
  return (scope) => {
    const list = readers.flatMap((read) => read(scope));
    return list.length === 0 ? undefined : list;
  };
}

/** Amounts are named in minor units in the event: `total` is `totalMinor` there. */
const MINOR: Readonly<Record<string, string>> = { total: "totalMinor", price: "priceMinor" };

function compilePart(
  compiler: PayloadCompiler,
  name: MappedPart,
  part: PartMapping,
  defaultCurrency: string,
): PartReader {
  const { needs, fields } = PART_FIELDS[name];
  const holds = compiler.compileCondition(part.when, `${name}.when`);
  const readers = Object.entries(fields as Readonly<Record<string, FieldKind>>).flatMap(([field, kind]) => {
    const mapped = part[field] as PayloadField | undefined;
    return mapped === undefined
      ? []
      : [{ field, kind, read: compileField(compiler, mapped, kind, `${name}.${field}`) }];
  });
  const readLines = part.lines && compileLines(compiler, part.lines, `${name}.lines`);
  const isMoney = "currency" in fields;
  return (scope) => {
    if (!holds(scope)) return undefined;
    const said: Record<string, unknown> = {};
    // The currency first: amounts are read in it.
    const currency = readers.find(({ field }) => field === "currency")?.read(scope, "");
    const inCurrency = typeof currency === "string" ? currency : defaultCurrency;
    for (const { field, read } of readers) {
      const value = read(scope, inCurrency);
      if (value !== undefined) said[MINOR[field] ?? field] = value;
    }
    const lines = readLines?.(scope, inCurrency);
    if (lines !== undefined) said["lines"] = lines;
    if (needs !== null && said[needs] === undefined) return undefined;
    if (Object.keys(said).length === 0) return undefined;
    return isMoney && said["currency"] === undefined ? { ...said, currency: defaultCurrency } : said;
  };
}

type KindReader = (scope: Scope, currency: string) => string | number | boolean | undefined;

/** Undefined where the payload has no such field. */
function compileField(compiler: PayloadCompiler, field: PayloadField, kind: FieldKind, name: string): KindReader {
  const read = compiler.compile(field, name);
  const at = field.path === undefined ? "" : ` at ${field.path}`;
  return (scope, currency) => {
    const text = read(scope);
    if (text === "") return undefined;
    if (kind === "text") return text;
    const value = kind === "whole" ? parseWhole(text) : kind === "flag" ? parseFlag(text) : parseMinor(text, currency);
    if (value === undefined) throw new FieldFault(`${name}: expected ${EXPECTED[kind]}${at}`);
    return value;
  };
}

const EXPECTED: Readonly<Record<FieldKind, string>> = {
  text: "a text",
  whole: "a whole number",
  money: "a decimal number",
  flag: "true or false",
};

function parseMinor(text: string, currency: string): number | undefined {
  const exact = parseDecimal(text);
  return exact && roundToMinor(exact, minorDigits(currency));
}

function parseFlag(text: string): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}

function compileLines(compiler: PayloadCompiler, lines: PayloadLines, name: string) {
  const steps = splitPath(lines.each);
  const readProduct = compiler.compile(lines.productId, `${name}.productId`);
  const readQuantity = compileField(compiler, lines.quantity, "whole", `${name}.quantity`);
  const readPrice = compileField(compiler, lines.unitPrice, "money", `${name}.unitPrice`);
  return (scope: Scope, currency: string): OrderLine[] | undefined => {
    const list = walk(scope.payload, steps);
    if (list === undefined || list === null) return undefined;
    if (!Array.isArray(list)) throw new FieldFault(`${name}: expected a list at ${lines.each}`);
    return list.map((line: unknown, place) => {
      const within = { ...scope, line };
      const [quantity, unitPriceMinor] = [readQuantity(within, currency), readPrice(within, currency)];
      if (typeof quantity !== "number") throw new FieldFault(`${name}.quantity: nothing at ${lines.each}[${place}]`);
      if (typeof unitPriceMinor !== "number")
        throw new FieldFault(`${name}.unitPrice: nothing at ${lines.each}[${place}]`);
      return { productId: readProduct(within), quantity, unitPriceMinor };
    });
  };
}

function emptyIsNone(read: PayloadReader): PartReader {
  return (scope) => read(scope) || undefined;
}

function needText(text: string, name: string): string {
  if (text === "") throw new FieldFault(`${name}: expected a text that is not empty`);
  return text;
}
