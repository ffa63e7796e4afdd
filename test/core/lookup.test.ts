// Looking up beside the shard's writer: a component may be handed over between the two round trips of a read.

import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { test } from "node:test";
import { StoreDamaged, type Store } from "#ports/store.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { readComponents } from "#services/wire/part.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { foldEach, tell as tellAt } from "#support/fold-events.ts";
import { openMemoryIndex } from "#adapters/memory/index.ts";

type Names = Readonly<Record<string, string>>;

function tell(source: string, names: Names, traits: Readonly<Record<string, string>> | null = null): FoldEvent {
  const recordedAt = Date.UTC(2026, 0, 5);
  const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
  const eventId = JSON.stringify(names);
  return { source, recordedAt, event: { eventId, type: "identified", occurredAt: recordedAt, identifiers, traits } };
}

async function open(gaps: number, events = [tell("crm", { customer: "c-1" })]) {
  const fold = await foldEach(events);
  const index = new ComponentIndex(openMemoryIndex());
  for await (const { key, value } of fold.store.scan(0, "c/")) {
    const proposal = index.propose();
    for (const component of await readComponents((keys) => fold.store.load(0, keys), [value]))
      for (const identifier of component.identifiers.keys()) proposal.setBirth(identifier, key.slice(2));
    await index.settle(proposal);
  }
  let left = gaps;
  const store: Store = {
    ...fold.store,
    async load(shard, keys) {
      const values = await fold.store.load(shard, keys);
      if (!keys.some((key) => key.startsWith("i/")) || left === 0) return values;
      left -= 1;
      return values.map(() => null);
    },
  };
  return { engine: fold.engine, index, store, shards: 1 };
}

test("a read that falls between a hand-over's writes is repeated", async () => {
  const found = await lookUp(await open(2), "customer", "c-1", "FR");
  deepEqual([found.found, found.found && found.profile.segment], [true, "prospect"]);
  const { engine, store } = await open(2);
  deepEqual((await readPeople(engine, store, 1)).profiles.length, 1);
});

test("what stays away is damage, and said", async () => {
  await rejects(lookUp(await open(99), "customer", "c-1", "FR"), StoreDamaged);
});

test("who only claims an identifier is shown what is kept under it alone, and not whose it is (I5)", async () => {
  const hers = tell("crm", { customer: "c-1", email: "ana@example.fr" }, { city: "Nantes" });
  const typed = tell("web", { cookie: "ck-1", email: "ana@example.fr" }, { city: "Lyon" });
  const found = await lookUp(await open(0, [hers, typed]), "cookie", "ck-1", "FR");
  const { claimedOnly, profile } = found as Extract<typeof found, { found: true }>;
  deepEqual(
    [claimedOnly, profile.segment, profile.identifiers.map(({ value }) => value), profile.view.traits["city"]?.value],
    [true, null, ["ck-1"], "Lyon"],
  );
  const whole = await lookUp(await open(0, [hers, typed]), "email", "ana@example.fr", "FR");
  notEqual(profile.profileId, whole.found && whole.profile.profileId);
});

test("the device on which somebody has logged in shows her profile", async () => {
  const loggedIn = tell("web", { cookie: "ck-1", customer: "c-1" });
  const found = await lookUp(await open(0, [tell("crm", { customer: "c-1" }), loggedIn]), "cookie", "ck-1", "FR");
  deepEqual(found.found && [found.claimedOnly, found.profile.segment], [false, "prospect"]);
});

test("a look-up asks Redis for a birth, a component, its states and her orders: one more where it was absorbed, and once", async () => {
  const order = { orderId: "o-1", currency: "EUR", totalMinor: 100, lines: [] };
  const asked: string[] = [];
  const folded = await foldEach([
    tellAt("store", 1, "order-placed", { customer: "c-1" }, { order }),
    tellAt("crm", 2, "identified", { card: "k-1", phone: "+33612345678" }),
    tellAt("crm", 3, "identified", { customer: "c-1", card: "k-1" }),
  ]);
  const note =
    <Keys, Answer>(name: string, ask: (shard: number, keys: Keys) => Promise<Answer>) =>
    (shard: number, keys: Keys) => {
      asked.push(name);
      return ask(shard, keys);
    };
  const { load, survey } = folded.store;
  const store = { ...folded.store, load: note("load", load), survey: note("survey", survey) };
  const index = folded.index.anew();
  const birth = index.findStart.bind(index);
  index.findStart = (key) => {
    asked.push("birth");
    return birth(key);
  };
  const look = () => lookUp({ engine: folded.engine, index, store, shards: 1 }, "phone", "+33612345678", "FR");
  const found = await look();
  equal(found.found && found.profile.view.orders.length, 1);
  deepEqual(asked.splice(0), ["birth", "survey", "survey", "load", "load"]);
  deepEqual(await look(), found);
  deepEqual(asked, ["birth", "survey", "load", "load"]);
});
