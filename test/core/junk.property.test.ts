// Junk never links (I4): whatever stands for "no value" may be added to every event, in any dress, and nothing changes.

import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Campaign } from "#support/campaign.ts";
import { foldDirectly } from "#support/direct-fold.ts";
import { usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { comparePeople } from "#support/oracle-comparison.ts";

const JUNK = [
  "null",
  "undefined",
  "None",
  "N/A",
  "0",
  "-1",
  "0000000000",
  "test@test.com",
  "[object Object]",
  "7777777",
];
const NAMESPACES = ["customer", "card", "crm-contact", "email", "payment-card", "social", "phone", "device", "cookie"];
const DRESSES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => ` "${text}"\t`,
  (text) => Array.from(text).join("\u200b"),
  (text) => text.replace(/[!-~]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
  (text) => Array.from(text).join("\ufe0f"),
  (text) => Array.from(text).join("\u3164"),
  (text) => text.replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit))),
  (text) =>
    text
      .toUpperCase()
      .replace(/[ENTO]/g, (letter) => ({ E: "\u0395", N: "\u039d", T: "\u0422", O: "\u0555" })[letter] ?? ""),
  (text) => text.replace(/[aeo]/g, (letter) => ({ a: "\u0430", e: "\u0435", o: "\u043e" })[letter] ?? letter),
];

const junk = fc
  .record({
    namespace: fc.constantFrom(...NAMESPACES),
    value: fc.constantFrom(...JUNK),
    dress: fc.constantFrom(...DRESSES),
  })
  .map(({ namespace, value, dress }) => ({ namespace, value: dress(value) }));

function fold(events: readonly RecordedEvent[]) {
  const folded = foldDirectly(events);
  return { outputs: folded.outputs, people: comparePeople(folded.readPeople()) };
}

test("junk identifiers in every event change no person and nothing that is said of anybody (I4)", (t) => {
  const campaign = new Campaign();
  let people = 0;
  fc.assert(
    fc.property(usual, fc.array(junk, { minLength: 1, maxLength: 6 }), ({ events }, added) => {
      campaign.add(events);
      const spoiled = events.map((told, place) => {
        const { identifiers, type } = told.event;
        // A ruling is about two identifiers and a release about one: with more, junk or not, it is another event.
        if (told.source === "operator" || type === "identifier-released") return told;
        const extra = added.slice(place % added.length);
        return { ...told, event: { ...told.event, identifiers: [...extra, ...identifiers] } };
      });
      const [clean, junked] = [fold(events), fold(spoiled)];
      deepEqual(junked, clean);
      people += clean.people.profiles.length;
    }),
    runs(4_000),
  );
  t.diagnostic(campaign.describe());
  campaign.checkSizes();
  checkMet(people > 0);
});
