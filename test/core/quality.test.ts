// How good what each source tells is: by example, and in any history against what the events themselves say (S47, S98).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { FIELDS_LISTED_MAX, type Judged, measureFields, measureSources } from "#core/quality.ts";
import type { Fold, FoldEvent } from "#services/fold/fold.ts";
import { foldEach, tell } from "#support/fold-events.ts";
import { configuration, history } from "#support/histories.ts";
import { runs } from "#support/property.ts";

const MILLION = 1_000_000;

async function judge(fold: Fold, events: readonly FoldEvent[]) {
  const { profiles, holders } = await fold.readPeople();
  const judged = events.map(({ source, event }, place): Judged => {
    const outcome = fold.outcomes[place];
    if (outcome === undefined) throw new Error("every event has an outcome");
    const { anchor } = outcome;
    return {
      source,
      event,
      outcome: outcome.outcome,
      anchor,
      profileId: anchor === null ? null : (holders.get(anchor) ?? null),
    };
  });
  const people = profiles.map(({ profileId, identifiers, view: { completeness } }) => {
    return { profileId, identifiers, completeness };
  });
  return { judged, people, sources: measureSources(configuration, judged, people) };
}

describe("the quality of a source", () => {
  it("is what of it is valid, told before, of people told of twice or by others, stitched and complete", async () => {
    const events = [
      tell("crm", 1, "identified", { customer: "1" }, { traits: { firstName: "Ana", shoeSize: 38 } }),
      tell("crm", 1, "identified", { customer: "1" }, { traits: { firstName: "Ana", shoeSize: 38 } }),
      tell("crm", 2, "identified", { "crm-contact": "7" }),
      tell("store", 3, "identified", { customer: "1", "crm-contact": "7" }),
      tell("web", 4, "page-viewed", { cookie: "k" }),
      tell("web", 5, "page-viewed", { cookie: "null" }),
    ];
    const { sources, judged } = await judge(await foldEach(events), events);
    const whole = {
      validShare: MILLION,
      repeatedShare: 0,
      insideShare: 0,
      betweenShare: MILLION,
      stitchedShare: MILLION,
    };
    const share = Math.floor(1_000 / configuration.declaredFields.length) * 1_000;
    deepEqual(sources, [
      { source: "crm", events: 3, ...whole, repeatedShare: 333_333, insideShare: 500_000, completenessShare: share },
      { source: "store", events: 1, ...whole, completenessShare: share },
      {
        source: "web",
        events: 2,
        validShare: 500_000,
        repeatedShare: 0,
        insideShare: 0,
        betweenShare: 0,
        stitchedShare: 0,
        completenessShare: 0,
      },
    ]);
    deepEqual(
      measureFields(configuration, judged).map(
        ({ source, field, filledShare, read }) => `${source} ${field} ${filledShare} ${read}`,
      ),
      [
        `crm identifiers.crm-contact 333333 yes`,
        `crm identifiers.customer 666667 yes`,
        `crm traits.firstName 666667 yes`,
        `crm traits.shoeSize 666667 no`,
        `store identifiers.crm-contact 1000000 yes`,
        `store identifiers.customer 1000000 yes`,
        `web identifiers.cookie 1000000 yes`,
      ],
    );
  });

  it("adds up in any history: events are those that were told, shares are shares, whatever their order", async () => {
    await fc.assert(
      fc.asyncProperty(history(4, 20), async ({ events }) => {
        const { sources, judged, people } = await judge(await foldEach(events), events);
        equal(
          sources.reduce((sum, { events: count }) => sum + count, 0),
          events.length,
        );
        for (const { source, events: _events, ...shares } of sources)
          for (const [name, value] of Object.entries(shares))
            ok(Number.isSafeInteger(value) && value >= 0 && value <= MILLION, `${source} ${name} ${value}`);
        const dead = judged.filter(({ outcome }) => outcome === "dead-lettered").length;
        const valid = sources.reduce((sum, one) => sum + Math.round((one.events * one.validShare) / MILLION), 0);
        equal(valid, events.length - dead);
        deepEqual(measureSources(configuration, judged.toReversed(), people), sources);
        deepEqual(measureFields(configuration, judged.toReversed()), measureFields(configuration, judged));
      }),
      runs(200),
    );
  });

  it("lists so many fields of a source, those that sort first", () => {
    const traits = Object.fromEntries(Array.from({ length: FIELDS_LISTED_MAX + 5 }, (_, n) => [`t${1_000 + n}`, n]));
    const { source, event } = tell("crm", 1, "identified", { customer: "1" }, { traits });
    const fields = measureFields(configuration, [{ source, event, outcome: "folded", anchor: "a", profileId: "p" }]);
    equal(fields.length, FIELDS_LISTED_MAX);
    equal(fields.at(-1)?.field, `traits.t${1_000 + FIELDS_LISTED_MAX - 2}`);
  });

  it("counts what could not be read as not valid", () => {
    const unread: Judged = { source: "crm", event: null, outcome: "dead-lettered", anchor: null, profileId: null };
    equal(measureSources(configuration, [unread], [])[0]?.validShare, 0);
    deepEqual(measureFields(configuration, [unread]), []);
  });
});
