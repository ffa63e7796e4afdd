// Keys of what goes on when somebody is erased, by example: what only claims had tied to her, and what she shared (G1).

import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openAbroad, type Component, type Entry } from "#core/component.ts";
import type { EventItem } from "#core/item.ts";
import { identifierKey } from "#core/identifier.ts";
import { keyName } from "#core/item.ts";
import { createRegistry } from "#core/registry.ts";
import { shred } from "#core/shredding.ts";
import { Workspace } from "#core/workspace.ts";
import { PayloadKeys } from "#services/wire/payload-keys.ts";
import { Cluster } from "#support/cluster.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";
import { configuration, hash } from "#support/histories.ts";

const ANA = { customer: "c-1" };
const BEN = { customer: "c-2" };
const TABLET = { cookie: "tablet" };
const EMAIL = "typed@example.fr";

/** Ana and Ben log in on one tablet, and somebody uses it; Ana's own phone has seen an address typed. */
const story = [
  tell("crm", 1, "identified", ANA),
  tell("crm", 2, "identified", BEN),
  tell("web", 3, "page-viewed", { ...TABLET, ...ANA }),
  tell("web", 4, "page-viewed", { ...TABLET, ...BEN }),
  tell("web", 5, "page-viewed", TABLET),
  tell("web", 6, "page-viewed", { cookie: "phone", ...ANA }),
  tell("web", 7, "page-viewed", { cookie: "phone", email: EMAIL }),
  tell("web", 8, "page-viewed", { email: EMAIL }),
];

function open() {
  const options = { index: openMemoryIndex(), identityKey: Buffer.alloc(32, 1), topic: "weft.keys", now: () => 0 };
  const openKeys = () => new PayloadKeys(options);
  const cluster = new Cluster({ configuration, hash, shards: 2, resolvers: 1, seed: 1, faults: 0, openKeys });
  /** Names of the keys that there are, and by event whether it can be read; by whoever asks now. */
  const read = async (key: string) => {
    const told = (await cluster.openLogs(openKeys(), () => {})).flatMap(({ item, event }) =>
      item.kind === "event" && item.anchor === key && item.role === "anchor" ? [[item.eventId, event !== null]] : [],
    );
    return Object.fromEntries(told) as Record<string, boolean>;
  };
  return { cluster, read, openKeys };
}

async function draft(cluster: Cluster) {
  const drafted = await cluster.draftErasure("customer", ANA.customer);
  ok(drafted.ok, JSON.stringify(drafted));
  const [tablet = "", ...others] = drafted.keys.shared;
  const [typed = "", ...more] = drafted.keys.claimed;
  deepEqual([others, more], [[], []]);
  return { request: { requestId: "r1", at: START_MS + 10 * 60_000, ...drafted.keys }, tablet, typed };
}

test("what was said under what she shared and what was claimed is destroyed, and what is said later is not (G1)", async () => {
  const { cluster, read } = open();
  await cluster.run(story);
  const { request, tablet, typed } = await draft(cluster);
  deepEqual([await read(tablet), await read(typed)], [{ "web-5": true }, { "web-8": true }]);
  cluster.ask(request);
  await cluster.run([tell("web", 20, "page-viewed", TABLET), tell("web", 21, "page-viewed", { email: EMAIL })]);
  deepEqual(await read(tablet), { "web-5": false, "web-20": true });
  deepEqual(await read(typed), { "web-8": false, "web-21": true });
  cluster.ask({ ...request, requestId: "r2", at: START_MS + 30 * 60_000 });
  await cluster.run([]);
  deepEqual(
    [await read(tablet), await read(typed)],
    [
      { "web-5": false, "web-20": false },
      { "web-8": false, "web-21": false },
    ],
  );
  const { profiles } = await cluster.readPeople();
  const shown = profiles.flatMap(({ identifiers }) => identifiers.map(({ value }) => value));
  deepEqual(shown.toSorted(), [BEN.customer, TABLET.cookie], "what she shared is called as ever");
});

test("the home of her household is told who is in it and no event of hers, so that it folds anew without her keys (G1, S2)", async () => {
  const { cluster, openKeys } = open();
  const group = { group: { kind: "household", groupId: "H-1" } };
  await cluster.run([tell("crm", 1, "identified", ANA, group), tell("crm", 2, "identified", BEN, group)]);
  const items = await cluster.openLogs(openKeys(), () => {});
  const places = items.flatMap(({ item, event }) =>
    item.kind === "event" && item.role === "place" ? [{ event, told: item.identifiers.map(({ value }) => value) }] : [],
  );
  deepEqual(places, [
    { event: null, told: [""] },
    { event: null, told: [""] },
  ]);
});

test("an operator's word about two people is told to both homes without its bytes, which name them both (G1)", async () => {
  const { cluster, openKeys } = open();
  await cluster.run([
    tell("crm", 1, "identified", ANA),
    tell("crm", 2, "identified", BEN),
    {
      source: "operator",
      recordedAt: START_MS + 3 * 60_000,
      event: {
        eventId: "apart",
        type: "identifiers-parted",
        occurredAt: START_MS,
        identifiers: [ANA, BEN].map(({ customer }) => ({ namespace: "customer", value: customer })),
        note: "not one person",
      },
    },
  ]);
  const told = (await cluster.openLogs(openKeys(), () => {})).flatMap(({ item, event }) =>
    item.kind === "event" && item.eventId === "apart" ? [{ event, occurredAt: item.ruling?.occurredAt }] : [],
  );
  const silent = { event: null, occurredAt: START_MS };
  deepEqual(told, [silent, silent]);
});

