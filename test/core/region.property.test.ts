// What is new is weighed over its region alone (region.ts): after every event, everybody is what the whole component
// weighed anew says (I1, P5).

import { equal } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { acceptEvent } from "#core/acceptance.ts";
import type { Component } from "#core/component.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import { identifierKey } from "#core/identifier.ts";
import type { Registry } from "#core/registry.ts";
import { weighNews } from "#core/settlement.ts";
import { statusOf } from "#core/weighed.ts";
import { weighComponent } from "#core/weighing.ts";
import { DirectFold, foldDirectly } from "#support/direct-fold.ts";
import { tell } from "#support/fold-events.ts";
import { configuration, hash, history, narrowConfiguration, visits } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
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

interface Asked {
  readonly place: number;
  /** Which of what was named by then. */
  readonly own: readonly number[];
  readonly claimed: readonly number[];
}

/** The same, where some ask to be forgotten. */
const forgotten = fc.tuple(
  typing,
  fc.array(
    fc.record({
      place: fc.nat(),
      own: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      claimed: fc.array(fc.nat(), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
);

function createRequest(
  registry: Registry,
  requestId: string,
  told: readonly RecordedEvent[],
  { own, claimed }: Asked,
): ErasureRequest {
  const keys = told.flatMap(({ source, recordedAt, event }) => {
    const acceptance = acceptEvent(registry, source, recordedAt, event);
    return acceptance.ok ? acceptance.accepted.identifiers.map(({ key }) => key) : [];
  });
  const at = Math.max(0, ...told.map(({ recordedAt }) => recordedAt));
  const choose = (choices: readonly number[]) => [...new Set(choices.flatMap((one) => keys[one % keys.length] ?? []))];
  const hers = choose(own);
  const typed = choose(claimed).filter((key) => !hers.includes(key));
  return { requestId, at, own: hers, orders: [], claimed: typed, shared: [], objections: [], contacts: [] };
}

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

function follow(told: typeof configuration, events: readonly RecordedEvent[], requests: readonly Asked[] = []): void {
  const fold = new DirectFold({ configuration: told, hash });
  const { registry } = fold.engine;
  for (const [place, event] of events.entries()) {
    fold.add([event]);
    for (const [number, asked] of requests.entries())
      if (asked.place % events.length === place)
        fold.erase(createRequest(registry, `r${number}`, events.slice(0, place + 1), asked));
    for (const component of fold.listComponents()) checkComponent(registry, component);
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
      fc.property(forgotten, ([events, requests]) => follow(told, events, requests)),
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
