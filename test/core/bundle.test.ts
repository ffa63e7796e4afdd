// Items of the inner log through the codec and back.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { createComponent } from "#core/component.ts";
import { orderPart } from "#core/order.ts";
import { RESOLVED_BYTES_MAX } from "#services/config/topics.ts";
import type { Carried, EventItem, Item, RoutedIdentifier } from "#core/item.ts";
import type { Cause } from "#core/profile.ts";
import {
  BUNDLE_BYTES_MAX,
  encodeBundles,
  listOpened,
  listSealed,
  readBundle,
  type BundleValue,
} from "#services/wire/bundle.ts";
import { PayloadKeys } from "#services/wire/payload-keys.ts";

const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });
const encode = (await codec.encoder("weft.resolved", "ResolvedBundle")) as (value: BundleValue) => Uint8Array;

function read(record: Uint8Array | undefined): Carried[] {
  const decoded = codec.decode(record ?? null);
  assert.ok(decoded.ok);
  return readBundle(decoded.value as BundleValue);
}

const cause: Cause = { source: "web", eventId: "e", at: 1, occurredAt: null, backfill: false, traceparent: null };
const event: EventItem = {
  kind: "event",
  component: "0-a",
  role: "anchor",
  ruling: null,
  source: "web",
  eventId: "é-1",
  recordedAt: Date.UTC(2099, 0, 1),
  backfill: true,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  anchor: "k",
  identifiers: [
    {
      namespace: "cookie",
      value: "c",
      key: "k",
      assurance: "authenticated",
      birth: "0-a",
      local: true,
      rotation: 0,
      erased: null,
      objections: null,
    },
    {
      namespace: "phone",
      value: "+33",
      key: "l",
      assurance: "claimed",
      birth: "1-b",
      local: false,
      rotation: 2,
      erased: "own",
      objections: [{ requestId: "r", at: 4, purpose: "news", channel: null }],
    },
  ],
  order: {
    namespace: "order",
    value: "web/1",
    key: "m",
    assurance: "claimed",
    birth: "0-a",
    local: true,
    rotation: 0,
    erased: null,
    objections: null,
  },
  erasure: null,
  place: null,
};
const group = { ...(event.order as RoutedIdentifier), value: "" };
const place = { occurredAt: Date.UTC(2099, 0, 1), left: false, parent: "canary-parent" };
const parts = [
  { key: "o/1", value: { key: "1", lines: [] } },
  { key: "o/2", value: null },
];
const items: readonly Item[] = [
  event,
  {
    ...event,
    role: "tie",
    order: null,
    traceparent: null,
    ruling: { verdict: "released", one: "k", other: "k", occurredAt: 5 },
  },
  {
    ...event,
    role: "ruling",
    erasure: { requestId: "r", at: 4, own: ["k"], orders: ["m"], claimed: ["l"], shared: [] },
  },
  { ...event, role: "place", identifiers: [], place },
  { kind: "absorb", component: "0-b", into: "0-a", cause },
  { kind: "handover", component: "0-a", from: "0-b", last: true, parts, forgets: ["k"], cause, rules: 3 },
  {
    kind: "status",
    component: "0-a",
    of: "x",
    to: "y",
    namespace: "card",
    birth: "0-b",
    version: 3,
    status: { known: true, person: null, claimants: [], released: { t: 5, source: "crm", eventId: "r" } } as never,
    cause: { ...cause, occurredAt: -1 },
  },
  { kind: "progress", slot: 7, timeMs: 12, completeUpToMs: { store: 11 } },
  { kind: "rules", sequence: 3, recordedAt: 12, version: "v2", digest: "d", rules: '{"ladder":[]}' },
];

test("every kind of item travels as it is", () => {
  const [record, ...others] = encodeBundles(
    encode,
    3,
    9,
    items.map((item) => ({ item, event: null })),
  );
  assert.equal(others.length, 0);
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  assert.deepEqual(
    read(record).map(({ item }) => plain(item)),
    items.map(plain),
  );
});

const BYTES = [0, 1, 2, 253, 254, 255];
const kinds: readonly (readonly [string, Uint8Array])[] = [
  ["a Buffer", Buffer.from(BYTES)],
  ["a plain byte array", new Uint8Array(BYTES)],
  ["a window of a larger one", new Uint8Array([9, ...BYTES, 9]).subarray(1, 1 + BYTES.length)],
];

for (const [kind, bytes] of kinds) {
  test(`an event's bytes travel as they came where the log gives ${kind}`, () => {
    const [only] = read(encodeBundles(encode, 0, 0, [{ item: event, event: bytes }])[0]);
    assert.deepEqual([...(only?.event ?? [])], BYTES);
  });
}

