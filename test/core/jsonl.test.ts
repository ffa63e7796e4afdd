// JSON lines as `weft fold`, `produce` and `import` read them: what a line may hold, and how hostile ones are refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readJsonLines } from "#services/channel/json-lines.ts";
import { LINE_BYTES_MAX } from "#services/channel/lines.ts";
import type { Reading } from "#services/channel/reading.ts";

async function* inChunks(text: string | Buffer, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

async function read(
  text: string | Buffer,
  { size = 7, source }: { size?: number; source?: string } = {},
): Promise<Reading[]> {
  const options = { sources: new Set(["web", "store"]), ...(source === undefined ? {} : { source }) };
  return collect(readJsonLines(inChunks(text, size), options));
}

const event = (more: object = {}) => ({
  source: "web",
  eventId: "e1",
  type: "page-viewed",
  occurredAt: 1_700_000_000_000,
  ...more,
});
const line = (more: object = {}) => JSON.stringify(event(more));

async function readOne(more: object): Promise<Reading> {
  const [reading] = await read(line(more));
  assert.ok(reading);
  return reading;
}

async function refusal(more: object): Promise<string> {
  const reading = await readOne(more);
  return reading.ok ? "accepted" : `${reading.reason}: ${reading.detail}`;
}

test("a line is an event with its source, and is recorded when it happened unless it says otherwise", async () => {
  const readings = await read(
    `${line({ identifiers: [{ namespace: "email", value: "a@b.fr" }] })}\n${line({ eventId: "e2", recordedAt: "2024-01-01T00:00:00Z" })}`,
  );
  assert.deepEqual(readings, [
    {
      ok: true,
      line: 1,
      source: "web",
      recordedAt: 1_700_000_000_000,
      recordedAtGiven: false,
      event: {
        eventId: "e1",
        type: "page-viewed",
        occurredAt: 1_700_000_000_000,
        identifiers: [{ namespace: "email", value: "a@b.fr" }],
      },
    },
    {
      ok: true,
      line: 2,
      source: "web",
      recordedAt: Date.UTC(2024, 0, 1),
      recordedAtGiven: true,
      event: { eventId: "e2", type: "page-viewed", occurredAt: 1_700_000_000_000, identifiers: [] },
    },
  ]);
});

test("what stands under keys that an event does not have is told, with the key that was meant and never the one that is there (O4, G2)", async () => {
  const told: unknown[] = [];
  const text = line({
    traitz: { city: "Nantes" },
    recordedAt: 1_700_000_000_000,
    "marie@example.fr": 1,
    order: { orderId: "o1", totlMinor: 5, lines: [{ productId: "p", quantity: 1, unitPriceMinor: 5, colour: "red" }] },
    traits: { anything: "goes" },
  });
  const readings = await collect(
    readJsonLines(inChunks(text, 100), {
      sources: new Set(["web"]),
      onLeftOut: (place, key) => told.push({ place, ...key }),
    }),
  );
  assert.equal(readings[0]?.ok, true);
  assert.deepEqual(told, [
    { place: 1, part: "order.lines[]", meant: null },
    { place: 1, part: "order", meant: "totalMinor" },
    { place: 1, part: "", meant: "traits" },
    { place: 1, part: "", meant: null },
  ]);
});

test("a line of sixty thousand keys that no event has costs no more than reading it", async () => {
  const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, n) => [`k${n}`, 1]));
  let told = 0;
  const startedAt = process.cpuUsage();
  const [reading] = await collect(
    readJsonLines(inChunks(line(many), 1_000_000), { sources: new Set(["web"]), onLeftOut: () => void (told += 1) }),
  );
  const { user, system } = process.cpuUsage(startedAt);
  assert.deepEqual([reading?.ok, told], [true, 60_000]);
  assert.ok(user + system < 2_000_000, `${user + system} us`);
});

