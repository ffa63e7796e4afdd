// The one comparison order of the product: UTF-16 code units for text (everything that crosses into a store is ASCII,
// where every order agrees), numbers by value. Never localeCompare: it depends on the machine.

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** When the log first learned something: compared by (record time, source, eventId). */
export interface Stamp {
  readonly t: number;
  readonly source: string;
  readonly eventId: string;
}

export function compareStamps(a: Stamp, b: Stamp): number {
  return a.t - b.t || compareText(a.source, b.source) || compareText(a.eventId, b.eventId);
}

export function isSameStamp(a: Stamp | null, b: Stamp | null): boolean {
  return a === null || b === null ? a === b : compareStamps(a, b) === 0;
}

/** Keys of a record in the one order: iteration that reaches an output goes through this. */
export function sortedKeys(record: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(record).sort(compareText);
}

/** A record for keys that come from outside: no prototype, so `__proto__` and `toString` are ordinary names. */
export function bareRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** Entries of a map by key, in the one order: iteration that reaches an output goes through this. */
export function sortedEntries<T>(map: ReadonlyMap<string, T>): [string, T][] {
  const entries = [...map];
  return entries.length < 2 ? entries : entries.sort(([a], [b]) => compareText(a, b));
}
