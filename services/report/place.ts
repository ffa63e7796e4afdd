// Where in the inner log something was told, and which of two was first.

/** What a fold tells has instants alone. */
export interface Told {
  readonly at: number;
  readonly shard?: number | null;
  readonly offset?: number | null;
  readonly step?: number | null;
}

/**
 * Whether a row was told before a bound, or in its step. Within a shard they have one order; what a hand-over parts has its
 * instants.
 */
export function isUpTo(row: string, bound: string): string {
  return `CASE WHEN ${row}.shard = ${bound}.shard THEN (${row}."offset", ${row}.step) <= (${bound}."offset", ${bound}.step)
    ELSE ${row}.at <= ${bound}.at END`;
}