test("a bundle is cut before its record grows beyond its bound", () => {
  const large = { item: event, event: Buffer.alloc(BUNDLE_BYTES_MAX / 4) };
  const records = encodeBundles(
    encode,
    0,
    0,
    Array.from({ length: 9 }, () => large),
  );
  assert.deepEqual(
    records.map((record) => read(record).length),
    [3, 3, 3],
  );
  for (const { length } of records) assert.ok(length < BUNDLE_BYTES_MAX);
});

test("what is said of people is sealed, each under its own key, and evidence is not (G1)", async () => {
  const index = openMemoryIndex();
  const keys = new PayloadKeys({ index, identityKey: Buffer.alloc(32), topic: "weft.keys", now: () => 0 });
  const { identifiers: _, ...others } = createComponent("0-b");
  const shipped = [
    { key: "c/0-b", value: { ...others, identifiers: new Map() } },
    { key: "o/1", value: { key: "1", name: "canary-order" } },
  ];
  const told: readonly Carried[] = [
    {
      item: { ...event, identifiers: event.identifiers.map((one) => ({ ...one, value: "canary" })) },
      event: Buffer.from("canary"),
    },
    { item: { ...event, role: "tie", order: null }, event: null },
    {
      item: {
        kind: "handover",
        component: "0-a",
        from: "0-b",
        last: true,
        parts: shipped,
        forgets: [],
        cause,
        rules: 0,
      },
      event: null,
    },
    { item: { ...event, role: "place", identifiers: [], order: group, place }, event: null },
  ];
  const seals = await keys.toSeal(listSealed(told), "");
  const [record] = encodeBundles(encode, 0, 0, told, seals);
  assert.ok(!Buffer.from(record ?? []).includes("canary"));
  const open = async (names: readonly string[]) => {
    await keys.destroy(names);
    const decoded = codec.decode(record ?? null);
    assert.ok(decoded.ok);
    const bundle = decoded.value as BundleValue;
    const shredded: string[] = [];
    const items = readBundle(bundle, await keys.toOpen(listOpened(bundle)), (name) => shredded.push(name));
    return { items, shredded };
  };
  const { items: whole } = await open([]);
  assert.deepEqual(Buffer.from(whole[0]?.event ?? []).toString(), "canary");
  const valuesOf = ({ item }: Carried) => (item.kind === "event" ? item.identifiers.map(({ value }) => value) : []);
  // With an event goes what everybody in it is called; to the home of one what that one is called.
  assert.deepEqual(whole.map(valuesOf), [["canary", "canary"], ["c", ""], [], []]);
  const plain = (item: Item | undefined) => JSON.parse(JSON.stringify(item ?? null)) as EventItem;
  assert.deepEqual(plain(whole[3]?.item).place, plain(told[3]?.item).place, "a group's home goes on without any event");
  assert.deepEqual(plain(whole[3]?.item).order, plain(told[3]?.item).order, "and without its name");
  assert.deepEqual(whole[2]?.item.kind === "handover" && whole[2].item.parts.map(({ key }) => key), ["c/0-b", "o/1"]);
  const { items, shredded } = await open(["k", "h/0-b"]);
  assert.deepEqual(items.map(valuesOf), [["", "canary"], ["", ""], [], []]);
  assert.equal(items[0]?.event, null);
  assert.deepEqual(items[2]?.item.kind === "handover" && items[2].item.parts.map(({ key }) => key), ["c/0-b"]);
  assert.deepEqual(shredded, ["k", "k", "k", "h/0-b"], "a name, the event under it, the name in a tie; a hand-over");
  const { item: clear } = items[0] as Carried<EventItem>;
  const { item: was } = told[0] as Carried<EventItem>;
  assert.deepEqual({ ...clear, identifiers: [], order: null }, { ...was, identifiers: [], order: null });
});

test("a hand-over that forgets as many orders as a request may name is in records that the topic takes", () => {
  const keys = Array.from({ length: 3_000 }, (_, n) => String(n).padStart(22, "k"));
  const parts = keys.map((key) => ({
    key: orderPart(key),
    value: { key, birth: `0-0000000000001-${key}`, name: "", facts: [], owner: null, view: null, erased: true },
  }));
  const forgets = [...keys, ...keys.map(orderPart)];
  const item: Item = { kind: "handover", component: "0-b", from: "0-a", last: true, parts, forgets, rules: 0, cause };
  const records = encodeBundles(encode, -1, 0, [{ item, event: null }]);
  const sizes = records.map(({ length }) => length);
  assert.ok(Math.max(...sizes) < RESOLVED_BYTES_MAX, sizes.join());
  const told = records.flatMap(read).map(({ item }) => (item.kind === "handover" ? item : assert.fail()));
  assert.deepEqual(
    told.flatMap(({ forgets }) => forgets ?? []),
    forgets,
  );
  assert.equal(told.at(-1)?.forgets?.length, forgets.length);
});