test("who only names an order is not told to its home: it would keep what was hers under its own key (G1)", async () => {
  const { cluster, openKeys } = open();
  const order = { order: { orderId: "O-1", currency: "EUR", totalMinor: 500, lines: [] } };
  await cluster.run([
    tell("web", 1, "order-placed", { customer: "c-2" }, order),
    tell("web", 2, "message-sent", { ...ANA, order: "O-1" }),
  ]);
  const items = await cluster.openLogs(openKeys(), () => {});
  const told = items.flatMap(({ item }) => (item.kind === "event" && item.eventId === "web-2" ? [item] : []));
  deepEqual(
    told.map(({ role, order: named }) => [role, named]),
    [["anchor", null]],
  );
});

test("what an order is called that went with her, though the request does not list it, is not readable (G1)", async () => {
  const { cluster, openKeys } = open();
  const readOrders = async () => {
    const items = await cluster.openLogs(openKeys(), () => {});
    return items.flatMap(({ item }) => (item.kind === "event" && item.order !== null ? [item.order.value] : []));
  };
  const order = { order: { orderId: "O-1", currency: "EUR", totalMinor: 500, lines: [] } };
  await cluster.run([tell("crm", 1, "identified", ANA), tell("web", 2, "order-placed", ANA, order)]);
  deepEqual(await readOrders(), ["web/O-1"]);
  const drafted = await cluster.draftErasure("customer", ANA.customer);
  ok(drafted.ok && drafted.keys.orders.length === 1);
  // It came to its home when the request was made already.
  cluster.ask({ requestId: "r1", at: START_MS + 10 * 60_000, ...drafted.keys, orders: [] });
  await cluster.run([]);
  deepEqual(await readOrders(), [""]);
});

test("what an identifier is called of which nothing is kept but that it was given up is not readable either (G1)", async () => {
  const { cluster, openKeys } = open();
  const readNames = async () => {
    const items = await cluster.openLogs(openKeys(), () => {});
    return items.flatMap(({ item }) =>
      item.kind === "event" && item.eventId === "crm-1" ? item.identifiers.map(({ value }) => value) : [],
    );
  };
  await cluster.run([tell("crm", 1, "identifier-released", { email: EMAIL })]);
  deepEqual((await readNames()).slice(0, 1), [EMAIL]);
  const own = [identifierKey(createRegistry(configuration, hash), "email", EMAIL)];
  const none = { orders: [], claimed: [], shared: [], objections: [], contacts: [] };
  cluster.ask({ requestId: "r1", at: START_MS + 10 * 60_000, own, ...none });
  await cluster.run([]);
  deepEqual((await readNames()).slice(0, 1), [""]);
});

test("nothing is destroyed of an address by which somebody has become known since (G1, I1)", async () => {
  const { cluster, read } = open();
  await cluster.run(story);
  const { request, typed } = await draft(cluster);
  await cluster.run([tell("crm", 9, "identified", { ...BEN, email: EMAIL })]);
  cluster.ask(request);
  await cluster.run([tell("web", 20, "page-viewed", { email: EMAIL })]);
  deepEqual(await read(typed), { "web-8": true, "web-20": true });
});

test("a request that is told again takes nothing of what was said since (G1)", async () => {
  const fold = await foldEach(story);
  const drafted = await fold.draftErasure("customer", ANA.customer);
  ok(drafted.ok);
  const request = { requestId: "r1", at: START_MS + 10 * 60_000, ...drafted.keys };
  await fold.erase(request);
  await fold.fold(tell("web", 20, "page-viewed", TABLET));
  const before = await fold.readPeople();
  await fold.erase(request);
  deepEqual(await fold.readPeople(), before);
  const tablet = before.profiles.find(({ identifiers }) => identifiers[0]?.value === TABLET.cookie);
  deepEqual(tablet?.view.counters, { "page-viewed": 1 });
});

test("what was on its way under a key that has ended counts as not readable, and the key ends again (G1, O2)", () => {
  const event = Uint8Array.of(1);
  const arrive = (kind: "own" | "claimed" | "shared", ended: number, rotation: number, forgets: string[] = []) => {
    const entry = { erased: { kind, at: 10, hidden: kind !== "shared", rotation: ended } } as Entry;
    const component = { id: "0-1-a", identifiers: new Map([["k", entry]]), abroad: null } as unknown as Component;
    for (const key of forgets) openAbroad(component).forgets.add(key);
    const told = { namespace: "email", value: EMAIL, assurance: "authenticated", birth: "0-1-b", local: true };
    const identifiers = [
      { ...told, key: "k", rotation },
      { ...told, key: "other" },
    ];
    const item = { role: "anchor", anchor: "k", recordedAt: 99, identifiers, order: null } as unknown as EventItem;
    const workspace = new Workspace(new Map(), new Map());
    const left = shred(workspace, component, { item, event });
    equal(left.item.identifiers[1]?.value, EMAIL);
    const [one] = left.item.identifiers;
    return [left.event, one?.value, one?.erased ?? null, workspace.effects];
  };
  const forgotten = (rotation: number) => [
    { kind: "keys-forgotten", keys: Array(2).fill(keyName({ key: "k", rotation })) },
  ];
  deepEqual(arrive("claimed", 1, 0), [null, "", "claimed", forgotten(0)]);
  deepEqual(arrive("shared", 2, 1), [null, "", "claimed", forgotten(1)]);
  deepEqual(arrive("own", 0, 1), [null, "", "own", forgotten(1)]);
  deepEqual(arrive("claimed", 1, 1), [event, EMAIL, null, []]);
  deepEqual(arrive("shared", 2, 3), [event, EMAIL, null, []]);
  // Its shard may not have told yet what it made of what came before: its key ends with the hand-over that says so.
  deepEqual(arrive("own", 0, 0, ["k"]), [null, "", "own", []]);
});
