// Identifiers: a namespace and a normalised value. Junk never becomes one (I4).
// The key of an identifier is a keyed hash, so that keys, logs and metrics hold no personal value (G2).

import validator from "validator";
import { parsePhoneNumberFromString, type CountryCode } from "libphonenumber-js/max";
import { cleanText, isJunk, JUNK } from "./junk.ts";
import type { RegisteredNamespace, Registry } from "./registry.ts";
import type { NamespaceConfiguration } from "./configuration.ts";
import type { IdentifierClaim } from "./event.ts";

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

/** More than a namespace may be called in a configuration: whoever writes another name means none. */
const NAMESPACE = /^[A-Za-z][A-Za-z0-9 _.:/-]{0,62}$/;

/** What no identifier can be, whoever declares what: an event with one was put together wrongly. Null: nothing. */
export function findIdentifierFault({ namespace, value }: IdentifierClaim): string | null {
  if (value.length > IDENTIFIER_VALUE_LENGTH_MAX)
    return `an identifier of ${value.length} characters, more than ${IDENTIFIER_VALUE_LENGTH_MAX}`;
  return NAMESPACE.test(namespace) ? null : "an identifier of a namespace that is no name";
}

/** A value that holds a control character, or half of a character, was cut or mixed up on its way. */
const BROKEN = /[\p{Cc}\p{Cs}]/u;

/** Of digests: those of the list, and of what is junk as a value that they are of. */
export function listJunkDigests(hash: Hash, values: Iterable<string>): string[] {
  return Array.from([...JUNK, ...values], (junk) => hash.digest(junk));
}

/** The normalised value, or null where the raw one is junk or cannot be a value of its namespace. */
export function normaliseIdentifier(namespace: RegisteredNamespace, raw: string, country: string): string | null {
  if (raw.length > IDENTIFIER_VALUE_LENGTH_MAX) return null;
  const text = cleanText(raw);
  if (namespace.kind === "reference") return text === "" ? null : text;
  if (BROKEN.test(text) || isJunk(text, namespace.junkList)) return null;
  const value = normaliseText(namespace, text, country);
  return value === null || namespace.junkValues.has(value) ? null : value;
}

/** What is configured as junk, as sources of these countries say it: what is junk from one is junk from all. */
export function listJunkValues(namespace: NamespaceConfiguration, countries: Iterable<string>): ReadonlySet<string> {
  return new Set(
    Array.from(countries).flatMap((country) =>
      namespace.junk.flatMap((junk) => normaliseText(namespace, cleanText(junk), country) ?? []),
    ),
  );
}

function normaliseText({ normaliser }: NamespaceConfiguration, text: string, country: string): string | null {
  switch (normaliser) {
    case "text":
      return text;
    case "lower":
      return text.toLowerCase();
    case "email": {
      const email = text.toLowerCase();
      return validator.isEmail(email, { allow_utf8_local_part: true }) && !isJunk(email) ? email : null;
    }
    case "email-sha256": {
      const digest = text.toLowerCase();
      return /^[0-9a-f]{64}$/.test(digest) ? digest : null;
    }
    case "phone": {
      const phone = parsePhoneNumberFromString(text, country as CountryCode);
      if (phone === undefined || !phone.isPossible()) return null;
      if (isJunk(phone.nationalNumber)) return null;
      // Behind a switchboard each extension is a phone (RFC 3966).
      return phone.ext === undefined ? phone.number : `${phone.number};ext=${phone.ext}`;
    }
  }
}