test("times are ISO 8601 with any offset or epoch milliseconds, and UTC where no offset is given", async () => {
  const at = async (occurredAt: unknown) => {
    const reading = await readOne({ occurredAt });
    return reading.ok ? reading.event.occurredAt : reading.detail;
  };
  assert.equal(await at("2024-03-01T10:00:00.250+02:00"), Date.UTC(2024, 2, 1, 8, 0, 0, 250));
  assert.equal(await at("2024-03-01T10:00:00"), Date.UTC(2024, 2, 1, 10));
  assert.equal(await at("2024-03-01"), Date.UTC(2024, 2, 1));
  assert.equal(await at("2024-03-01T10:00:00.123456Z"), Date.UTC(2024, 2, 1, 10, 0, 0, 123));
  for (const wrong of ["2024-02-30", "2024-13-01", "yesterday", "1700000000000", 1.5, null, "2024-03-01T25:00Z"]) {
    assert.match(String(await at(wrong)), /^occurredAt: expected a time/, String(wrong));
  }
});

test("every optional part comes through, null counts as absent, and unknown keys are left out", async () => {
  const parts = {
    sentAt: 1_700_000_000_001,
    traits: { firstName: "Ana", age: 30, vip: true, gone: null },
    order: {
      orderId: "o1",
      status: "placed",
      currency: "EUR",
      totalMinor: 1000,
      lines: [{ productId: "p", quantity: 1, unitPriceMinor: 1000 }],
    },
    cart: { cartId: "c1", lines: [] },
    case: { caseId: "k1", motive: "refund" },
    consents: [{ purpose: "mail", granted: true }],
    subscription: { subscriptionId: "s1" },
    search: { query: "shoes", results: 0 },
    product: { productId: "p", priceMinor: 5 },
    message: { messageId: "m" },
    touch: { channel: "email" },
    preferences: { colour: "red" },
    loyalty: { tier: "gold", points: 12 },
    replaced: { namespace: "card", old: "1", new: "2" },
    note: "n",
  };
  const reading = await readOne({
    ...parts,
    identifiers: [{ namespace: "email", value: "x", role: "other", assurance: "claimed" }],
    surprise: { deep: [1] },
  });
  assert.ok(reading.ok);
  const {
    eventId: _id,
    type: _type,
    occurredAt: _at,
    identifiers,
    ...rest
  } = JSON.parse(JSON.stringify(reading.event)) as Record<string, unknown>;
  assert.deepEqual(rest, parts);
  assert.deepEqual(identifiers, [{ namespace: "email", value: "x", role: "other", assurance: "claimed" }]);
  const empty = await readOne(Object.fromEntries(Object.keys(parts).map((name) => [name, null])));
  assert.deepEqual(empty.ok && Object.keys(empty.event), ["eventId", "type", "occurredAt", "identifiers"]);
});

test("a wrong shape is refused by the path of the field, never by its value", async () => {
  assert.equal(await refusal({ eventId: 12 }), "contract-violation: eventId: expected a text, found number");
  assert.equal(
    await refusal({ eventId: "" }),
    "contract-violation: eventId: expected a text that is not empty, found string",
  );
  assert.equal(
    await refusal({ identifiers: { email: "secret@x.fr" } }),
    "contract-violation: identifiers: expected a list, found object",
  );
  assert.equal(
    await refusal({ identifiers: [{ namespace: "email", value: null }] }),
    "contract-violation: identifiers[0].value: expected a text, found null",
  );
  assert.equal(
    await refusal({ identifiers: [{ namespace: "a", value: "b", role: "boss" }] }),
    "contract-violation: identifiers[0].role: expected self or other, found string",
  );
  assert.equal(
    await refusal({ order: { orderId: "o", totalMinor: 10.5 } }),
    "contract-violation: order.totalMinor: expected a whole number below 2^53, found number",
  );
  assert.equal(
    await refusal({ order: { orderId: "o", totalMinor: 2 ** 53 } }),
    "contract-violation: order.totalMinor: expected a whole number below 2^53, found number",
  );
  assert.equal(
    await refusal({ cart: { lines: [{ productId: "p", quantity: "1", unitPriceMinor: 1 }] } }),
    "contract-violation: cart.lines[0].quantity: expected a whole number below 2^53, found string",
  );
  assert.equal(
    await refusal({ traits: { name: { first: "secret" } } }),
    "contract-violation: traits: an entry: expected a text, a number, true, false or null, found object",
  );
  assert.equal(await refusal({ traits: ["a"] }), "contract-violation: traits: expected an object, found a list");
  assert.equal(await refusal({ source: undefined }), "contract-violation: source: expected the name of a source");
  assert.equal(await refusal({ source: "till" }), "unknown-source: the configuration has no such source");
});

