// npm run bench:population: how large components become, and how much a join moves, by the production door and routing,
// in a population whose devices are lent, whose addresses are typed by others, and that has kiosks and junk.
//
//   npm run bench:population -- [--people N] [--seed N] [--lent PERCENT ...] [--json]
//
// A component is where state lives, not who is one person; its size is what a join has to move. Not measured: the time.

import { parseArgs } from "node:util";
import { readArguments } from "#support/arguments.ts";
import { acceptEvent } from "#core/acceptance.ts";
import { createRegistry } from "#core/registry.ts";
import type { IdentifierClaim } from "#core/event.ts";
import type { ComponentId } from "#core/item.ts";
import { routeEvent } from "#core/routing.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { createHash } from "#services/wire/hash.ts";
import { PlainIndex } from "#support/plain-index.ts";
import { createDice } from "./dice.ts";

const START_MS = Date.UTC(2026, 0, 5);
/** People of one household lend each other devices and share a phone number. */
const HOUSEHOLD_PEOPLE = 3;
const KIOSK_PEOPLE = 2000;
const REPORT_EVENTS = 500_000;

const USAGE = "npm run bench:population -- [--people N] [--seed N] [--lent PERCENT ...] [--json]";
const { values } = readArguments(USAGE, () =>
  parseArgs({
    options: {
      people: { type: "string", default: "1000000" },
      seed: { type: "string", default: "1" },
      lent: { type: "string", multiple: true, default: ["1", "3", "10", "20"] },
      json: { type: "boolean", default: false },
    },
  }),
);

/** The identity index without a server, and how many identifiers each root has. */
class Population extends PlainIndex {
  readonly sizes = new Map<ComponentId, number>();
  moved = 0;
  joins = 0;
  largestMove = 0;

  override setBirth(key: string, component: ComponentId): void {
    super.setBirth(key, component);
    const root = this.root(component);
    this.sizes.set(root, (this.sizes.get(root) ?? 0) + 1);
  }

  override setParent(loser: ComponentId, winner: ComponentId): void {
    super.setParent(loser, winner);
    const size = this.sizes.get(loser) ?? 0;
    this.sizes.delete(loser);
    this.sizes.set(winner, (this.sizes.get(winner) ?? 0) + size);
    this.joins += 1;
    this.moved += size;
    this.largestMove = Math.max(this.largestMove, size);
  }
}

interface Visit {
  readonly source: string;
  readonly type: string;
  readonly identifiers: readonly IdentifierClaim[];
}

/** What one person does: some in this order, some left out. `anybody` is somebody whose device she was lent. */
function* visits(person: number, anybody: number, roll: () => number): Generator<Visit> {
  const own = (namespace: string, value: string): IdentifierClaim => ({ namespace, value });
  const customer = own("customer", `c-${person}`);
  const email = own("email", `p${person}@example.org`);
  const household = Math.floor(person / HOUSEHOLD_PEOPLE);
  const phone = own("phone", `06${String(10_000_000 + household)}`);
  yield { source: "web", type: "page-viewed", identifiers: [own("cookie", `ck-${person}`)] };
  if (roll() < 0.7) yield { source: "web", type: "identified", identifiers: [own("cookie", `ck-${person}`), customer] };
  if (roll() < 0.3)
    yield { source: "web", type: "page-viewed", identifiers: [own("cookie", `ck2-${person}`), customer] };
  if (anybody !== person)
    yield { source: "web", type: "identified", identifiers: [own("cookie", `ck-${anybody}`), customer] };
  if (roll() < 0.4) yield { source: "store", type: "identified", identifiers: [own("card", `2099-${person}`), phone] };
  if (roll() < 0.3) yield { source: "store", type: "identified", identifiers: [own("card", `2099-${person}`), email] };
  if (roll() < 0.5) yield { source: "crm", type: "identified", identifiers: [customer, email, phone] };
  if (roll() < 0.2)
    yield { source: "web", type: "page-viewed", identifiers: [own("cookie", `kiosk-${person % KIOSK_PEOPLE}`), email] };
  if (roll() < 0.05)
    yield { source: "web", type: "identified", identifiers: [own("cookie", `ck-${person}`), own("email", "null")] };
}

function run(people: number, lentPercent: number, seed: number) {
  const { configuration } = loadConfiguration(undefined, {});
  const registry = createRegistry(configuration, createHash("a population"));
  const roll = createDice(seed);
  const population = new Population();
  let events = 0;
  for (let i = 0; i < people; i += 1) {
    const person = Math.floor(roll() * people);
    const anybody = roll() * 100 < lentPercent ? Math.floor(roll() * people) : person;
    for (const { source, type, identifiers } of visits(person, anybody, roll)) {
      const recordedAt = START_MS + events;
      const event = { eventId: `e${events}`, type, occurredAt: recordedAt, identifiers };
      const acceptance = acceptEvent(registry, source, recordedAt, event);
      if (acceptance.ok) routeEvent(registry, population, acceptance.accepted, { backfill: false, traceparent: null });
      events += 1;
      if (events % REPORT_EVENTS === 0) process.stderr.write(`lent ${lentPercent} %: ${events} events\n`);
    }
  }
  const sizes = [...population.sizes.values()];
  return {
    people,
    seed,
    lentPercent,
    events,
    components: sizes.length,
    largest: sizes.reduce((a, b) => Math.max(a, b), 0),
    above50: sizes.filter((size) => size > 50).length,
    joins: population.joins,
    movedPerJoin: Number((population.moved / population.joins).toFixed(2)),
    largestMove: population.largestMove,
  };
}

for (const lent of values.lent) {
  const result = run(Number(values.people), Number(lent), Number(values.seed));
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    const { lentPercent, events, components, largest, above50, joins, movedPerJoin, largestMove } = result;
    process.stdout.write(
      `${lentPercent} % lent: ${events} events, ${components} components, the largest ${largest} identifiers, ${above50} above 50; ` +
        `${joins} joins, each moves ${movedPerJoin} identifiers, the largest ${largestMove}\n`,
    );
  }
}
