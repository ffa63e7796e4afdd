// Foreign topics: payloads of other systems become events by a mapping alone, through `fold`, `import` and the
// resolver on a topic; what a mapping cannot read is a dead letter that names the field and no value (O1, G2).

import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { localIdOf, openLocalCodec } from "#adapters/registry/local.ts";
import { parseSchema } from "#adapters/registry/schemas.ts";
import type { ChannelEvent } from "#core/event.ts";
import { readChannelFiles } from "#services/channel/file.ts";
import { createForeignReaders } from "#services/channel/foreign.ts";
import { parsePayload } from "#services/channel/payload.ts";
import { createPayloadReader } from "#services/channel/payload-event.ts";
import { publishReadings } from "#services/cli/publication.ts";
import { openRuntime } from "#services/cli/runtime.ts";
import { SCHEMAS_FOLDER } from "#services/cli/wiring.ts";
import { type LoadedConfiguration, loadConfiguration } from "#services/config/configuration.ts";
import { ConfigurationError } from "#services/config/problem.ts";
import type { PayloadMapping } from "#services/config/payload-mapping.ts";
import { compareFoldEvents, Fold, type FoldEvent } from "#services/fold/fold.ts";
import { type BundleValue, listOpened, readBundle } from "#services/wire/bundle.ts";
import { makeFolder } from "#support/folder.ts";
import { hash } from "#support/histories.ts";
import { runs } from "#support/property.ts";

const EXAMPLES = resolve(import.meta.dirname, "../../infra/examples");
const EXAMPLE = join(EXAMPLES, "foreign-topics.weft.yaml");
const example = loadConfiguration(EXAMPLE, {});
const FILES = [
  `shopify=${EXAMPLES}/payloads/shopify-orders.jsonl`,
  `tracker=${EXAMPLES}/payloads/segment-track.jsonl`,
  `till=${EXAMPLES}/payloads/till.csv`,
];
const CANARY = "canary-7d1f";

function mappingOf(source: string): PayloadMapping {
  return example.deployment.payloadMappings.get(source) as PayloadMapping;
}

const readOrder = createPayloadReader(mappingOf("shopify"), "EUR");
const [orderText = ""] = readFileSync(`${EXAMPLES}/payloads/shopify-orders.jsonl`, "utf8").split("\n");

/** The example's first order with some of its keys changed. */
function readChanged(changes: Readonly<Record<string, unknown>>) {
  const payload = parsePayload(Buffer.from(JSON.stringify({ ...JSON.parse(orderText), ...changes })));
  return payload.ok ? readOrder(payload.value) : payload;
}

async function readExample(): Promise<FoldEvent[]> {
  const events: FoldEvent[] = [];
  for await (const reading of readChannelFiles(FILES, example)) {
    ok(reading.ok, reading.ok ? "" : reading.detail);
    events.push({ source: reading.source, recordedAt: reading.recordedAt, event: reading.event });
  }
  return events.toSorted(compareFoldEvents);
}

const BARE: PayloadMapping = {
  format: "json",
  eventId: { path: "id" },
  type: { constant: "x" },
  occurredAt: { cel: '"2026-03-02"', format: "iso", zone: "UTC" },
  identifiers: [],
  traits: {},
  preferences: {},
  consents: [],
};

