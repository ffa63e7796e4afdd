// Quarantine (I4): an identifier tied to too many stops linking by itself, and what it had linked comes apart.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { compareText } from "#core/comparison.ts";
import type { Fold, FoldEvent } from "#services/fold/fold.ts";
import { foldEach } from "#support/fold-events.ts";
import { Cluster } from "#support/cluster.ts";
import { configuration, hash, narrowConfiguration } from "#support/histories.ts";
import { recomputePeople } from "#support/oracle.ts";
import { compareOracle, comparePeople } from "#support/oracle-comparison.ts";

/** The shipped limits. */
const QUARANTINE_UNIQUE_VALUES = 5;
const QUARANTINE_NEIGHBOURS = 50;
const START_MS = Date.UTC(2026, 0, 5);
let made = 0;

function record(source: string, ...names: readonly (readonly [string, string])[]): FoldEvent {
  made += 1;
  const recordedAt = START_MS + made * 60_000;
  const identifiers = names.map(([namespace, value]) => ({ namespace, value }));
  return {
    source,
    recordedAt,
    event: { eventId: `e${made}`, type: "identified", occurredAt: recordedAt, identifiers },
  };
}

async function fold(events: readonly FoldEvent[], told = configuration): Promise<Fold> {
  const folded = await foldEach(events, told);
  deepEqual(comparePeople(await folded.readPeople()), compareOracle(recomputePeople(events, told, hash)));
  return folded;
}

function changes(folded: Fold): string[] {
  return folded.outputs.flatMap((output) => (output.kind === "identity-changed" ? [output.change] : []));
}

describe("a profile with as many values of a namespace as it may have", () => {
  it("keeps the next one apart and says so, whatever the order in which they come (O4)", async () => {
    const told = Array.from({ length: 3 }, (_, i) => record("crm", ["customer", "c-1"], ["email", `a${i}@example.fr`]));
    const people: unknown[] = [];
    for (const events of [told, told.toReversed()]) {
      const folded = await foldEach(events, narrowConfiguration);
      const { profiles } = await folded.readPeople();
      people.push(
        profiles.map(({ identifiers }) => identifiers.map(({ value }) => value).join(" ")).toSorted(compareText),
      );
      const limited = folded.outputs.flatMap((one) =>
        one.kind === "identity-changed" && one.change === "limited" ? one.identifiers : [],
      );
      deepEqual(
        limited.map(({ namespace }) => namespace),
        ["email"],
      );
    }
    deepEqual(people[0], ["a2@example.fr", "c-1 a0@example.fr a1@example.fr"]);
    deepEqual(people[1], people[0]);
  });
});

describe("digests", () => {
  it("count with the values that they are of: nobody has two customer numbers because one came as its digest (I3)", async () => {
    const [customer] = configuration.namespaces.filter(({ name }) => name === "customer");
    const digests = { ...customer, name: "customer-sha256", normaliser: "email-sha256", digestOf: "customer" } as const;
    const told = {
      ...configuration,
      namespaces: [...configuration.namespaces, digests as NonNullable<typeof customer>],
    };
    const digest = (value: string) => ["customer-sha256", hash.digest(value)] as const;
    const peopleOf = async (events: readonly FoldEvent[]) =>
      (await (await foldEach(events, told)).readPeople()).profiles;
    const first = record("crm", ["customer", "c-1"], ["card", "2099"]);
    const events = [first, record("crm", digest("c-2"), ["card", "2099"])];
    equal((await peopleOf(events)).length, 2);
    equal((await peopleOf(events.toReversed())).length, 2);
    equal((await peopleOf([first, record("crm", digest("c-1"), ["card", "2099"])])).length, 1);
  });

  it("count with the values under one limit, in any order (I1)", async () => {
    const digest = (value: string) => ["email-sha256", hash.digest(value)] as const;
    const events = [
      record("crm", ["customer", "c-1"], ["email", "a@example.fr"]),
      record("crm", ["customer", "c-1"], digest("b@example.fr")),
      record("crm", ["customer", "c-1"], digest("c@example.fr")),
      record("crm", ["customer", "c-1"], ["email", "c@example.fr"]),
    ];
    for (const order of [events, events.toReversed()]) {
      const { profiles } = await (await fold(order, narrowConfiguration)).readPeople();
      deepEqual(
        profiles.map(({ identifiers }) => identifiers.length).toSorted((a, b) => a - b),
        [1, 3],
      );
    }
  });
});

