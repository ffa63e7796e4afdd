// What is new is weighed over its region alone (region.ts): after every event, everybody is what the whole component
// weighed anew says (I1, P5).

import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Component } from "#core/component.ts";
import type { Registry } from "#core/registry.ts";
import { statusOf } from "#core/weighed.ts";
import { weighComponent } from "#core/weighing.ts";
import { DirectFold } from "#support/direct-fold.ts";
import { configuration, hash, history, narrowConfiguration, runs, visits } from "#support/histories.ts";
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
      fc.property(visits(10, 40), ({ events }) => follow(told, events)),
      runs(50),
    );
    ok(checked > 0);
  });