describe("a foreign topic", () => {
  it("a shop's order webhooks, a tracker's calls and a till's rows are one person's, without code", async () => {
    const fold = new Fold({ configuration: example.configuration, hash });
    for (const event of await readExample()) await fold.fold(event);
    deepEqual(
      fold.outcomes.map(({ outcome }) => outcome),
      Array.from({ length: 12 }, () => "folded"),
    );
    const { profiles, unattributedOrders } = await fold.readPeople();
    equal(unattributedOrders, 1);
    const lea = profiles.find(({ segment }) => segment === "multi-buyer");
    deepEqual(
      lea?.identifiers.map(({ namespace, value }) => `${namespace} ${value}`),
      [
        "card 2099000017",
        "cookie 507f191e810c19729de860ea",
        "customer 115310627314723954",
        "email lea.martin@example.com",
      ],
    );
    deepEqual(
      lea?.view.orders.map(({ orderId, status, totalMinor, lines }) => [orderId, status, totalMinor, lines.length]),
      [
        ["820982911946154508", "paid", 13390, 1],
        ["NTE1-02-004711", "placed", 4490, 2],
        ["NTE1-02-004750", "returned", -1250, 1],
      ],
    );
    deepEqual(
      lea?.view.consents.map(({ purpose, channel, granted }) => [purpose, channel, granted]),
      [["marketing", "email", true]],
    );
    deepEqual([...fold.dropped], [["shopify note", 1]]);
  });

  it("what a payload lacks is left out, and numbers keep all their digits", () => {
    const read = readChanged({
      customer: null,
      note_attributes: [],
      phone: null,
      shipping_address: null,
      line_items: null,
    });
    ok(read.ok);
    deepEqual(read.event.identifiers, [{ namespace: "email", value: "lea.martin@example.com" }]);
    equal(read.event.traits, undefined);
    equal(read.event.order?.lines, undefined);
    const whole = parsePayload(Buffer.from('{"id": 820982911946154508, "price": 19.90}'));
    deepEqual(whole, { ok: true, value: { id: 820982911946154508n, price: 19.9 } });
  });

  it("what the mapping cannot read is refused with the field and its path, and never a value (G2)", () => {
    const refusals = [
      { line_items: [{ sku: "A", quantity: CANARY, price: "1" }] },
      { line_items: [{ sku: "A", quantity: 1, price: CANARY }] },
      { line_items: [{ sku: "A", quantity: 1 }] },
      { line_items: { CANARY } },
      { current_total_price: CANARY },
      { updated_at: CANARY },
      { customer: { id: [CANARY] } },
      { email: { CANARY } },
      { email: "\ud800" },
      { note_attributes: CANARY },
    ].map((change) => {
      const read = readChanged(change);
      ok(!read.ok);
      equal(read.reason, "contract-violation");
      return read.detail;
    });
    deepEqual(refusals, [
      "order.lines.quantity: expected a whole number at quantity",
      "order.lines.unitPrice: expected a decimal number at price",
      "order.lines.unitPrice: nothing at line_items[0]",
      "order.lines: expected a list at line_items",
      "order.total: expected a decimal number at current_total_price",
      "occurredAt: expected a time as iso at updated_at",
      "identifiers.customer: at customer.id: expected a text, a number, true or false, found a list",
      "identifiers.email: at email: expected a text, a number, true or false, found an object",
      "identifiers.email: at email: expected a text, a number, true or false, found neither",
      "identifiers.card: the expression fails on this payload",
    ]);
    equal(readChanged({ event: CANARY }).ok, true);
    const track = createPayloadReader({ ...mappingOf("tracker"), type: { path: "event", values: {} } }, "EUR");
    const read = track({ messageId: "1", event: CANARY, timestamp: "2026-03-02T10:58:04Z" });
    ok(!read.ok);
    equal(read.detail, "type: a value that `values` does not name");
  });

  it("values that are no JSON object of a bearable size are refused, whatever they are", () => {
    const details = [
      null,
      Buffer.from(""),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(`{"${CANARY}": `),
      Buffer.from(`${"[".repeat(40)}${"]".repeat(40)}`),
      Buffer.from(JSON.stringify(Array.from({ length: 10_001 }, () => 1))),
    ].map((bytes) => {
      const read = parsePayload(bytes);
      ok(!read.ok);
      return `${read.reason}: ${read.detail}`;
    });
    deepEqual(details, [
      "undecodable: no value (a tombstone)",
      "undecodable: the value is not JSON",
      "undecodable: the value is not UTF-8",
      "undecodable: the value is not JSON",
      "undecodable: the value is nested deeper than 32 levels",
      "undecodable: a list of more than 10000 elements",
    ]);
    // Confluent's JSON serializer puts a byte 0 and a schema id in front.
    const framed = parsePayload(Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from('{"a":1}')]));
    deepEqual(framed, { ok: true, value: { a: 1n } });
  });

  it("any JSON in any place of a payload gives an event or a refusal without its values, never a throw (O1, G2)", () => {
    const names = Object.keys(JSON.parse(orderText) as object);
    const text = fc.oneof(
      fc.constant(CANARY),
      fc.string().map((more) => `${CANARY}${more}`),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        text,
        fc.double(),
        fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(Number),
        fc.constantFrom(null, true, false),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom("id", "price", "quantity", "sku", "name", "value", "zip", "__proto__"),
          tie("tree"),
        ),
      ),
    }));
    let events = 0;
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), tree, { maxKeys: 3 }), (changes) => {
        const read = readChanged(changes);
        if (read.ok) events += 1;
        else ok(!read.detail.includes(CANARY), read.detail);
      }),
      runs(3000),
    );
    ok(events > 0);
  });

  it("the path of a field leads where walking the payload by hand does", () => {
    const key = fc.constantFrom("a", "b", "c");
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: "medium" },
        fc.integer().map(String),
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(key, tie("node")),
      ),
    }));
    const steps = fc
      .array(fc.oneof(key, fc.nat(2)), { minLength: 1, maxLength: 4 })
      .filter(([first]) => typeof first === "string");
    fc.assert(
      fc.property(node, steps, (payload, taken) => {
        const path = taken
          .map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`))
          .join("")
          .slice(1);
        const read = createPayloadReader({ ...BARE, eventId: { path } }, "EUR")(payload);
        let expected: unknown = payload;
        for (const step of taken) {
          const fits =
            typeof step === "number"
              ? Array.isArray(expected)
              : typeof expected === "object" && !Array.isArray(expected);
          expected =
            fits && expected !== null && expected !== undefined
              ? (expected as Record<string, unknown>)[step]
              : undefined;
        }
        if (typeof expected === "string") equal(read.ok && read.event.eventId, expected);
        else equal(read.ok, false);
      }),
      runs(1000),
    );
  });

  it("Avro of another schema is read behind the same guard, by the same mapping", async () => {
    const folder = makeFolder("foreign");
    const foreign = parseSchema(
      JSON.stringify({
        type: "record",
        name: "Visit",
        namespace: "com.example",
        fields: [
          { name: "visitId", type: "long" },
          { name: "at", type: "long" },
          {
            name: "person",
            type: ["null", { type: "record", name: "Person", fields: [{ name: "mail", type: "string" }] }],
          },
        ],
      }),
    );
    const id = localIdOf(foreign);
    mkdirSync(join(folder, "schemas"));
    writeFileSync(join(folder, "schemas", `${id}.avsc`), JSON.stringify(foreign.schema()));
    writeFileSync(
      join(folder, "weft.yaml"),
      [
        "sources:",
        "  - name: visits",
        "    topic: visits",
        "    mapping:",
        "      format: avro",
        "      eventId: { path: visitId }",
        "      type: { constant: store-visited }",
        "      occurredAt: { path: at, format: epoch-seconds }",
        "      identifiers: [{ namespace: email, value: { cel: 'payload.person == null ? \"\" : payload.person.mail' } }]",
      ].join("\n"),
    );
    const codec = await openLocalCodec({ schemasDirectory: SCHEMAS_FOLDER, keptDirectory: join(folder, "schemas") });
    const read = createForeignReaders(loadConfiguration(join(folder, "weft.yaml"), {}), codec)("visits");
    const frame = Buffer.alloc(5);
    frame.writeInt32BE(id, 1);
    const visit = { visitId: 7, at: 1_772_400_000, person: { mail: "lea@example.com" } };
    deepEqual(read?.(Buffer.concat([frame, foreign.toBuffer(visit)])), {
      ok: true,
      event: {
        eventId: "7",
        type: "store-visited",
        occurredAt: 1_772_400_000_000,
        identifiers: [{ namespace: "email", value: "lea@example.com" }],
      },
    });
    const refused = read?.(Buffer.concat([frame, Buffer.from([0xff])]));
    ok(refused !== undefined && !refused.ok);
    equal(refused.reason, "undecodable");
  });

  it("imported payloads stand in their topic as they came, are resolved as events, and a bad one goes aside whole (O1)", async () => {
    const folder = makeFolder("foreign");
    const file = join(folder, "weft.yaml");
    writeFileSync(
      file,
      `${readFileSync(EXAMPLE, "utf8")}\nembedded: { file: ${join(folder, "weft.sqlite")} }\nengine: { shards: 1, stitchSlots: 1, resolverSlots: 1, tickInterval: 10ms, transactionInterval: 1ms }\n`,
    );
    const loaded: LoadedConfiguration = loadConfiguration(file, {});
    let counted = 0;
    const seen = Promise.withResolvers<void>();
    const runtime = await openRuntime(loaded, {
      embedded: true,
      onBatch: ({ records }) => {
        counted += records;
        if (counted === 10) seen.resolve();
      },
    });
    const { wires } = runtime;
    await runtime.createTopics();
    const options = { timestamps: "history", backfill: false, onRefused: () => {}, onPublished: () => {} } as const;
    const counts = await publishReadings(readChannelFiles(FILES.slice(0, 2), loaded), wires, loaded, options);
    deepEqual(counts, { published: 9, refused: 0 });
    const bad = Buffer.from(JSON.stringify({ ...JSON.parse(orderText), current_total_price: CANARY }));
    await wires.log.append([{ topic: "shopify.orders", key: "k", value: bad }]);
    const kept: string[] = [];
    for await (const { value } of wires.log.read(["shopify.orders"], { from: "start", follow: false }))
      kept.push(Buffer.from(value ?? []).toString());
    const lines = readFileSync(`${EXAMPLES}/payloads/shopify-orders.jsonl`, "utf8").trim().split("\n");
    deepEqual(kept.toSorted(), [...lines, bad.toString()].toSorted());

    const resolving = await runtime.startResolver();
    const letters = wires.log.read(["shopify.orders.dlq"], { from: "start", follow: true });
    for await (const { value, headers } of letters) {
      ok(bad.equals(Buffer.from(value ?? [])));
      equal(headers["weft.reason"], "contract-violation");
      equal(
        headers["__connect.errors.exception.message"],
        "order.total: expected a decimal number at current_total_price",
      );
      break;
    }
    await seen.promise;
    await resolving.close();
    const resolved = new Map<string, ChannelEvent>();
    for await (const { value } of wires.log.read(["weft.resolved"], { from: "start", follow: false })) {
      const decoded = wires.codec.decode(value);
      ok(decoded.ok);
      const bundle = decoded.value as BundleValue;
      for (const { item, event } of readBundle(bundle, await runtime.keys.toOpen(listOpened(bundle)))) {
        if (item.kind !== "event" || event === null) continue;
        const told = wires.codec.decode(event);
        ok(told.ok);
        resolved.set(item.eventId, told.value as ChannelEvent);
      }
    }
    equal(resolved.size, 9);
    const order = resolved.get("820982911946154508@2026-03-02T12:24:00+01:00");
    equal(order?.order?.totalMinor, 13390);
    equal(order?.note, null);
    await runtime.close();
  });

  it("a mapping that cannot work is refused where it stands", () => {
    const folder = makeFolder("foreign");
    const file = join(folder, "weft.yaml");
    const mapping = (more: string) =>
      `{ format: json, eventId: { path: id }, type: { constant: x }, occurredAt: { path: at }, ${more} }`;
    writeFileSync(
      file,
      [
        "sources:",
        `  - { name: a, mapping: ${mapping('note: { cel: "payloda.note" }')} }`,
        `  - { name: b, mapping: ${mapping("note: { path: a..b }")} }`,
        `  - { name: c, mapping: ${mapping("note: { path: a, constant: b }")} }`,
        `  - { name: d, mapping: ${mapping("identifiers: [{ namespace: emial, value: { path: e } }]")} }`,
        `  - { name: e, mapping: ${mapping('search: { when: "1 + 1", query: { path: q } }')} }`,
        "  - { name: f, mapping: { format: xml } }",
        `  - { name: g, mapping: ${mapping("ordr: {}")} }`,
        `  - { name: h, mapping: ${mapping("note: { cel: 'payload.a.matches(\"(a+)+$\") ? payload.a : payload.b' }")} }`,
      ].join("\n"),
    );
    throws(
      () => loadConfiguration(file, {}),
      (error) => {
        ok(error instanceof ConfigurationError);
        const said = error.problems.map(({ line, code, path, message }) => `${line} ${code} ${path}: ${message}`);
        match(said[0] ?? "", /^2 rule-type sources\[0\]\.mapping\.note\.cel: .*payloda/);
        deepEqual(
          said.slice(1).map((line) => line.replace(/; declared are .*/, "")),
          [
            "3 wrong-value sources[1].mapping.note.path: expected a path such as customer.addresses[0].zip",
            "4 wrong-value sources[2].mapping.note: expected exactly one of path, cel, constant",
            '5 unknown-name sources[3].mapping.identifiers[0].namespace: no such namespace (did you mean "email"?)',
            "6 rule-type sources[4].mapping.search.when: expected an expression of type bool, found int",
            "7 wrong-value sources[5].mapping.format: expected one of csv, json, avro",
            '8 unknown-key sources[6].mapping.ordr: no such key (did you mean "order"?)',
            "9 rule-cost sources[7].mapping.note.cel: `matches` is not for rules and mappings: a pattern may take for ever; use ==, `in`, startsWith, endsWith or contains",
          ],
        );
        return true;
      },
    );
  });
});
