// Durations as people write them: 100ms, 10s, 5m, 24h, 7d.

export const DURATION_PATTERN = /^(\d{1,9})(ms|s|m|h|d)$/;

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds; NaN where it is none. */
export function parseDuration(text: string): number {
  const [, amount, unit] = DURATION_PATTERN.exec(text) ?? [];
  return Number(amount) * (UNITS_MS[unit ?? ""] ?? Number.NaN);
}
