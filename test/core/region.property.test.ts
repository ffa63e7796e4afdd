// What is new is weighed over its region alone (region.ts): after every event, everybody is what the whole component
// weighed anew says (I1, P5).

import { equal } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Component } from "#core/component.ts";
import { identifierKey } from "#core/identifier.ts";
import type { Registry } from "#core/registry.ts";
import { weighNews } from "#core/settlement.ts";
import { statusOf } from "#core/weighed.ts";
import { weighComponent } from "#core/weighing.ts";
import { DirectFold, foldDirectly } from "#support/direct-fold.ts";
import { tell } from "#support/fold-events.ts";
import { checkMet, configuration, hash, history, narrowConfiguration, runs, visits } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";

let checked = 0;

const START_MS = Date.UTC(2026, 0, 5);
/** How often what is typed is named, in percent, of how many values. */
const NAMED = {
  cookie: [70, 8],
  email: [60, 14],
  customer: [20, 2],
  device: [20, 4],
  phone: [12, 6],
  card: [4, 2],
} as const;

/** Visits that type many addresses, of few people and of nobody, whose claims meet each limit; and no rulings. */
const typing: fc.Arbitrary<readonly RecordedEvent[]> = fc
  .array(
    fc.record({
      names: fc.tuple(...Object.keys(NAMED).map(() => fc.tuple(fc.nat({ max: 99 }), fc.nat()))),
      minute: fc.nat({ max: 60 }),
      source: fc.constantFrom("web", "web", "web", "web", "app", "crm"),
    }),
    { minLength: 10, maxLength: 60, size: "max" },
  )
  .map((drafts) =>
    drafts.map(({ names, minute, source }, n) => {
      const identifiers = Object.entries(NAMED).flatMap(([namespace, [chance, values]], place) => {
        const [luck, value] = names[place] as [number, number];
        if (luck >= chance) return [];
        const digits = String(value % values);
        const text =
          { email: `a${digits}@example.fr`, phone: `061234567${digits}` }[namespace] ?? `${namespace}-${digits}`;
        return [{ namespace, value: text }];
      });
      const recordedAt = START_MS + minute * 60_000;
      return {
        source,
        recordedAt,
        event: { eventId: `e${n}`, type: "page-viewed", occurredAt: recordedAt, identifiers },
      };
    }),
  );

/** The same, where an operator holds some of whom they name apart. */
const parted: fc.Arbitrary<readonly RecordedEvent[]> = fc
  .tuple(typing, fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 4 }))
  .map(([visits, rulings]) => {
    const events = [...visits];
    const names = visits.flatMap(({ event }) => event.identifiers);
    for (const [n, [place, one, other]] of rulings.entries()) {
      const identifiers = [one, other].flatMap((choice) => names[choice % names.length] ?? []);
      const recordedAt = START_MS + (place % 60) * 60_000;
      const event = { eventId: `r${n}`, type: "identifiers-parted", occurredAt: recordedAt, identifiers };
      events.splice(place % (events.length + 1), 0, { source: "operator", recordedAt, event });
    }
    return events;
  });

function checkComponent(registry: Registry, component: Component): void {
  const { identifiers } = weighComponent(registry, component);
  const wanted = identifiers.map((one) => {
    const { entry, quarantined, contested, limited, pending, shown } = one;
    const state = quarantined ? "quarantined" : contested ? "contested" : "owned";
    return { key: entry.key, state, limited, pending, shown, status: statusOf(one) };
  });
  const found = identifiers.map(({ entry: { key, state, limited, pending, claimants, status } }) => {
    return { key, state, limited, pending, shown: claimants, status };
  });
  equal(JSON.stringify(found), JSON.stringify(wanted));
  checked += found.length;
}

function follow(told: typeof configuration, events: readonly RecordedEvent[]): void {
  const fold = new DirectFold({ configuration: told, hash });
  for (const event of events) {
    fold.add([event]);
    for (const component of fold.listComponents()) checkComponent(fold.engine.registry, component);
  }
}

for (const [what, told] of [
  ["as shipped", configuration],
  ["with narrow limits", narrowConfiguration],
] as const)
  test(`after every event everybody is what the whole component says, ${what} (I1, P5)`, () => {
    fc.assert(
      fc.property(history(5, 40), ({ events }) => follow(told, events)),
      runs(1_000),
    );
    fc.assert(
      fc.property(typing, (events) => follow(told, events)),
      runs(2_000),
    );
    fc.assert(
      fc.property(parted, (events) => follow(told, events)),
      runs(2_000),
    );
    fc.assert(
      fc.property(visits(10, 40), ({ events }) => follow(told, events)),
      runs(50),
    );
    checkMet(checked > 0);
  });

test("who has a cookie held apart from her is not weighed whole at each visit with another (P5)", () => {
  const visit = (cookie: string) => tell("web", Number(cookie), "page-viewed", { customer: "c-1", cookie });
  const fold = foldDirectly([
    ...Array.from({ length: 20 }, (_, n) => visit(`${n}`)),
    tell("operator", 20, "identifiers-parted", { customer: "c-1", cookie: "7" }),
    visit("21"),
  ]);
  const [component, ...others] = fold.listComponents();
  equal(others.length, 0);
  const { registry } = fold.engine;
  const settle = (cookie: string) => {
    const touched = new Set([identifierKey(registry, "cookie", cookie)]);
    return weighNews(registry, component as Component, { touched, whole: false });
  };
  for (const cookie of ["7", "21"]) {
    const { isWhole, movers } = settle(cookie);
    equal(isWhole, false);
    equal(movers.length, 1);
  }
});
