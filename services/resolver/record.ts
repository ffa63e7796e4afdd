// What a record of a channel topic says: an event of ours, or a foreign value as its source's mapping reads it.

import type { DeadLetterReason } from "#core/acceptance.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Codec } from "#ports/codec.ts";
import type { LogRecord } from "#ports/log.ts";

interface Unreadable {
  readonly ok: false;
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

/** A value of somebody else's as an event, or why not. */
export type ForeignReader = (
  value: Uint8Array | null,
) => { readonly ok: true; readonly event: ChannelEvent } | Unreadable;

export interface RecordReading {
  readonly codec: Pick<Codec, "decode">;
  /** How the values of a foreign topic are read; absent or undefined: they are events of ours. */
  foreignOf?(topic: string): ForeignReader | undefined;
}

/** foreign: its bytes are not those of the event. The codec must have been prepared for the value. */
export function readEvent(
  { codec, foreignOf }: RecordReading,
  { topic, value }: LogRecord,
): { readonly ok: true; readonly event: ChannelEvent; readonly foreign: boolean } | Unreadable {
  const reader = foreignOf?.(topic);
  if (reader !== undefined) {
    const mapped = reader(value);
    return mapped.ok ? { ...mapped, foreign: true } : mapped;
  }
  const decoded = codec.decode(value);
  return decoded.ok ? { ok: true, event: decoded.value as ChannelEvent, foreign: false } : decoded;
}

/** The event of a record and its bytes for the log of record: as they came, or, of a foreign topic, written as ours. */
export function readRecord(
  reading: RecordReading & { encodeEvent?(event: ChannelEvent): Uint8Array },
  record: LogRecord,
): { readonly ok: true; readonly event: ChannelEvent; readonly bytes: Uint8Array } | Unreadable {
  const read = readEvent(reading, record);
  if (!read.ok) return read;
  if (!read.foreign) return { ok: true, event: read.event, bytes: record.value as Uint8Array };
  if (reading.encodeEvent === undefined) throw new Error("nobody encodes what is read of foreign topics");
  return { ok: true, event: read.event, bytes: reading.encodeEvent(read.event) };
}
