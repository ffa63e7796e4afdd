// Durations as people write them: 100ms, 10s, 5m, 24h, 7d.

import * as z from "zod";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION_PATTERN = /^(\d{1,9})(ms|s|m|h|d)$/;

export function parseDuration(text: string): number {
  const [, amount, unit] = DURATION_PATTERN.exec(text) ?? [];
  return Number(amount) * (UNITS_MS[unit ?? ""] ?? Number.NaN);
}

const text = z.string().regex(DURATION_PATTERN, "expected a duration such as 100ms, 10s, 5m, 24h or 7d");

/** A duration in the file, milliseconds in the program. */
export function durationKey(description: string) {
  return text.meta({ title: "duration", description }).transform(parseDuration);
}

export function durationKeyWithDefault(description: string, fallback: string) {
  return text.default(fallback).meta({ title: "duration", description }).transform(parseDuration);
}
