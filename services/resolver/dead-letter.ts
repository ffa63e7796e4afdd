// A dead letter: the record unchanged (key, value, timestamp, headers), plus Kafka Connect's names for where and why, so
// that the tools people have can read it. Texts name the reason and the place, never a value (G2). The timestamp of a
// record of long ago (loaded history) goes into a header: as the letter's own, retention would take the letter at once.

import type { DeadLetterReason } from "#core/acceptance.ts";
import type { LogRecord, NewRecord } from "#ports/log.ts";

/** A letter of an older record is stamped when it is written. */
export const TIMESTAMP_KEPT_MS = 7 * 86_400_000;

export function createDeadLetter(
  record: LogRecord,
  topic: string,
  reason: DeadLetterReason,
  detail: string,
  nowMs: number,
): NewRecord {
  return {
    topic,
    key: record.key,
    value: record.value,
    ...(nowMs - record.timestampMs > TIMESTAMP_KEPT_MS ? {} : { timestampMs: record.timestampMs }),
    ...(record.raw === undefined ? {} : { raw: record.raw }),
    headers: {
      ...record.headers,
      "__connect.errors.topic": record.topic,
      "__connect.errors.partition": String(record.partition),
      "__connect.errors.offset": String(record.offset),
      "__connect.errors.stage":
        reason === "undecodable" || reason === "unknown-schema" ? "VALUE_CONVERTER" : "TRANSFORMATION",
      "__connect.errors.class.name": "weft.resolve",
      "__connect.errors.exception.class.name": reason,
      "__connect.errors.exception.message": detail,
      "weft.reason": reason,
      "weft.recorded-at": new Date(record.timestampMs).toISOString(),
    },
  };
}