test("a refusal says which event of which source it was, where that can be read", async () => {
  const reading = await readOne({ order: { orderId: 1 } });
  assert.equal(reading.ok, false);
  assert.deepEqual(
    { source: reading.source, eventId: "eventId" in reading ? reading.eventId : undefined, line: reading.line },
    { source: "web", eventId: "e1", line: 1 },
  );
});

test("what is not JSON in UTF-8 is undecodable and the lines around it are read", async () => {
  const bytes = Buffer.concat([
    Buffer.from(`${line()}\r\n\n{"a":\n`),
    Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
    Buffer.from(`[]\n"x"\n${line({ eventId: "last" })}`),
  ]);
  const readings = await read(bytes);
  assert.deepEqual(
    readings.map((reading) => `${reading.line} ${reading.ok ? reading.event.eventId : reading.reason}`),
    ["1 e1", "3 undecodable", "4 undecodable", "5 contract-violation", "6 contract-violation", "7 last"],
  );
});

test("a byte order mark at the start is no part of the first line", async () => {
  const [reading] = await read(`\uFEFF${line()}\n`);
  assert.equal(reading?.ok, true);
});

test("a line longer than a megabyte, or nested too deep, is refused without being built", async () => {
  const long = line({ note: "x".repeat(LINE_BYTES_MAX) });
  const deep = `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  const readings = await read(`${long}\n${deep}\n${line({ note: "[[[[".repeat(100) })}\n`, { size: 65_536 });
  assert.deepEqual(
    readings.map((reading) => (reading.ok ? "accepted" : `${reading.reason}: ${reading.detail}`)),
    [
      "undecodable: the line is longer than 1048576 bytes",
      "undecodable: the line is nested deeper than 32 levels",
      "accepted",
    ],
  );
});

test("a trait may be called constructor, none may be called __proto__, and no prototype changes", async () => {
  const start = '{"source":"web","eventId":"e","type":"t","occurredAt":1700000000000';
  const [reading, refused] = await read(
    `${start},"traits":{"toString":"p","constructor":1},"__proto__":{"order":{"orderId":"x"}}}\n${start},"traits":{"__proto__":"p"}}`,
  );
  assert.ok(reading?.ok);
  assert.deepEqual(Object.entries(reading.event.traits ?? {}), [
    ["toString", "p"],
    ["constructor", 1],
  ]);
  assert.equal(reading.event.order, undefined);
  assert.equal(({} as Record<string, unknown>)["orderId"], undefined);
  assert.equal(refused?.ok === false && refused.reason, "contract-violation");
});

test("lines without a source take the one that the caller names", async () => {
  const [reading] = await read(line({ source: undefined }), { source: "store" });
  assert.equal(reading?.ok && reading.source, "store");
});

test("lines are the same however the bytes are cut", async () => {
  const text = [line({ note: "é€😀" }), "", "{", line({ eventId: "b" })].join("\r\n");
  const whole = await read(text, { size: 100_000 });
  for (const size of [1, 2, 3, 17, 64]) assert.deepEqual(await read(text, { size }), whole);
});
