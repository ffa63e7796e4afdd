// Demographics by example: one value of a field by whatever name it was told, with its source, time, purpose and basis.

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { readGender } from "#core/gender.ts";
import { readLanguage } from "#core/language.ts";
import type { Configuration } from "#core/configuration.ts";
import type { Scalar } from "#core/event.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach } from "#support/fold-events.ts";
import { configuration } from "#support/histories.ts";

const AT = Date.UTC(2026, 0, 5);

function tell(source: string, minute: number, traits: Readonly<Record<string, Scalar>>): FoldEvent {
  const at = AT + minute * 60_000;
  const identifiers = [{ namespace: "customer", value: "c" }];
  const event = { eventId: `e${minute}`, type: "traits-changed", occurredAt: at, identifiers, traits };
  return { source, recordedAt: at, event };
}

async function demographics(events: readonly FoldEvent[], told: Configuration = configuration) {
  const { profiles } = await (await foldEach(events, told)).readPeople();
  return profiles.flatMap(({ view }) => view.demographics);
}

describe("demographics", () => {
  it("hold the value that survives, in one spelling, beside how it was told, in any order (P1, P3)", async () => {
    const events = [
      tell("crm", 1, { firstName: "MARIE-CLAUDE", birthday: "03/04/85" }),
      tell("crm", 2, { last_name: "DE LA TOUR", dateOfBirth: "12/03/1985" }),
      tell("crm", 3, { first_name: "anne" }),
    ];
    for (const order of [events, events.toReversed()])
      deepEqual(
        (await demographics(order)).map(({ field, value, original, flag, at }) => [field, value, original, flag, at]),
        [
          ["birthDate", "1985-03-12", "12/03/1985", null, "2026-01-05T00:02:00.000Z"],
          ["firstName", "Anne", "anne", null, "2026-01-05T00:03:00.000Z"],
          ["lastName", "de La Tour", "DE LA TOUR", null, "2026-01-05T00:02:00.000Z"],
        ],
      );
  });

  it("keep what cannot be read as it was told, and say why", async () => {
    const lines = await demographics([tell("crm", 1, { birthDate: "03/04/85", country: "Atlantis", gender: "?" })]);
    deepEqual(
      lines.map(({ field, value, original, flag }) => [field, value, original, flag]),
      [
        ["birthDate", "03/04/85", null, "ambiguous"],
        ["country", "Atlantis", null, "unreadable"],
        ["gender", "?", null, "unreadable"],
      ],
    );
  });

  it("say the purpose of the source and the legal basis of the field", async () => {
    const sources = configuration.sources.map((source) =>
      source.name === "crm"
        ? {
            ...source,
            purpose: "customer file",
            legalBasis: "contract",
            legalBasisByField: { identifiers: "contract", "traits.country": "contract", traits: "consent" },
          }
        : source.name === "store"
          ? { ...source, purpose: "till", legalBasis: "legitimate interest" }
          : source,
    );
    const events = [tell("crm", 1, { country: "fr", gender: "f" }), tell("store", 2, { language: "FR" })];
    events.push(tell("call-centre", 3, { lastName: "Le Goff" }));
    deepEqual(
      (await demographics(events, { ...configuration, sources })).map(({ field, purpose, legalBasis }) => [
        field,
        purpose,
        legalBasis,
      ]),
      [
        ["country", "customer file", "contract"],
        ["gender", "customer file", "consent"],
        ["language", "till", "legitimate interest"],
        ["lastName", null, null],
      ],
    );
  });

  it("are not there once they were taken back", async () => {
    deepEqual(await demographics([tell("crm", 1, { gender: "f" }), tell("crm", 2, { gender: null })]), []);
  });

  it("read genders and languages as forms of six countries tell them", () => {
    const genders = {
      F: "female",
      Mme: "female",
      "M.": "male",
      Herr: "male",
      "2": "female",
      X: "other",
      divers: "other",
    };
    deepEqual(Object.fromEntries(Object.keys(genders).map((told) => [told, readGender(told, "FR").value])), genders);
    deepEqual(
      [readGender("M", "ES").flag, readGender("Non-binaire", "FR").value, readGender("9", "FR").flag],
      ["ambiguous", "other", "unreadable"],
    );
    const languages = {
      "fr-FR": "fr",
      FR: "fr",
      "fr_FR.UTF-8": "fr",
      français: "fr",
      eng: "en",
      Deutsch: "de",
      zh_Hans_CN: "zh",
    };
    deepEqual(Object.fromEntries(Object.keys(languages).map((told) => [told, readLanguage(told).value])), languages);
    deepEqual(readLanguage("elvish").flag, "unreadable");
  });
});
