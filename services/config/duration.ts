// Keys of the configuration that hold durations: a text in the file, milliseconds in the program.

import * as z from "zod";
import { DURATION_PATTERN, parseDuration } from "#core/duration.ts";

export const DURATION_EXPECTED = "expected a duration such as 100ms, 10s, 5m, 24h or 7d";

const text = z.string().regex(DURATION_PATTERN, DURATION_EXPECTED);

export function durationKey(description: string) {
  return text.meta({ title: "duration", description }).transform(parseDuration);
}

export function durationKeyWithDefault(description: string, fallback: string, environment?: string) {
  return text
    .default(fallback)
    .meta({ title: "duration", description, ...(environment === undefined ? {} : { environment }) })
    .transform(parseDuration);
}
