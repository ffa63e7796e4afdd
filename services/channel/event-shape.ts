// A ChannelEvent as JSON: checked by hand, field by field, because the faults must be named without naming values and
// this runs once per line. Keys that the record does not have are left out, as Avro would, and noted; nothing is converted
// but times.

import { bareRecord } from "#core/comparison.ts";
import type { ChannelEvent, IdentifierClaim, OrderLine, Scalar } from "#core/event.ts";
import { parseIsoTime } from "./instant.ts";

/** A breach of the contract, with the path of the field that breaks it. */
export class ShapeFault extends Error {}

type Fields = Record<string, unknown>;
/** A key that the record at the path does not have; a list's places are not told apart. */
export type NoteKey = (path: string, key: string, known: ReadonlySet<string>) => void;
type Read<T> = (value: unknown, path: string, note: NoteKey) => T;

const text: Read<string> = (value, path) => (typeof value === "string" ? value : fail(path, "a text", value));
const flag: Read<boolean> = (value, path) => (typeof value === "boolean" ? value : fail(path, "true or false", value));
const whole: Read<number> = (value, path) =>
  typeof value === "number" && Number.isSafeInteger(value)
    ? value || 0
    : fail(path, "a whole number below 2^53", value);

/** ISO 8601 or epoch milliseconds. */
export function readTime(value: unknown, path: string): number {
  const instant =
    typeof value === "string" ? parseIsoTime(value) : Number.isSafeInteger(value) ? (value as number) : undefined;
  return instant ?? fail(path, "a time, ISO 8601 or epoch milliseconds", value);
}

const filledText: Read<string> = (value, path, note) =>
  text(value, path, note) || fail(path, "a text that is not empty", value);

export function fields(value: unknown, path: string): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : fail(path, "an object", value);
}

function list<T>(read: Read<T>): Read<T[]> {
  return (value, path, note) =>
    Array.isArray(value)
      ? value.map((entry, index) => read(entry, `${path}[${index}]`, note))
      : fail(path, "a list", value);
}

const PLACES = /\[\d+\]/g;

/** Required fields, then optional ones; of the latter, an absent one and null are the same. */
function record<T>(
  required: Readonly<Record<string, Read<unknown>>>,
  optional: Readonly<Record<string, Read<unknown>>> = {},
  /** Keys that stand beside the record's. */
  beside: readonly string[] = [],
): Read<T> {
  const requiredFields = Object.entries(required);
  const optionalFields = Object.entries(optional);
  const known = new Set([...Object.keys(required), ...Object.keys(optional), ...beside]);
  return (value, path, note) => {
    const from = fields(value, path);
    const result: Fields = {};
    const prefix = path === "" ? "" : `${path}.`;
    for (const [name, read] of requiredFields) result[name] = read(ownField(from, name), `${prefix}${name}`, note);
    for (const [name, read] of optionalFields) {
      const field = ownField(from, name);
      if (field !== undefined && field !== null) result[name] = read(field, `${prefix}${name}`, note);
    }
    for (const key of Object.keys(from)) if (!known.has(key)) note(path.replaceAll(PLACES, "[]"), key, known);
    return result as T;
  };
}

/**
 * Without a prototype, so that a trait called `constructor` is a trait like any other. `__proto__` alone is refused, as
 * the codec of the wire does: no reader of Avro maps is safe with it.
 */
const scalars: Read<Record<string, Scalar>> = (value, path) => {
  const result = bareRecord<Scalar>();
  for (const [name, entry] of Object.entries(fields(value, path))) {
    if (name === "__proto__") throw new ShapeFault(`${path}: an entry may not be called __proto__`);
    if (entry !== null && typeof entry !== "string" && typeof entry !== "boolean" && !Number.isFinite(entry)) {
      fail(`${path}: an entry`, "a text, a number, true, false or null", entry);
    }
    result[name] = entry as Scalar;
  }
  return result;
};

const role: Read<string> = (value, path) =>
  value === "self" || value === "other" ? value : fail(path, "self or other", value);
const claim = record<IdentifierClaim>({ namespace: text, value: text }, { role, assurance: text });
const claims: Read<IdentifierClaim[]> = (value, path, note) =>
  value === undefined || value === null ? [] : list(claim)(value, path, note);
const lines = list(record<OrderLine>({ productId: text, quantity: whole, unitPriceMinor: whole }));
const money = { currency: text, totalMinor: whole, lines };

const event = record<ChannelEvent>(
  { eventId: filledText, type: filledText, occurredAt: readTime, identifiers: claims },
  {
    sentAt: readTime,
    traits: scalars,
    order: record({ orderId: text }, { status: text, ...money }),
    cart: record({}, { cartId: text, ...money }),
    case: record({ caseId: text }, { motive: text, channel: text, status: text }),
    consents: list(record({ purpose: text, granted: flag }, { channel: text, proof: text })),
    restriction: record({ restrictionId: text, lifted: flag }),
    subscription: record({ subscriptionId: text }, { status: text, productId: text }),
    search: record({ query: text }, { results: whole }),
    product: record({ productId: text }, { category: text, priceMinor: whole, currency: text }),
    message: record({ messageId: text }, { campaignId: text, channel: text }),
    touch: record({ channel: text }, { campaignId: text, medium: text }),
    preferences: scalars,
    loyalty: record({}, { programId: text, tier: text, points: whole }),
    group: record({ kind: text, groupId: text }, { role: text, parent: text, left: flag }),
    replaced: record({ namespace: text, old: text, new: text }),
    note: text,
  },
  ["source", "recordedAt"],
);

/** Throws ShapeFault. */
export function readChannelEvent(value: unknown, note: NoteKey): ChannelEvent {
  return event(value, "", note);
}

export function ownField(from: Fields, name: string): unknown {
  return Object.hasOwn(from, name) ? from[name] : undefined;
}

function fail(path: string, expected: string, found: unknown): never {
  const kind =
    found === undefined ? "nothing" : found === null ? "null" : Array.isArray(found) ? "a list" : typeof found;
  throw new ShapeFault(`${path === "" ? "the line" : path}: expected ${expected}, found ${kind}`);
}
