// The value of a foreign record as a tree of plain objects, lists and scalars: JSON read without losing a digit, or an
// Avro record as the codec gives it. Hostile values (huge, deep, no UTF-8) are refused before anything is built of them.

import { isUtf8 } from "node:buffer";
import { DEPTH_MAX, isTooDeep } from "./json-lines.ts";

/** Elements of one list: expressions may go through lists inside lists. */
export const LIST_MAX = 10_000;

export type Payload =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: "undecodable"; readonly detail: string };

/** What Confluent's JSON serializer puts in front: a byte 0 and four bytes of schema id. */
const FRAME_BYTES = 5;

export function parsePayload(bytes: Uint8Array | null): Payload {
  if (bytes === null) return refuse("no value (a tombstone)");
  const json = bytes[0] === 0 ? bytes.subarray(FRAME_BYTES) : bytes;
  const buffer = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  if (!isUtf8(buffer)) return refuse("the value is not UTF-8");
  if (isTooDeep(buffer)) return refuse(`the value is nested deeper than ${DEPTH_MAX} levels`);
  try {
    return checkLists(JSON.parse(buffer.toString("utf8"), keepDigits));
  } catch {
    // The message of JSON.parse repeats the text, and the text is somebody's data.
    return refuse("the value is not JSON");
  }
}

/** A decoded Avro record: its classes become plain objects, as expressions want them. */
export function toPayload(value: unknown): Payload {
  return checkLists(toPlain(value));
}

/** Whole numbers of any size stay what they were: order numbers have more digits than a double. */
function keepDigits(this: unknown, _key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  return typeof value === "number" && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, toPlain(entry)]));
}

function checkLists(value: unknown): Payload {
  return isBounded(value) ? { ok: true, value } : refuse(`a list of more than ${LIST_MAX} elements`);
}

function isBounded(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return true;
  if (Array.isArray(value) && value.length > LIST_MAX) return false;
  return Object.values(value).every(isBounded);
}

function refuse(detail: string): Payload {
  return { ok: false, reason: "undecodable", detail };
}
