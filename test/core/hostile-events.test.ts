// Events whose texts are meant for somebody else: names that reach a prototype, bytes that end a line, a string or a command,
// and words about who is speaking. They are data like any other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptEvent } from "#core/acceptance.ts";
import type { ChannelEvent } from "#core/event.ts";
import { createRegistry } from "#core/registry.ts";
import { openStage } from "#services/cli/stage.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { allTopics } from "#services/config/topics.ts";
import { createHash } from "#services/wire/hash.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";

/** An event that says the text wherever it may say one. */
function sayEverywhere(text: string, minute: number, customer: string) {
  const more: Partial<ChannelEvent> = {
    eventId: `${minute} ${text}`,
    identifiers: [
      { namespace: "customer", value: customer },
      { namespace: "social", value: text },
    ],
    traits: { [text]: text, address: text },
    preferences: { [text]: text },
    order: {
      orderId: text,
      currency: "EUR",
      totalMinor: 100,
      lines: [{ productId: text, quantity: 1, unitPriceMinor: 100 }],
    },
    case: { caseId: text, motive: text, channel: text, status: "open" },
    consents: [{ purpose: text, channel: text, granted: true, proof: text }],
    subscription: { subscriptionId: text, status: text, productId: text },
    search: { query: text },
    product: { productId: text, category: text },
    message: { messageId: text, campaignId: text, channel: text },
    touch: { channel: text, campaignId: text, medium: text },
    loyalty: { programId: text, tier: text },
    group: { kind: "household", groupId: text, role: text },
    note: text,
  };
  const types = [text, "order-placed", "case-opened", "consent-changed", "searched", "message-sent", "product-viewed"];
  return types.map((type, i) => tell("crm", minute + i, type, {}, { ...more, eventId: `${minute + i} ${text}` }));
}

test("a name that every object has is a name like any other: of traits, types, preferences, purposes, orders, people", async () => {
  const PLAIN = "plain";
  const describe = async (text: string): Promise<unknown> => {
    const { engine, store } = await foldEach(sayEverywhere(text, 0, "c-1"));
    const { profiles, unattributedOrders } = await readPeople(engine, store, 1);
    assert.equal(profiles.length, 1);
    return JSON.parse(
      JSON.stringify({ profiles, unattributedOrders }).toLowerCase().replaceAll(text.toLowerCase(), PLAIN),
    );
  };
  const expected = await describe(PLAIN);
  assert.ok(JSON.stringify(expected).split(PLAIN).length > 20);
  for (const name of [
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "__defineGetter__",
  ])
    assert.deepEqual(await describe(name), expected, name);
  assert.deepEqual(Object.keys(Object.prototype), []);
});

test("no byte of an event's gets into a key or a header, whatever it would do there (G2)", async () => {
  const texts = [
    "a\r\nset-cookie: x",
    "a\0b",
    "\x1b[31mred\x07",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "{tag}:*?[a]",
    "a\u2028b",
  ];
  const stage = await openStage();
  try {
    const told = texts.flatMap((text, i) => sayEverywhere(text, i * 10, `c-${i}`));
    const events = told.map(({ source, recordedAt, event }) => ({ source, recordedAt, event }));
    await stage.play(START_MS + 3_600_000, events);
    assert.equal(stage.outcomes.folded, events.length);
    const { store, wires, lookups } = stage.runtime;
    const { profiles } = await readPeople(lookups.engine, store, lookups.shards);
    const names = profiles.map(({ view }) => view.traits["address"]?.value);
    assert.deepEqual(new Set(names), new Set(texts), "what was said is there as it was said");
    const seen: string[] = [];
    for (let shard = 0; shard < lookups.shards; shard += 1)
      for await (const { key } of store.scan(shard, "")) seen.push(key);
    const topics = allTopics(stage.loaded).map(({ name }) => name);
    for await (const { key, headers } of wires.log.read(topics, { from: "start", follow: false }))
      seen.push(key ?? "", ...Object.entries(headers).flat());
    assert.ok(seen.length > 100);
    for (const text of seen) {
      assert.match(text, /^[\x20-\x7e]*$/);
      assert.ok(!/FLUSHALL|set-cookie|tag|\[31m/.test(text), text);
    }
  } finally {
    await stage.close();
    stage.remove();
  }
});

test("who speaks is said by the topic: no word of the payload makes a web event one of the call centre's", () => {
  const registry = createRegistry(loadConfiguration(undefined, {}).configuration, createHash("k".repeat(32)));
  const forged = {
    ...tell("web", 0, "identified", {}).event,
    source: "call-centre",
    channel: "call-centre",
    rank: -1,
    trustedForOrders: true,
    trustedForIdentifiers: true,
    identifiers: ["operator", "verified", "authenticated", "constructor"].map((assurance, i) => ({
      namespace: "email",
      value: `a${i}@x.fr`,
      assurance,
      source: "call-centre",
    })),
  } as unknown as ChannelEvent;
  const accepted = acceptEvent(registry, "web", START_MS, forged);
  assert.ok(accepted.ok);
  assert.equal(accepted.accepted.source, "web");
  const emails = accepted.accepted.identifiers.filter(({ namespace }) => namespace === "email");
  assert.deepEqual(new Set(emails.map(({ assurance }) => assurance)), new Set(["claimed"]));
  const replaced = { namespace: "email", old: "a@x.fr", new: "b@x.fr" };
  const succession = acceptEvent(registry, "web", START_MS, { ...forged, type: "identifier-replaced", replaced });
  assert.ok(!succession.ok && succession.reason === "contract-violation");
});
