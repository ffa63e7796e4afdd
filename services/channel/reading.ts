// What reading a file gives, one after the other: an event with its source, or the place and reason of a refusal.
// Details name fields and types and never repeat a value: they end up in logs and reports.

import type { DeadLetterReason } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import type { ChannelEvent } from "#core/event.ts";

/** Why a line is refused before the engine sees it; the engine's own refusals (no-identifier, …) come after. */
export const READING_REASONS = [
  "undecodable",
  "unknown-source",
  "contract-violation",
] as const satisfies readonly DeadLetterReason[];
export type ReadingReason = (typeof READING_REASONS)[number];

export interface ReadEvent {
  readonly ok: true;
  /** Counts from 1; of a group of rows, the first. */
  readonly line: number;
  readonly source: string;
  readonly recordedAt: number;
  /** False where the file does not say when it was recorded and occurredAt stands in. */
  readonly recordedAtGiven: boolean;
  readonly event: ChannelEvent;
  /** Of a foreign topic: the value as it stands there, in place of the event. */
  readonly payload?: Uint8Array;
}

export interface RefusedLine {
  readonly ok: false;
  readonly line: number;
  readonly reason: ReadingReason;
  readonly detail: string;
  readonly source?: string;
  readonly eventId?: string;
}

export type Reading = ReadEvent | RefusedLine;

/** What is said under a key that an event does not have; the key itself may be anybody's data. */
export interface LeftOutKey {
  /** The part of the event that it stands in; empty: the event itself. */
  readonly part: string;
  /** The key that may have been meant. */
  readonly meant: string | null;
}

/** The order of recording, which the file's own order need not be: a shuffled file is the same log. */
export function compareReadings(a: ReadEvent, b: ReadEvent): number {
  return (
    a.recordedAt - b.recordedAt || compareText(a.source, b.source) || compareText(a.event.eventId, b.event.eventId)
  );
}

export type ChannelFileErrorCode =
  | "file-unreadable"
  | "file-source-unknown"
  | "file-mapping-unclear"
  | "file-header-mismatch"
  | "file-too-long";

/** The file as a whole cannot be read; nothing of it counts. */
export class ChannelFileError extends Error {
  readonly code: ChannelFileErrorCode;
  constructor(code: ChannelFileErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ChannelFileError";
    this.code = code;
  }
}
