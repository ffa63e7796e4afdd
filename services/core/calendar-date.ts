// Dates of birth as people write them to ISO 8601. A date is days on a calendar, in no time zone. Where the day and the
// month may be taken for each other, the country of the source decides; where that has no one custom, nobody does.

import { AMBIGUOUS, foldWords, IMPLAUSIBLE, readAs, UNREADABLE, type Reading } from "./reading.ts";

const MONTHS = [
  "january janvier januar janner enero gennaio januari jan janv ene gen",
  "february fevrier februar feber febrero febbraio februari feb fev fevr",
  "march mars marz maerz marzo maart mar mrt mrz",
  "april avril abril aprile apr avr abr",
  "may mai mayo maggio mei mag",
  "june juin juni junio giugno jun giu",
  "july juillet juli julio luglio jul juil lug",
  "august aout agosto augustus aug ago",
  "september septembre septiembre settembre sep sept set setiembre",
  "october octobre oktober octubre ottobre oct okt ott",
  "november novembre noviembre nov",
  "december decembre dezember diciembre dicembre dec dez dic",
].map((names) => new Set(names.split(" ")));

const MONTH_FIRST: ReadonlySet<string> = new Set(["US"]);
/** Both customs are met there. */
const UNSETTLED: ReadonlySet<string> = new Set(["CA", "PH", "PR", "GU", "VI", "AS", "MP", "PA", "KE", "GH", "SA"]);
const WORDS_BETWEEN: ReadonlySet<string> = new Set(["de", "del", "of", "den", "il", "le", "the"]);

const LENGTH_MAX = 64;
const DAY_MS = 86_400_000;
const YEARS_MAX = 130;
/** What forms fill in for nothing. */
const PLACEHOLDER = "1900-01-01";

/** toldAt: when it was told, which nobody is born after. */
export function readBirthDate(told: string, country: string, toldAt: number): Reading {
  const reading = readDate(told, country);
  if (reading.value === null) return reading;
  const bornAt = Date.parse(`${reading.value}T00:00:00Z`);
  const oldest = new Date(toldAt);
  oldest.setUTCFullYear(oldest.getUTCFullYear() - YEARS_MAX);
  // East of Greenwich it is tomorrow already.
  const isPlausible = bornAt <= toldAt + DAY_MS && bornAt >= oldest.getTime() && reading.value !== PLACEHOLDER;
  return isPlausible ? reading : IMPLAUSIBLE;
}

/** Any date; without a look at whether somebody may be born on it. */
export function readDate(told: string, country: string): Reading {
  if (told.length > LENGTH_MAX) return UNREADABLE;
  const text = told.trim();
  const compact = /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  if (compact !== null) return onCalendar(compact[1], compact[2], compact[3]);
  // The time of day that some systems add to every date says nothing.
  const yearFirst = /^(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?$/.exec(text);
  if (yearFirst !== null) return onCalendar(yearFirst[1], yearFirst[2], yearFirst[3]);
  const yearLast = /^(\d{1,2})([-/. ])(\d{1,2})\2 ?(\d{4}|\d{2})(?: 00:00(?::00)?)?$/.exec(text);
  if (yearLast === null) return readWritten(text);
  const [, first, separator, second, year = ""] = yearLast;
  // Of two digits nobody can tell a child from her great-grandmother.
  if (year.length === 2) return AMBIGUOUS;
  const dayFirst = onCalendar(year, second, first);
  const monthFirst = onCalendar(year, first, second);
  if (dayFirst.value === null || monthFirst.value === null) return dayFirst.value === null ? monthFirst : dayFirst;
  if (separator === "." || dayFirst.value === monthFirst.value) return dayFirst;
  if (UNSETTLED.has(country)) return AMBIGUOUS;
  return MONTH_FIRST.has(country) ? monthFirst : dayFirst;
}

/** With the month as a word: 3 mars 1985, 1er mai 1985, March 3rd, 1985. */
function readWritten(text: string): Reading {
  const words = foldWords(text)
    .split(" ")
    .filter((word) => !WORDS_BETWEEN.has(word));
  if (words.length !== 3) return UNREADABLE;
  const month = words.findIndex((word) => MONTHS.some((names) => names.has(word)));
  if (month < 0) return UNREADABLE;
  const [one = "", other = ""] = words.filter((_, place) => place !== month);
  const year = /^\d{4}$/.test(one) ? one : other;
  const day = (year === one ? other : one).replace(/(?<=^\d{1,2})(er|st|nd|rd|th|o|a)$/, "");
  if (/^\d{2}$/.test(year)) return AMBIGUOUS;
  const number = MONTHS.findIndex((names) => names.has(words[month] as string)) + 1;
  return /^\d{1,2}$/.test(day) ? onCalendar(year, String(number), day) : UNREADABLE;
}

function onCalendar(year = "", month = "", day = ""): Reading {
  const iso = `${year.padStart(4, "0")}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  if (!/^\d{4}-\d\d-\d\d$/.test(iso)) return UNREADABLE;
  const at = new Date(`${iso}T00:00:00Z`);
  // 30 February is read as 2 March.
  const isThere = !Number.isNaN(at.getTime()) && at.toISOString().startsWith(iso);
  return isThere ? readAs(iso) : UNREADABLE;
}
