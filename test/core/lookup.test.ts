// Looking up beside the shard's writer: a component may be handed over between the two round trips of a read.

import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { test } from "node:test";
import { StoreDamaged, type Store } from "#ports/store.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { lookUp, lookUpId } from "#services/wire/lookup.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { foldEach, lookInto, tell as tellAt } from "#support/fold-events.ts";

type Names = Readonly<Record<string, string>>;

function tell(source: string, names: Names, traits: Readonly<Record<string, string>> | null = null): FoldEvent {
  const recordedAt = Date.UTC(2026, 0, 5);
  const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
  const eventId = JSON.stringify(names);
  return { source, recordedAt, event: { eventId, type: "identified", occurredAt: recordedAt, identifiers, traits } };
}

async function open(gaps: number, events = [tell("crm", { customer: "c-1" })]) {
  const fold = await foldEach(events);
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
  return { ...(await lookInto(fold)), store };
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

test("nor does the id that such an identifier was once called by lead to whose it is (I5)", async () => {
  const visit = tell("web", { cookie: "ck-1" }, { city: "Lyon" });
  const hers = tell("crm", { customer: "c-1", email: "ana@example.fr" }, { city: "Nantes" });
  const typed = tell("web", { cookie: "ck-1", email: "ana@example.fr" });
  const [former] = (await (await foldEach([visit])).readPeople()).profiles;
  const fold = await foldEach([visit, hers, typed]);
  const [living, ...others] = (await fold.readPeople()).profiles;
  deepEqual([living?.identifiers.length, others.length], [3, 0]);
  notEqual(living?.profileId, former?.profileId);
  const services = await lookInto(fold);
  const found = await lookUpId(services, former?.profileId ?? "");
  const { claimedOnly, profile } = found as Extract<typeof found, { found: true }>;
  deepEqual(
    [claimedOnly, profile.profileId, profile.identifiers.map(({ value }) => value), profile.view.traits["city"]?.value],
    [true, former?.profileId, ["ck-1"], "Lyon"],
  );
  const whole = await lookUpId(services, living?.profileId ?? "");
  deepEqual(whole.found && [whole.claimedOnly, whole.profile.profileId], [false, living?.profileId]);
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
