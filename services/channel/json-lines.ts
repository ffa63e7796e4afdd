// JSON lines: one ChannelEvent a line, with `source` and optionally `recordedAt` beside it. Hostile lines (huge, deep,
// not UTF-8, no JSON) are refused one by one and never stop the file.

import { suggestName } from "#services/config/suggestion.ts";
import { fields, ownField, readChannelEvent, readTime, ShapeFault } from "./event-shape.ts";
import { type Line, LINE_BYTES_MAX, splitLines } from "./lines.ts";
import type { LeftOutKey, Reading, ReadingReason } from "./reading.ts";

/** An event is five levels deep; more than this is an attack on whoever walks it. */
export const DEPTH_MAX = 32;

/** Of a line's keys that an event does not have these many are compared with those that it has, if they are no longer than that. */
const SUGGESTED_MAX = 20;
const KEY_LENGTH_MAX = 40;

export interface JsonLinesOptions {
  /** Names of the declared sources. */
  readonly sources: ReadonlySet<string>;
  /** For lines that name none. */
  readonly source?: string;
  readonly onLeftOut?: (line: number, key: LeftOutKey) => void;
}

export async function* readJsonLines(
  chunks: AsyncIterable<Buffer>,
  options: JsonLinesOptions,
): AsyncGenerator<Reading> {
  for await (const line of splitLines(chunks)) yield readJsonLine(line, options);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function readJsonLine({ line, bytes }: Line, options: JsonLinesOptions): Reading {
  const refuse = (
    reason: ReadingReason,
    detail: string,
    about: Pick<Reading & { ok: false }, "source" | "eventId"> = {},
  ): Reading => ({
    ok: false,
    line,
    reason,
    detail,
    ...about,
  });
  if (bytes === undefined) return refuse("undecodable", `the line is longer than ${LINE_BYTES_MAX} bytes`);
  if (isTooDeep(bytes)) return refuse("undecodable", `the line is nested deeper than ${DEPTH_MAX} levels`);
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    // The message of JSON.parse repeats the text, and the text is somebody's data.
    return refuse("undecodable", "the line is not JSON in UTF-8");
  }
  const about: { source?: string; eventId?: string } = {};
  try {
    const from = fields(value, "");
    const eventId = ownField(from, "eventId");
    if (typeof eventId === "string") about.eventId = eventId;
    const source = ownField(from, "source") ?? options.source;
    if (typeof source !== "string") return refuse("contract-violation", "source: expected the name of a source", about);
    about.source = source;
    if (!options.sources.has(source)) return refuse("unknown-source", "the configuration has no such source", about);
    let leftOut = 0;
    const event = readChannelEvent(from, (part, key, known) => {
      leftOut += 1;
      const mayBeMeant = leftOut <= SUGGESTED_MAX && key.length <= KEY_LENGTH_MAX;
      options.onLeftOut?.(line, { part, meant: (mayBeMeant ? suggestName(key, known) : null) ?? null });
    });
    const recordedAt = ownField(from, "recordedAt") ?? undefined;
    return {
      ok: true,
      line,
      source,
      recordedAt: recordedAt === undefined ? event.occurredAt : readTime(recordedAt, "recordedAt"),
      recordedAtGiven: recordedAt !== undefined,
      event,
    };
  } catch (error) {
    if (error instanceof ShapeFault) return refuse("contract-violation", error.message, about);
    throw error;
  }
}

/** Counts brackets outside texts, before anything is built from them. */
export function isTooDeep(bytes: Buffer): boolean {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (quoted) {
      if (byte === 0x5c) index += 1;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > DEPTH_MAX) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return false;
}
