// Forgetting a person, by example (G1).

import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "#core/component.ts";
import { silence } from "#core/shredding.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import type { EventItem, RoutedIdentifier } from "#core/item.ts";
import type { Fold } from "#services/fold/fold.ts";
import { Cluster, replayLog } from "#support/cluster.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";
import { configuration, hash } from "#support/histories.ts";

const ANA = { customer: "canary-1", email: "canary@ana.fr" };
const BEN = { customer: "c-2", email: "ben@example.fr" };
const order = (orderId: string) => ({
  order: { orderId, currency: "EUR", totalMinor: 500, lines: [{ productId: "p", quantity: 1, unitPriceMinor: 500 }] },
});

async function erase(fold: Fold, namespace: string, value: string, minute: number, id = "r1"): Promise<ErasureRequest> {
  const draft = await fold.draftErasure(namespace, value);
  ok(draft.ok, JSON.stringify(draft));
  const request = { requestId: id, at: START_MS + minute * 60_000, ...draft.keys };
  await fold.erase(request);
  return request;
}

async function names(fold: Fold): Promise<string[]> {
  const { profiles } = await fold.readPeople();
  return profiles.map(({ identifiers }) => identifiers.map((i) => `${i.namespace}=${i.value}`).join(" ")).toSorted();
}

/** All that the store holds, keys and values. */
async function dump(fold: Fold): Promise<string> {
  let text = "";
  for await (const { key, value } of fold.store.scan(0, ""))
    text += `${key} ${Buffer.from(value).toString("latin1")}\n`;
  return text;
}

const story = [
  tell("crm", 1, "identified", ANA, { traits: { name: "Canary Ana", city: "canary-town" } }),
  tell("web", 2, "page-viewed", { cookie: "canary-k", customer: ANA.customer }),
  tell("web", 3, "order-placed", { cookie: "canary-k", customer: ANA.customer }, order("canary-order")),
  tell("crm", 4, "identified", BEN, { traits: { name: "Ben" } }),
];

test("no byte of whoever was erased is left in the state (G1)", async () => {
  const fold = await foldEach(story);
  ok((await dump(fold)).includes("canary"), "the canary sings before");
  await erase(fold, "email", ANA.email, 5);
  equal((await dump(fold)).includes("canary"), false);
  deepEqual(await names(fold), ["customer=c-2 email=ben@example.fr"]);
});

test("a household or account that was hers alone is not named in the state any more (G1)", async () => {
  const home = { group: { kind: "household", groupId: "canary-house" } };
  const fold = await foldEach([
    tell("crm", 1, "identified", ANA, home),
    tell("crm", 2, "identified", BEN),
    tell("crm", 3, "identified", { customer: "c-3" }, { group: { kind: "account", groupId: "canary-shop" } }),
  ]);
  await erase(fold, "email", ANA.email, 5);
  equal((await dump(fold)).includes("canary-house"), false);
  await erase(fold, "customer", "c-3", 6, "r2");
  equal((await dump(fold)).includes("canary"), false);
});

test("the world is told once that she is no more: transition, tombstone, profile-erased (G1, O2)", async () => {
  const fold = await foldEach(story);
  const told = fold.outputs.length;
  const { requestId } = await erase(fold, "customer", ANA.customer, 5);
  const after = fold.outputs.slice(told);
  const kinds = after.map((one) => (one.kind === "transition" ? `${one.from} to ${one.to} by ${one.cause}` : one.kind));
  deepEqual(kinds, ["one-buyer to null by erasure", "profile-erased", "profile-state"]);
  for (const one of after) if (one.kind === "profile-state") equal(one.state, null);
  for (const one of after) if (one.kind === "profile-erased") equal(one.requestId, requestId);
  ok(!JSON.stringify(after).includes("canary"));
});

test("what happened before and comes late is suppressed; what happens after is a new person (G1, I6)", async () => {
  const fold = await foldEach(story);
  const former = (await fold.readPeople()).profiles.map(({ profileId }) => profileId);
  await erase(fold, "email", ANA.email, 10);
  const late = tell("web", 20, "page-viewed", { cookie: "canary-k", email: ANA.email }, { occurredAt: START_MS });
  deepEqual(
    (await fold.fold(late)).map(({ outcome }) => outcome),
    ["suppressed"],
  );
  equal((await dump(fold)).includes("canary"), false);
  await fold.fold(tell("crm", 30, "identified", ANA));
  const { profiles } = await fold.readPeople();
  deepEqual(await names(fold), ["customer=c-2 email=ben@example.fr", `customer=${ANA.customer} email=${ANA.email}`]);
  equal(profiles.filter(({ profileId }) => !former.includes(profileId)).length, 1);
  deepEqual(profiles.find(({ profileId }) => !former.includes(profileId))?.view.counters, { identified: 1 });
});

