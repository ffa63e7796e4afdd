// French postal addresses in one form, after AFNOR NF Z10-011: capitals without accents and punctuation, kinds of street
// written out, the postcode of five digits before the place, CEDEX with its two digits. An address without a postcode and
// a place is none; it stays as it was told.

import { foldWords } from "./reading.ts";

/** France and the parts of it that share its postcodes. */
const COUNTRIES: ReadonlySet<string> = new Set(["FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF"]);

export function hasFrenchPost(country: string): boolean {
  return COUNTRIES.has(country);
}

/** Kinds of street: first after the number, or first of all. */
const STREETS: Readonly<Record<string, string>> = {
  all: "ALLEE",
  av: "AVENUE",
  ave: "AVENUE",
  aven: "AVENUE",
  bd: "BOULEVARD",
  bld: "BOULEVARD",
  blv: "BOULEVARD",
  blvd: "BOULEVARD",
  boul: "BOULEVARD",
  bvd: "BOULEVARD",
  car: "CARREFOUR",
  ch: "CHEMIN",
  che: "CHEMIN",
  chem: "CHEMIN",
  cite: "CITE",
  cours: "COURS",
  crs: "COURS",
  dom: "DOMAINE",
  fbg: "FAUBOURG",
  fg: "FAUBOURG",
  imp: "IMPASSE",
  lot: "LOTISSEMENT",
  lotiss: "LOTISSEMENT",
  mte: "MONTEE",
  pas: "PASSAGE",
  pass: "PASSAGE",
  pl: "PLACE",
  prom: "PROMENADE",
  q: "QUAI",
  qu: "QUAI",
  r: "RUE",
  res: "RESIDENCE",
  rle: "RUELLE",
  rpt: "ROND POINT",
  rte: "ROUTE",
  sq: "SQUARE",
  vla: "VILLA",
};

/** At any place of a street. */
const WORDS: Readonly<Record<string, string>> = {
  app: "APPARTEMENT",
  appart: "APPARTEMENT",
  appt: "APPARTEMENT",
  apt: "APPARTEMENT",
  bat: "BATIMENT",
  cdt: "COMMANDANT",
  dr: "DOCTEUR",
  esc: "ESCALIER",
  etg: "ETAGE",
  gal: "GENERAL",
  gen: "GENERAL",
  gnl: "GENERAL",
  ld: "LIEU DIT",
  mal: "MARECHAL",
  mgr: "MONSEIGNEUR",
  pdt: "PRESIDENT",
  prof: "PROFESSEUR",
  st: "SAINT",
  ste: "SAINTE",
  sts: "SAINTS",
  stes: "SAINTES",
};

/** Of a place. */
const PLACES: Readonly<Record<string, string>> = { st: "SAINT", ste: "SAINTE", sts: "SAINTS", stes: "SAINTES" };

const REPETITIONS: ReadonlySet<string> = new Set(["bis", "ter", "quater", "quinquies"]);

/** Six lines of 38 characters are 228. */
const LENGTH_MAX = 256;

/** A street, its postcode and its place apart; null where one of them cannot be one. */
export function writeFrenchAddress(street: string, postcode: string, city: string): string | null {
  if (street.length + city.length > LENGTH_MAX) return null;
  const code = readPostcode(postcode);
  const place = writePlace(city, code);
  const written = writeStreet(street);
  return code === null || place.length < 2 || written.length < 3 ? null : `${written}, ${code} ${place}`;
}

/** The same of an address in one text: the postcode is the last five digits that a place follows. */
export function readFrenchAddress(told: string): string | null {
  if (told.length > LENGTH_MAX) return null;
  const text = told.replace(/[\s,;]+/g, " ").replace(/ ?\(?\bfrance\b\)?\.?$/i, "");
  const found = /^(.+?)[ -]+(?:F[- ]?)?(\d{2} ?\d{3})[ -]+(\D[^\d]*(?:\d{1,2}(?:er|e|eme|ème)?)?(?: arr\S*)?)$/iu.exec(
    text,
  );
  if (found === null) return null;
  const [, street = "", postcode = "", city = ""] = found;
  return writeFrenchAddress(street, postcode, city);
}

/** A spreadsheet takes the zero from the first nine departments. */
function readPostcode(told: string): string | null {
  const digits = told.replace(/^\s*F[- ]/i, "").replace(/\s/g, "");
  if (!/^\d{4,5}$/.test(digits)) return null;
  const code = digits.padStart(5, "0");
  return code.startsWith("00") ? null : code;
}

function writeStreet(told: string): string {
  // n° 12, 12bis, B.P. 7, l'Hermitage: signs go, what they held apart stays apart.
  const words = foldWords(
    told
      .replace(/\bn ?[°º]\s*/gi, "")
      .replace(/\b([A-Za-z])\.([A-Za-z])\./g, "$1$2 ")
      .replace(/\b(\d+)(bis|ter|quater|quinquies)\b/gi, "$1 $2"),
  ).split(" ");
  let isFirst = true;
  const written = words.map((word) => {
    const isNumber = /^\d+[a-z]?$/.test(word) || REPETITIONS.has(word);
    const street = isFirst && words.length > 1 && Object.hasOwn(STREETS, word) ? STREETS[word] : undefined;
    if (!isNumber) isFirst = isFirst && isUnit(word);
    return street ?? (Object.hasOwn(WORDS, word) ? WORDS[word] : word.toUpperCase());
  });
  return written.join(" ").trim();
}

/** What may stand before the number, so that the kind of street is still to come. */
function isUnit(word: string): boolean {
  return /^[a-z]$/.test(word) || ["app", "appt", "apt", "bat", "esc", "etg", "appartement", "batiment"].includes(word);
}

/** The quarter of Paris, Lyon and Marseille is in the postcode. */
function writePlace(told: string, code: string | null): string {
  const [before = "", cedex] = foldWords(told).split(/\s*\bcedex\b\s*/);
  const isQuartered = code !== null && /^(75|69|13)/.test(code);
  const bare = isQuartered ? before.replace(/^(paris|lyon|marseille) \d{1,2} ?(er|e|eme)?( arr.*)?$/, "$1") : before;
  const place = bare
    .split(" ")
    .map((word) => (Object.hasOwn(PLACES, word) ? PLACES[word] : word.toUpperCase()))
    .join(" ");
  if (cedex === undefined) return place;
  const office = /^\d{1,2}$/.exec(cedex.trim())?.[0];
  return office === undefined ? `${place} CEDEX` : `${place} CEDEX ${office.padStart(2, "0")}`;
}
