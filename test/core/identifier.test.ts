// Identifiers: normalised so that one thing has one spelling, and junk refused in any dress (I4).

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { acceptEvent } from "#core/acceptance.ts";
import { createRegistry } from "#core/registry.ts";
import { IDENTIFIER_VALUE_LENGTH_MAX, normaliseIdentifier } from "#core/identifier.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { createHash } from "#services/wire/hash.ts";
import { runs } from "#support/property.ts";

const { configuration } = loadConfiguration(undefined, {});
const registry = createRegistry(configuration, createHash("a key for tests"));

function normalise(namespace: string, value: string, country = "FR"): string | null {
  const found = registry.namespaces.get(namespace);
  if (found === undefined) throw new Error(`no namespace ${namespace}`);
  return normaliseIdentifier(found, value, country);
}

const JUNK = [
  "null",
  "undefined",
  "none",
  "0",
  "-1",
  "0000000000",
  "test@test.com",
  "[object Object]",
  "[object  Object ]",
  "- 1",
  "n / a",
  "1111111111",
  "99999",
  "---",
  "N/A",
  "",
];
const dresses: readonly ((text: string) => string)[] = [
  (text) => text.toUpperCase(),
  (text) => ` ${text}\t`,
  (text) => `"${text}"`,
  (text) => `'" ${text} "'`,
  (text) => `\u201c${text}\u201d`,
  (text) => Array.from(text).join("\u200b"),
  (text) => `\ufeff${text}`,
  (text) =>
    text.replace(
      /[aeotis-]/g,
      (letter) => "\u0430\u0435\u043e\u0442\u0456\u0455\u2212"["aeotis-".indexOf(letter)] ?? "",
    ),
  (text) => text.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
  // Greek and Cyrillic capitals, the same in small letters, Armenian, Cherokee and small capitals.
  (text) => put(text.toUpperCase(), CAPITALS),
  (text) => put(text.toUpperCase(), CAPITALS).toLowerCase(),
  (text) => put(text, { n: "\u0578", u: "\u057d", o: "\u0585", h: "\u0570" }),
  (text) => put(text.toUpperCase(), { T: "\u13a2", E: "\u13ac", S: "\u13da", N: "\ua4e0", L: "\u13de" }),
  (text) => put(text, { n: "\u0274", u: "\u1d1c", l: "\u029f", o: "\u1d0f", e: "\u1d07", t: "\u1d1b", s: "\ua731" }),
  (text) => put(text, { l: "\u04cf", i: "\u0456", "1": "\u0406", "0": "\u041e", "/": "\u2044", ".": "\u3002" }),
  ...[
    "\ufe0f",
    "\u034f",
    "\u061c",
    "\u206a",
    "\u206f",
    "\u3164",
    "\uffa0",
    "\u2800",
    "\u115f",
    "\u180e",
    "\u180b",
    "\u{e0100}",
    "\u{e0041}",
    "\u0332",
    "\u20e3",
  ].map((unseen) => (text: string) => `${Array.from(text).join(unseen)}${unseen}`),
  // Arabic-Indic, Devanagari, Thai, N'Ko and mathematical digits.
  ...[0x660, 0x966, 0xe50, 0x7c0, 0x1d7ce, 0x1d7f6].map(
    (zero) => (text: string) => text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit))),
  ),
  (text) => text.replaceAll("-", "\u2e3a"),
  (text) => `\u300c${text}\u300d`,
  (text) => `\u2032${text}\u2033`,
];

const CAPITALS = {
  A: "\u0391",
  B: "\u0412",
  C: "\u0421",
  E: "\u0415",
  F: "\u03dc",
  I: "\u0399",
  J: "\u0408",
  M: "\u039c",
  N: "\u039d",
  O: "\u039f",
  S: "\u0405",
  T: "\u03a4",
  U: "\u054d",
} as const;

function put(text: string, looks: Readonly<Record<string, string>>): string {
  return Array.from(text, (letter) => looks[letter] ?? letter).join("");
}

