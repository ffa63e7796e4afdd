// A dead letter: the record unchanged (key, value, timestamp, headers), plus Kafka Connect's names for where and why, so
// that the tools people have can read it. Texts name the reason and the place, never a value (G2).

import type { DeadLetterReason } from "#core/acceptance.ts";
import type { LogRecord, NewRecord } from "#ports/log.ts";

export function createDeadLetter(
  record: LogRecord,
  topic: string,
  reason: DeadLetterReason,
  detail: string,
): NewRecord {
  return {
    topic,
    key: record.key,
    value: record.value,
    timestampMs: record.timestampMs,
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
    },
  };
}