test("she can be erased again, and each life is gone", async () => {
  const fold = await foldEach(story);
  await erase(fold, "email", ANA.email, 10);
  await fold.fold(tell("crm", 30, "identified", ANA, { traits: { name: "Canary again" } }));
  await erase(fold, "email", ANA.email, 40, "r2");
  equal((await dump(fold)).includes("anary"), false);
  await fold.fold(tell("crm", 50, "identified", ANA));
  equal((await names(fold)).length, 2);
});

test("a device that she shared stays contested, and is not handed to the other (G1)", async () => {
  const fold = await foldEach([
    ...story,
    tell("web", 5, "page-viewed", { cookie: "shared", customer: ANA.customer }),
    tell("web", 6, "page-viewed", { cookie: "shared", customer: BEN.customer }),
  ]);
  await erase(fold, "email", ANA.email, 10);
  deepEqual(await names(fold), ["cookie=shared", "customer=c-2 email=ben@example.fr"]);
  await fold.fold(tell("web", 20, "page-viewed", { cookie: "shared", customer: BEN.customer }));
  deepEqual(await names(fold), ["cookie=shared", "customer=c-2 email=ben@example.fr"]);
});

test("nobody erases a victim by a claim (I5)", async () => {
  const fold = await foldEach([
    ...story,
    tell("web", 5, "page-viewed", { cookie: "attacker", email: ANA.email }),
    tell("web", 6, "page-viewed", { cookie: "attacker" }),
  ]);
  deepEqual(await fold.draftErasure("cookie", "attacker"), { ok: false, reason: "claimed-only" });
  deepEqual(await fold.draftErasure("email", "nobody@example.fr"), { ok: false, reason: "unknown-identifier" });
});

test("a request that is told again changes nothing", async () => {
  const fold = await foldEach(story);
  const request = await erase(fold, "email", ANA.email, 5);
  const [told, state] = [fold.outputs.length, await dump(fold)];
  await fold.erase(request);
  equal(fold.outputs.length, told);
  equal(await dump(fold), state);
});

test("who asks twice, and comes back between, is forgotten, whether her event or the request comes first (G1)", async () => {
  const met = new Set<boolean>();
  for (let seed = 0; seed < 60; seed += 1)
    for (const moves of [1, 3, 5]) {
      const cluster = new Cluster({ configuration, hash, shards: 4, resolvers: 2, seed, faults: 0 });
      await cluster.run(story);
      const drafted = await cluster.draftErasure("email", ANA.email);
      if (!drafted.ok) throw new Error(drafted.reason);
      cluster.ask({ requestId: "r1", at: START_MS + 10 * 60_000, ...drafted.keys });
      await cluster.begin([], seed % 8);
      await cluster.begin([tell("web", 20, "page-viewed", { customer: ANA.customer })], moves);
      cluster.ask({ requestId: "r2", at: START_MS + 30 * 60_000, ...drafted.keys });
      await cluster.run([]);
      const isSomebody = async () =>
        (await cluster.readPeople()).profiles.some(({ identifiers }) =>
          identifiers.some(({ value }) => value === ANA.customer),
        );
      equal(await isSomebody(), false, `seed ${seed}, ${moves} moves`);
      await cluster.run([tell("web", 40, "page-viewed", { customer: ANA.customer })]);
      met.add(await isSomebody());
    }
  deepEqual([...met], [true], "whoever comes back later is somebody");
});