describe("identifiers", () => {
  it("are never junk, in any case, quoting, space, width or with invisible characters (I4)", () => {
    for (const namespace of ["customer", "card", "email", "phone", "cookie"]) {
      for (const junk of JUNK) {
        equal(normalise(namespace, junk), null, `${namespace} ${junk}`);
        for (const [i, dress] of dresses.entries())
          equal(normalise(namespace, dress(junk)), null, `${namespace} ${junk} in dress ${i}`);
      }
    }
  });

  it("are never digests of junk (I4)", () => {
    for (const junk of ["null", "test@test.com", ""])
      equal(normalise("email-sha256", registry.hash.digest(junk).toUpperCase()), null);
  });

  it("of any script that only resemble no junk are what they are", () => {
    const names = [
      "\u041e\u043b\u044c\u0433\u0430",
      "\u03a3\u03bf\u03c6\u03af\u03b1",
      "\uae40\ubbfc\uc900",
      "\u0645\u062d\u0645\u062f",
    ];
    for (const name of [...names, "n\u00fcll", "Nyll", "nu11", "o", "lll", "\u0661\u0662\u0663"])
      equal(normalise("customer", name), name);
  });

  it("are never what is configured as junk, compared as it is said and as it is normalised (I4)", () => {
    const extra: Readonly<Record<string, readonly string[]>> = {
      phone: ["06 00 00 00 00"],
      email: [" Caisse@Boutique.FR "],
      customer: ["KIOSK"],
    };
    const { namespaces, hash } = createRegistry(
      {
        ...configuration,
        namespaces: configuration.namespaces.map((one) => ({ ...one, junk: extra[one.name] ?? one.junk })),
      },
      registry.hash,
    );
    const read = (name: string, value: string, country = "FR") => {
      const namespace = namespaces.get(name);
      return namespace === undefined ? undefined : normaliseIdentifier(namespace, value, country);
    };
    for (const junk of ["0600000000", "+33 6 00 00 00 00", "0033600000000", "\u0660\u0666 00000000"])
      equal(read("phone", junk), null, junk);
    equal(read("phone", "0600000001"), "+33600000001");
    // Whatever the country of the source, what is junk of one is junk of all.
    equal(read("phone", "06 00 00 00 00", "BE"), null);
    equal(read("phone", "+33600000000", "BE"), null);
    for (const junk of ["caisse@boutique.fr", "CAISSE@BOUTIQUE.FR", "c\u0430isse@boutique.fr"])
      equal(read("email", junk), null, junk);
    equal(read("email-sha256", hash.digest("caisse@boutique.fr")), null);
    equal(read("customer", "\u039a\u0399\u039fSK"), null);
  });

  it("said plainly and by their digest in one event are one, with the higher assurance", () => {
    const accepted = acceptEvent(registry, "crm", 1_767_225_600_000, {
      eventId: "e",
      type: "identified",
      occurredAt: 1_767_225_600_000,
      identifiers: [
        { namespace: "email-sha256", value: registry.hash.digest("ana@example.fr") },
        { namespace: "email", value: "Ana@example.fr", assurance: "claimed" },
      ],
    });
    const said = accepted.ok ? accepted.accepted.identifiers.map(({ value, assurance }) => [value, assurance]) : null;
    deepEqual(said, [["ana@example.fr", "authenticated"]]);
  });

  it("of a reference namespace have no junk: an order may be called 0", () => {
    equal(normalise("order", "0"), "0");
    equal(normalise("order", "null"), "null");
  });

  it("have one spelling: e-mails in small letters, phones in E.164 with the source's country", () => {
    equal(normalise("email", "  Ana.Lopez@Example.FR "), "ana.lopez@example.fr");
    equal(normalise("email", "not an address"), null);
    equal(normalise("phone", "06 12 34 56 78"), "+33612345678");
    equal(normalise("phone", "0692 12 34 56", "RE"), "+262692123456");
    equal(normalise("phone", "+44 20 7946 0958"), "+442079460958");
    equal(normalise("phone", "01 42 68 53 00 ext. 12"), "+33142685300;ext=12");
    equal(normalise("phone", "12"), null);
    equal(normalise("email-sha256", "A".repeat(64)), "a".repeat(64));
  });

  it("beyond the longest value are not looked at", () => {
    equal(normalise("customer", "C".repeat(IDENTIFIER_VALUE_LENGTH_MAX)), "C".repeat(IDENTIFIER_VALUE_LENGTH_MAX));
    equal(normalise("customer", "C".repeat(IDENTIFIER_VALUE_LENGTH_MAX + 1)), null);
  });

  it("with a control character, or half of a character, inside are none: they were cut or mixed up on their way", () => {
    for (const value of ["a\0b", "a\nb", "a\u0085b", "a\tb"]) equal(normalise("customer", value), null);
    equal(normalise("customer", "\ta b\n"), "a b");
    // As JSON may have it: validator.isEmail throws at one.
    for (const namespace of ["customer", "email", "phone", "mailbox", "social"])
      for (const value of ["\ud800", "a\udc00@x.fr", "a@\ud800.fr", "06 39 98 00 17\udfff"])
        equal(normalise(namespace, value), null);
    equal(normalise("customer", "a😀"), "a😀");
  });

  it("that identify nobody are counted: junk, and of namespaces that nobody declared (O4)", () => {
    const accepted = acceptEvent(registry, "web", 1_767_225_600_000, {
      eventId: "e",
      type: "page-viewed",
      occurredAt: 1_767_225_600_000,
      identifiers: [
        { namespace: "cookie", value: "visitor-1" },
        { namespace: "email", value: "null" },
        { namespace: "phone", value: "000" },
        { namespace: "shoe-size", value: "42" },
        { namespace: "ip", value: "192.0.2.1" },
        { namespace: "email", value: "null", role: "other" },
      ],
    });
    deepEqual(accepted.ok ? accepted.accepted.leftOut : null, { junk: 2, unknownNamespace: 1 });
  });

  it("stay as they are when normalised again", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("customer", "email", "phone", "cookie"),
        fc.string({ maxLength: 40 }),
        (namespace, raw) => {
          const once = normalise(namespace, raw);
          if (once !== null) equal(normalise(namespace, once), once);
        },
      ),
      runs(2000),
    );
  });

  it("that none can be refuse the event, whatever is beside them, and merely undeclared ones do not", () => {
    const beside = (namespace: string, value: string, role: "self" | "other" = "self") => {
      const acceptance = acceptEvent(registry, "web", 1_767_225_600_000, {
        eventId: "e",
        type: "page-viewed",
        occurredAt: 1_767_225_600_000,
        identifiers: [
          { namespace: "cookie", value: "visitor-1" },
          { namespace, value, role },
        ],
      });
      return acceptance.ok ? acceptance.accepted.identifiers.length : acceptance.reason;
    };
    const long = "C".repeat(IDENTIFIER_VALUE_LENGTH_MAX + 1);
    for (const namespace of ["customer", "ip", "shoe-size"]) {
      equal(beside(namespace, long), "malformed-identifier");
      equal(beside(namespace, long, "other"), "malformed-identifier");
    }
    for (const name of ["__proto__", "", " ", "1", "c".repeat(64), "cust\u00f8mer", "a\nb"])
      equal(beside(name, "C-1"), "malformed-identifier", name);
    for (const name of ["constructor", "toString", "shoe_size", "Loyalty Card", "x:y/z.1", "c".repeat(63)])
      equal(beside(name, "C-1"), 1, name);
    equal(beside("customer", long.slice(1)), 2);
  });

  it("more than sixteen, junk and other people's left out, refuse the event, and so does none", () => {
    const event = (identifiers: { namespace: string; value: string; role?: "other" }[]) =>
      acceptEvent(registry, "web", 1_767_225_600_000, {
        eventId: "e",
        type: "page-viewed",
        occurredAt: 1_767_225_600_000,
        identifiers,
      });
    const cookies = Array.from({ length: 17 }, (_, i) => ({ namespace: "cookie", value: `visitor-${i}` }));
    const refused = event(cookies);
    equal(refused.ok ? "accepted" : refused.reason, "too-many-identifiers");
    equal(
      event([
        ...cookies.slice(1),
        { namespace: "cookie", value: "null" },
        { namespace: "email", value: "gift@example.com", role: "other" },
      ]).ok,
      true,
    );
    for (const [identifiers, reason] of [
      [Array.from({ length: 10_000 }, (_, i) => ({ namespace: "cookie", value: `v-${i}` })), "too-many-identifiers"],
      [[{ namespace: "customer", value: "C".repeat(1024 * 1024) }], "malformed-identifier"],
      [[{ namespace: "__proto__", value: "C-1" }], "malformed-identifier"],
      [[{ namespace: "constructor", value: "C-1" }], "no-identifier"],
    ] as const) {
      const outcome = event([...identifiers]);
      equal(outcome.ok ? "accepted" : outcome.reason, reason);
    }
    const nobody = event([
      { namespace: "email", value: "test@test.com" },
      { namespace: "ip", value: "10.0.0.1" },
    ]);
    equal(nobody.ok ? "accepted" : nobody.reason, "no-identifier");
  });
});
