// Identifiers: a namespace and a normalised value. Junk never becomes one (I4).
// The key of an identifier is a keyed hash, so that keys, logs and metrics hold no personal value (G2).

import validator from "validator";
import { parsePhoneNumberFromString, type CountryCode } from "libphonenumber-js/max";
import type { NamespaceConfiguration } from "./configuration.ts";

/** Keyed hash of a text: 22 characters of base64url. Pure; the shell binds it to the identity key. */
export type Hash = (text: string) => string;

export function identifierKey(hash: Hash, namespace: string, value: string): string {
  return hash(`identifier\n${namespace}\n${value}`);
}

/** Longest value that is looked at; a longer one is refused before any work is done on it. */
export const IDENTIFIER_VALUE_LENGTH_MAX = 512;

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

/** Width, invisible characters and surrounding quotes and space taken away: what is left is what somebody meant. */
export function cleanText(raw: string): string {
  let text = raw.normalize("NFKC").replace(INVISIBLE, "").trim();
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(QUOTES, "").trim();
  }
  return text;
}

/** True where a value stands for "no value" (I4): the list, only zeros or dashes, or three and more of one digit. */
export function isJunk(cleaned: string, extra: readonly string[]): boolean {
  const text = cleaned.toLowerCase();
  if (JUNK.has(text) || /^[0\-\s.]*$/.test(text)) return true;
  if (SAME_DIGIT.test(text.replace(/[\s().+-]/g, ""))) return true;
  return extra.some((junk) => junk.toLowerCase() === text);
}

/** The normalised value, or null where the raw one is junk or cannot be a value of its namespace. */
export function normaliseIdentifier(namespace: NamespaceConfiguration, raw: string, country: string): string | null {
  if (raw.length > IDENTIFIER_VALUE_LENGTH_MAX) return null;
  const text = cleanText(raw);
  if (namespace.kind === "reference") return text === "" ? null : text;
  if (isJunk(text, namespace.junk)) return null;
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