test("of what waits for a hand-over, who knows a claimed address or says it later still says it (I1)", () => {
  const entry = { erased: { kind: "claimed", at: 10, hidden: true, rotation: 1 } } as Entry;
  const component = { identifiers: new Map([["k", entry]]), abroad: null };
  const wait = (recordedAt: number, assurance: "claimed" | "authenticated") => {
    const identifiers = [{ namespace: "email", value: ANA.email, key: "k", assurance, birth: "0-1-b", local: true }];
    const item = { role: "anchor", anchor: "other", recordedAt, identifiers } as unknown as EventItem;
    const { value, erased = null } = (silence(component, { item, event: null }, new Set()).item.identifiers[0] ??
      {}) as RoutedIdentifier;
    return [value, erased];
  };
  deepEqual(wait(9, "claimed"), ["", "claimed"]);
  deepEqual(wait(9, "authenticated"), [ANA.email, null]);
  deepEqual(wait(11, "claimed"), [ANA.email, null]);
});

test("what an identifier that she shared told of a household before is no longer told, after it is (G1)", async () => {
  const household = (left: boolean) => ({
    group: { kind: "household", groupId: "H-1", role: null, left, parent: null },
  });
  const phone = "0612345670";
  const fold = await foldEach([
    tell("store", 1, "identified", { phone }, household(false)),
    tell("store", 2, "identified", BEN, household(false)),
    tell("store", 3, "identified", { phone, card: "2099-0" }),
    tell("store", 4, "identified", { phone, card: "2099-1", "crm-contact": "m-1" }),
  ]);
  await erase(fold, "card", "2099-1", 5);
  // So many people name it by now that it is on its own.
  await fold.fold(tell("store", 6, "identified", { phone, customer: "c-0" }));
  await fold.fold(tell("store", 7, "identified", { phone, customer: "c-1", "crm-contact": "m-0" }));
  const withBen = async () => {
    const { profiles } = await fold.readPeople();
    const own = profiles.find(({ identifiers }) => identifiers.every(({ namespace }) => namespace === "phone"));
    const ben = profiles.find(({ identifiers }) => identifiers.some(({ value }) => value === BEN.customer));
    return { phone: own?.profileId, members: ben?.view.groups.flatMap(({ members }) => members) };
  };
  const before = await withBen();
  ok(before.phone !== undefined);
  deepEqual(before.members, []);
  await fold.fold(tell("store", 8, "identified", { phone }, household(false)));
  deepEqual((await withBen()).members, [before.phone]);
});

test("who had shared what was hers alone when she asked is told of its going, whatever the stitcher still holds (G1, O2)", async () => {
  const cluster = new Cluster({ configuration, hash, shards: 1, resolvers: 1, seed: 1, faults: 0 });
  const phone = "+33639980017";
  await cluster.run([tell("crm", 1, "identified", { customer: "c-1", phone })]);
  const draft = await cluster.draftErasure("customer", "c-1");
  ok(draft.ok);
  await cluster.run([tell("crm", 2, "identified", { customer: "c-2", phone })]);
  cluster.ask({ requestId: "r1", at: START_MS + 3 * 60_000, ...draft.keys });
  await cluster.run([]);
  const steps = cluster.readLog(0).map((one) => [[one]]);
  for (const forgetful of [false, true]) {
    const { outputs } = await replayLog(cluster.engine, steps, forgetful);
    const changes = outputs.flatMap((one) => (one.kind === "profile-changed" ? [one.changes] : []));
    deepEqual(changes.at(-1), [{ path: `identifiers.phone.${phone}`, before: '"contested"', after: null }]);
  }
});

test("an order under an identifier that she gave up goes with that, and is in her request (G1)", async () => {
  const fold = await foldEach([
    tell("crm", 1, "identifier-released", {}, { replaced: { namespace: "card", old: "2099-7", new: "" } }),
    tell("store", 2, "order-placed", { card: "2099-7", cookie: "k" }, order("O-1")),
  ]);
  const drafted = await fold.draftErasure("cookie", "k");
  ok(drafted.ok, JSON.stringify(drafted));
  equal(drafted.keys.orders.length, 1);
});

test("what comes of an order that went with her, though the request does not list it, is suppressed and no copy (G1, O1)", async () => {
  const fold = await foldEach(story);
  const draft = await fold.draftErasure("customer", ANA.customer);
  ok(draft.ok && draft.keys.orders.length === 1);
  // It came to its home when the request was made already.
  await fold.erase({ requestId: "r1", at: START_MS + 5 * 60_000, ...draft.keys, orders: [] });
  const late = tell("web", 20, "order-paid", {}, { ...order("canary-order"), occurredAt: START_MS });
  deepEqual(
    (await fold.fold(late)).map(({ outcome }) => outcome),
    ["suppressed"],
  );
});
