// Identifiers: a namespace and a normalised value. Junk never becomes one (I4).
// The key of an identifier is a keyed hash, so that keys, logs and metrics hold no personal value (G2).

import validator from "validator";
import { parsePhoneNumberFromString, type CountryCode } from "libphonenumber-js/max";
import type { Registry } from "./registry.ts";
import type { NamespaceConfiguration } from "./configuration.ts";

/** Pure; the shell binds it to the identity key. */
export interface Hash {
  /** Keyed hash of a text: 22 characters of base64url. */
  (text: string): string;
  /** SHA-256 of a text, 64 hexadecimal digits: not keyed, for others compute it too. */
  digest(text: string): string;
}

/** A value and its digest have one key: who names an address by its hash names whom it names plainly. */
export function identifierKey({ hash, namespaces }: Registry, name: string, value: string): string {
  const namespace = namespaces.get(name);
  const said = namespace?.digested === true ? hash.digest(value) : value;
  return hash(`identifier\n${namespace?.digestOf ?? name}\n${said}`);
}

/** Longest value that is looked at; a longer one is refused before any work is done on it. */
export const IDENTIFIER_VALUE_LENGTH_MAX = 400;

/** Letters of other scripts that look like these: whoever types "nuІІ" means no more than who types "null". */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: "\u0430\u03b1",
    b: "\u0432\u03b2",
    c: "\u0441\u03f2",
    d: "\u0501",
    e: "\u0435\u03b5",
    f: "\u0192",
    g: "\u0261",
    h: "\u04bb\u043d",
    i: "\u0456\u03b9\u0131",
    j: "\u0458",
    k: "\u043a\u03ba",
    l: "\u04cf\u217c",
    m: "\u043c",
    n: "\u0578\u043f\u03b7",
    o: "\u043e\u03bf\u0585",
    p: "\u0440\u03c1",
    r: "\u0433",
    s: "\u0455",
    t: "\u0442\u03c4",
    u: "\u057d\u03c5",
    w: "\u051d\u0461\u03c9",
    y: "\u0443\u04af",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
  }).flatMap(([latin, others]) => Array.from(others, (other): [string, string] => [other, latin])),
);

const JUNK = new Set([
  "",
  "null",
  "undefined",
  "none",
  "nil",
  "nan",
  "n/a",
  "na",
  "unknown",
  "anonymous",
  "guest",
  "true",
  "false",
  "test",
  "-",
  "0",
  "-1",
  "[object object]",
  "{}",
  "[]",
  "test@test.com",
  "test@example.com",
  "none@none.com",
  "noemail@noemail.com",
]);

const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]/g;
const QUOTES = /^["'`\u00ab\u00bb\u2018-\u201f]+|["'`\u00ab\u00bb\u2018-\u201f]+$/g;
const SAME_DIGIT = /^(\d)\1{2,}$/;

/** A value that holds one was cut or mixed up on its way. */
const CONTROL = /\p{Cc}/u;

/** Width, invisible characters and surrounding quotes and space taken away: what is left is what somebody meant. */
export function cleanText(raw: string): string {
  let text = raw.normalize("NFKC").replace(INVISIBLE, "").trim();
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(QUOTES, "").trim();
  }
  return text;
}

/** What a namespace of digests has for junk: the digests of the list. */
export function listJunkDigests(hash: Hash): string[] {
  return Array.from(JUNK, (junk) => hash.digest(junk));
}

const FOREIGN = /[\u0080-\uffff]/;

function foldLookalikes(text: string): string {
  return FOREIGN.test(text) ? Array.from(text, (letter) => LOOKALIKES.get(letter) ?? letter).join("") : text;
}

/** True where a value stands for "no value" (I4): the list, only zeros or dashes, or three and more of one digit. */
export function isJunk(cleaned: string, extra: readonly string[]): boolean {
  const text = foldLookalikes(cleaned.toLowerCase());
  if (JUNK.has(text) || /^[0\-\s.]*$/.test(text)) return true;
  if (SAME_DIGIT.test(text.replace(/[\s().+-]/g, ""))) return true;
  return extra.some((junk) => junk.toLowerCase() === text);
}

/** The normalised value, or null where the raw one is junk or cannot be a value of its namespace. */
export function normaliseIdentifier(namespace: NamespaceConfiguration, raw: string, country: string): string | null {
  if (raw.length > IDENTIFIER_VALUE_LENGTH_MAX) return null;
  const text = cleanText(raw);
  if (namespace.kind === "reference") return text === "" ? null : text;
  if (CONTROL.test(text) || isJunk(text, namespace.junk)) return null;
  switch (namespace.normaliser) {
    case "text":
      return text;
    case "lower":
      return text.toLowerCase();
    case "email": {
      const email = text.toLowerCase();
      return validator.isEmail(email, { allow_utf8_local_part: true }) && !isJunk(email, []) ? email : null;
    }
    case "email-sha256": {
      const digest = text.toLowerCase();
      return /^[0-9a-f]{64}$/.test(digest) ? digest : null;
    }
    case "phone": {
      const phone = parsePhoneNumberFromString(text, country as CountryCode);
      if (phone === undefined || !phone.isPossible()) return null;
      return isJunk(phone.nationalNumber, []) ? null : phone.number;
    }
  }
}
