/** Marks a record of an import of history: its transitions say `backfill`, and it sends no signal (O5). */
export const BACKFILL_HEADER = "weft-backfill";