describe("quarantine", () => {
  it("confines an address that a call centre gives to everybody, and says so", async () => {
    const card = (i: number): FoldEvent => record("store", ["card", `2099-${i}`], ["email", "noreply@example.fr"]);
    const few = Array.from({ length: QUARANTINE_UNIQUE_VALUES }, (_, i) => card(i));
    ok(!changes(await fold(few)).includes("quarantined"));
    const many = [...few, card(QUARANTINE_UNIQUE_VALUES)];
    const folded = await fold(many);
    equal(changes(folded).filter((change) => change === "quarantined").length, 1);
    const { profiles } = await folded.readPeople();
    equal(profiles.length, QUARANTINE_UNIQUE_VALUES + 2);
    const confined = profiles.find(({ identifiers }) => identifiers.some(({ namespace }) => namespace === "email"));
    deepEqual(
      confined?.identifiers.map(({ state }) => state),
      ["quarantined"],
    );
  });

  it("confines a kiosk's cookie once it was tied to too many, whoever it belonged to before", async () => {
    const visit = (i: number): FoldEvent => record("web", ["cookie", "kiosk"], ["email", `person${i}@example.fr`]);
    const mine = record("web", ["cookie", "kiosk"], ["customer", "c-1"]);
    const visits = Array.from({ length: QUARANTINE_NEIGHBOURS }, (_, i) => visit(i));
    const before = await fold([mine, ...visits.slice(1)]);
    ok(!changes(before).includes("quarantined"));
    const after = await fold([mine, ...visits]);
    const { profiles } = await after.readPeople();
    const kiosk = profiles.find(({ identifiers }) => identifiers.some(({ namespace }) => namespace === "cookie"));
    deepEqual(kiosk?.identifiers, [{ namespace: "cookie", value: "kiosk", state: "quarantined" }]);
  });

  it("does not depend on the order in which its evidence comes", async () => {
    const events = Array.from({ length: QUARANTINE_UNIQUE_VALUES + 2 }, (_, i) =>
      record("crm", ["crm-contact", `m-${i}`], ["email", "shop@example.fr"]),
    );
    const one = comparePeople(await (await fold(events)).readPeople());
    deepEqual(comparePeople(await (await fold(events.toReversed())).readPeople()), one);
  });

  it("counts each value of a succession that ties a visitor, whose home knows of none (I1, I4)", async () => {
    const address = (i: number) => ["email", `person${i}@example.fr`] as const;
    const visits = Array.from({ length: 6 }, (_, i) => record("web", ["cookie", "kiosk"], address(i)));
    const known = Array.from({ length: 6 }, (_, i) => record("crm", ["crm-contact", `m-${i}`], address(i)));
    made += 1;
    const at = START_MS + made * 60_000;
    const replaced = { namespace: "email", old: address(0)[1], new: address(1)[1] };
    const event = { eventId: `e${made}`, type: "identifier-replaced", occurredAt: at, identifiers: [], replaced };
    const events = [...known, { source: "crm", recordedAt: at, event }, ...visits];
    // Six are one too many here, of which one succession is two.
    ok(changes(await fold(events, narrowConfiguration)).includes("quarantined"));
    const cluster = new Cluster({
      configuration: narrowConfiguration,
      hash,
      shards: 4,
      resolvers: 2,
      seed: 7,
      faults: 0,
    });
    await cluster.run(events);
    deepEqual(
      comparePeople(await cluster.readPeople()),
      compareOracle(recomputePeople(events, narrowConfiguration, hash)),
    );
  });

  it("counts a succession as one value of the card holder whose home knows of it (I1, I4)", async () => {
    const cards = Array.from({ length: 4 }, (_, i) =>
      record("store", ["card", `2099-${i}`], ["email", "a@example.fr"]),
    );
    made += 1;
    const at = START_MS + made * 60_000;
    const replaced = { namespace: "card", old: "2099-0", new: "2099-1" };
    const event = { eventId: `e${made}`, type: "identifier-replaced", occurredAt: at, identifiers: [], replaced };
    ok(changes(await fold(cards, narrowConfiguration)).includes("quarantined"));
    const told = changes(await fold([...cards, { source: "crm", recordedAt: at, event }], narrowConfiguration));
    deepEqual(
      told.filter((change) => change === "quarantined" || change === "released"),
      ["quarantined", "released"],
    );
  });

  it("ends where a tie turns out to be from before the address of it was given up (I1, I4)", async () => {
    const address = (i: number) => ["email", `person${i}@example.fr`] as const;
    const visits = Array.from({ length: 6 }, (_, i) => record("web", ["cookie", "kiosk"], address(i)));
    const first = visits[0] as FoldEvent;
    Object.assign(first.event, { occurredAt: START_MS - 120_000 });
    const event = { eventId: "gone", type: "identifier-released", occurredAt: START_MS, identifiers: [] };
    const replaced = { namespace: "email", old: address(0)[1], new: "" };
    const released = { source: "crm", recordedAt: START_MS, event: { ...event, replaced } };
    const events = [released, ...visits, { ...first, recordedAt: START_MS - 60_000 }];
    const told = changes(await fold(events, narrowConfiguration));
    deepEqual(
      told.filter((change) => change === "quarantined" || change === "released"),
      ["quarantined", "released"],
    );
  });
});
