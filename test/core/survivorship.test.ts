// Losing values stay visible (P3), completeness counts what is declared, and confidence what of it is vouched for.

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import type { Scalar } from "#core/event.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach } from "#support/fold-events.ts";
import { configuration } from "#support/histories.ts";

const AT = Date.UTC(2026, 0, 5);

function tell(source: string, minute: number, traits: Readonly<Record<string, Scalar>>): FoldEvent {
  const at = AT + minute * 60_000;
  const identifiers = [{ namespace: "customer", value: "c" }];
  return {
    source,
    recordedAt: at,
    event: { eventId: `e${minute}`, type: "traits-changed", occurredAt: at, identifiers, traits },
  };
}

async function view(events: readonly FoldEvent[], declaredFields: readonly string[]) {
  const fold = await foldEach(events, { ...configuration, declaredFields });
  const { profiles } = await fold.readPeople();
  equal(profiles.length, 1);
  const [line] = profiles;
  if (line === undefined) throw new Error("there is a profile");
  const { traits, others, completeness, confidence } = line.view;
  return {
    city: traits["city"]?.value,
    others: others.map(({ trait, value }) => `${trait}=${String(value)}`),
    completeness,
    confidence,
  };
}

test("values that lose stay visible beside the one that holds, the next best first (P3)", async () => {
  const events = [
    tell("crm", 1, { city: "Nantes" }),
    tell("store", 3, { city: "Lyon" }),
    tell("web", 2, { city: null }),
  ];
  for (const order of [events, events.toReversed()])
    deepEqual(await view(order, ["city"]), {
      city: "Lyon",
      others: ["city=null", "city=Nantes"],
      completeness: 1000,
      confidence: 0,
    });
});

test("completeness is the share of declared fields that are filled, in whole per mille", async () => {
  const events = [tell("crm", 1, { city: "Nantes", email: "a@example.fr", name: "", age: null })];
  const share = async (...fields: string[]) => (await view(events, fields)).completeness;
  deepEqual(
    [
      await share("city", "email", "phone"),
      await share("name"),
      await share("age", "city"),
      await share("email"),
      await share("toString"),
    ],
    [666, 0, 500, 1000, 0],
  );
});

test("confidence is the share of what is filled that was authenticated and is not contradicted (S100)", async () => {
  const share = async (...events: readonly FoldEvent[]) => (await view(events, ["city", "name", "age"])).confidence;
  const [crm, same, other] = [
    tell("crm", 1, { city: "Nantes", name: "Ana" }),
    tell("store", 2, { city: "Nantes" }),
    tell("store", 3, { city: "Lyon" }),
  ];
  deepEqual(
    [
      await share(crm),
      await share(crm, same),
      await share(crm, same, other),
      await share(tell("social", 4, { city: "Nice" })),
    ],
    [1000, 1000, 500, 0],
  );
});
