// What a person asks to be corrected (operator events): before every source, whenever they speak.

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { foldEach, tell } from "#support/fold-events.ts";

const ANA = { customer: "c-1", email: "ana@example.fr" };

test("a correction outranks every source, before and after it, in any order", async () => {
  const events = [
    tell("crm", 1, "identified", ANA, { traits: { city: "Paris" } }),
    tell("operator", 2, "traits-changed", { customer: "c-1" }, { traits: { city: "Lyon" } }),
    tell("store", 3, "traits-changed", { customer: "c-1" }, { traits: { city: "Nice" } }),
  ];
  for (const told of [events, events.toReversed()]) {
    const [profile] = (await (await foldEach(told)).readPeople()).profiles;
    equal(profile?.view.traits["city"]?.value, "Lyon");
    equal(profile?.view.others.length, 2);
  }
});

test("an objection is the latest word until she consents again, and of a tie the refusal", async () => {
  const consent = (source: string, minute: number, granted: boolean) =>
    tell(
      source,
      minute,
      "consent-changed",
      { customer: "c-1" },
      {
        consents: [{ purpose: "news", channel: "email", granted, proof: granted ? "form-1" : null }],
      },
    );
  const granted = async (...told: Parameters<typeof foldEach>[0]) =>
    (await (await foldEach(told)).readPeople()).profiles.flatMap(({ view }) => view.consents.map((one) => one.granted));
  deepEqual(await granted(consent("crm", 1, true), consent("operator", 2, false)), [false]);
  deepEqual(await granted(consent("operator", 2, false), consent("crm", 2, true)), [false]);
  deepEqual(await granted(consent("operator", 2, false), consent("crm", 3, true)), [true]);
});
