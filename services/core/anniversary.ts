// The day of a yearly signal: a date that a trait names, in each year from the next one on. Days are those of UTC.

const DAY_MS = 86_400_000;
/** 1980-02-29; --02-29 where the year is not known. */
const DATE = /^(?:(\d{4})|-)-(\d{2})-(\d{2})$/;

/** The first instant of the day in that year. 29 February is 28 February in a year that has none. */
function findDay(year: number, month: number, day: number): number {
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return Date.UTC(year, month - 1, Math.min(day, lastDay));
}

/**
 * The first instant of the next day of the date that is not over at `asOf`, in a year after that of `signalledUpTo`: the
 * date may be corrected, and is still once a year. Null where it is no date.
 */
export function findAnniversary(date: string, asOf: number, signalledUpTo: number | null): number | null {
  const [, born, month, day] = DATE.exec(date) ?? [];
  if (month === undefined || day === undefined || !isDay(Number(month), Number(day))) return null;
  const years = [new Date(asOf).getUTCFullYear(), yearAfter(signalledUpTo), born === undefined ? 0 : Number(born) + 1];
  const year = Math.max(...years);
  const next = findDay(year, Number(month), Number(day));
  return next + DAY_MS > asOf ? next : findDay(year + 1, Number(month), Number(day));
}

function yearAfter(instant: number | null): number {
  return instant === null ? 0 : new Date(instant).getUTCFullYear() + 1;
}

/** A leap year, so that 29 February is one. */
function isDay(month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(2000, month, 0)).getUTCDate();
}
