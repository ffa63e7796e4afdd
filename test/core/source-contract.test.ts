// The contract of a source: whose data it is and what for, which fields have a legal basis, and topics that nobody
// declared (Contract of a source).

import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import type { Configuration } from "#core/configuration.ts";
import { sortedEntries } from "#core/comparison.ts";
import type { ChannelEvent } from "#core/event.ts";
import { createRegistry } from "#core/registry.ts";
import { openRuntime } from "#services/cli/runtime.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { ConfigurationError } from "#services/config/problem.ts";
import { explainKeys } from "#services/config/explanation.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch } from "#services/resolver/resolver.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";
import { makeFolder } from "#support/folder.ts";
import { configuration, hash, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import { comparePeople } from "#support/oracle-comparison.ts";

/** On what basis a source sends something is said by its contract alone, and is not what is compared. */
function withoutBases(people: Parameters<typeof comparePeople>[0]) {
  return JSON.parse(
    JSON.stringify(comparePeople(people), (name, value: unknown) => (name === "legalBasis" ? null : value)),
  ) as unknown;
}

function withBases(bases: Readonly<Record<string, string>>, ...names: string[]): Configuration {
  return {
    ...configuration,
    sources: configuration.sources.map((source) =>
      names.includes(source.name) ? { ...source, legalBasisByField: bases } : source,
    ),
  };
}

/** The oracle: every path of the event as JSON, one by one, and whether anything declares it. */
function strip(event: ChannelEvent, fields: readonly string[]): ChannelEvent {
  const copy = JSON.parse(JSON.stringify(event)) as Record<string, unknown>;
  const always = ["eventId", "type", "occurredAt", "sentAt", "identifiers"];
  for (const part of Object.keys(copy)) {
    if (always.includes(part) || fields.includes(part)) continue;
    if (part !== "traits" && part !== "preferences") delete copy[part];
    else {
      const entries = copy[part] as Record<string, unknown>;
      for (const name of Object.keys(entries)) if (!fields.includes(`${part}.${name}`)) delete entries[name];
    }
  }
  const claims = copy["identifiers"] as { namespace: string }[];
  copy["identifiers"] = claims.filter(
    ({ namespace }) => fields.includes("identifiers") || fields.includes(`identifiers.${namespace}`),
  );
  return copy as unknown as ChannelEvent;
}

const FIELDS = [
  "identifiers",
  "identifiers.customer",
  "identifiers.email",
  "identifiers.cookie",
  "traits",
  "traits.firstName",
  "traits.city",
  "order",
  "cart",
  "case",
  "consents",
  "preferences",
  "loyalty",
  "group",
  "replaced",
  "touch",
];

describe("the contract of a source", () => {
  it("people and outcomes are those of the events without the fields that have no legal basis (O1, P1)", async () => {
    const contracts = fc.record({
      fields: fc.subarray(FIELDS),
      sources: fc.subarray(["web", "store", "crm", "app"], { minLength: 1 }),
    });
    let dropped = 0;
    await fc.assert(
      fc.asyncProperty(usual, contracts, async ({ events }, { fields, sources }) => {
        const told = withBases(Object.fromEntries(fields.map((field) => [field, "contract"])), ...sources);
        const stripped = events.map((one) =>
          sources.includes(one.source) ? { ...one, event: strip(one.event, fields) } : one,
        );
        const [kept, oracle] = [await foldEach(events, told), await foldEach(stripped, configuration)];
        for (const count of kept.dropped.values()) dropped += count;
        deepEqual(withoutBases(await kept.readPeople()), withoutBases(await oracle.readPeople()));
        deepEqual(
          kept.outcomes.map(({ eventId, outcome, reason }) => `${eventId} ${outcome} ${reason}`),
          oracle.outcomes.map(({ eventId, outcome, reason }) => `${eventId} ${outcome} ${reason}`),
        );
      }),
      runs(300),
    );
    checkMet(dropped > 0);
  });

  it("a field without a legal basis is dropped and counted by its path, and the event is folded, once (O1, G2)", async () => {
    const told = withBases({ identifiers: "contract", "traits.firstName": "contract" }, "crm");
    const names = { customer: "C-1" };
    const fold = await foldEach(
      [
        tell("crm", 1, "traits-changed", names, { traits: { firstName: "Ana", birthDate: "1990-01-01" } }),
        tell("crm", 2, "traits-changed", names, { traits: { "ana@example.com is pregnant": true }, note: "private" }),
      ],
      told,
    );
    deepEqual(sortedEntries(fold.dropped), [
      ["crm note", 1],
      ["crm traits.*", 1],
      ["crm traits.birthDate", 1],
    ]);
    deepEqual(
      fold.outcomes.map(({ outcome }) => outcome),
      ["folded", "folded"],
    );
    const [profile] = (await fold.readPeople()).profiles;
    deepEqual(Object.keys(profile?.view.traits ?? {}), ["firstName"]);
  });

  it("an order for which its source has no legal basis is none, and the letter says so", async () => {
    const order = { orderId: "O-1", currency: "EUR", totalMinor: 100, lines: [] };
    const fold = await foldEach(
      [tell("crm", 1, "order-placed", { customer: "C-1" }, { order })],
      withBases({ identifiers: "contract" }, "crm"),
    );
    deepEqual(
      fold.outcomes.map(({ outcome, reason }) => [outcome, reason]),
      [["dead-lettered", "missing-order"]],
    );
    match(fold.outcomes[0]?.detail ?? "", /no legal basis/);
  });

  it("what has no legal basis does not reach the log of record", async () => {
    const registry = createRegistry(withBases({ identifiers: "contract" }, "web"), hash);
    const event: ChannelEvent = {
      eventId: "1",
      type: "page-viewed",
      occurredAt: START_MS,
      identifiers: [{ namespace: "cookie", value: "ck" }],
      traits: { birthDate: "1990-01-01" },
    };
    const write = (value: ChannelEvent) => new TextEncoder().encode(JSON.stringify(value));
    const { items, dropped } = await resolveBatch(
      {
        registry,
        index: new ComponentIndex(openMemoryIndex()),
        shards: 1,
        recent: new RecentEvents(),
        encodeEvent: write,
      },
      [{ source: "web", recordedAt: START_MS, event, bytes: write(event), backfill: false, traceparent: null }],
    );
    const bytes = (items.get(0) ?? []).flatMap(({ event: carried }) => (carried === null ? [] : [carried]));
    equal(bytes.length, 1);
    ok(!Buffer.concat(bytes).includes("1990-01-01"));
    deepEqual([...dropped], [["web traits.birthDate", 1]]);
  });

  it("fields that no event has are refused where they stand, and so is a contract that leaves nobody", () => {
    const folder = makeFolder("contract");
    const file = join(folder, "weft.yaml");
    writeFileSync(
      file,
      [
        "sources:",
        "  - name: web",
        "    allowedFields: [order.totalMinor, traits.firstName, trait]",
        "    legalBasisByField: { identifiers.emial: contract, oder: contract }",
        "  - name: crm",
        "    legalBasisByField: { order: contract }",
      ].join("\n"),
    );
    throws(
      () => loadConfiguration(file, {}),
      (error) => {
        ok(error instanceof ConfigurationError);
        deepEqual(
          error.problems.map(
            ({ line, path, message }) => `${line} ${path}: ${message.replace(/; declared are .*/, "")}`,
          ),
          [
            "3 sources[0].allowedFields[0]: no such field; of traits and preferences alone entries are named",
            '3 sources[0].allowedFields[2]: no such field (did you mean "traits"?)',
            '4 sources[0].legalBasisByField.identifiers.emial: no such namespace (did you mean "email"?)',
            '4 sources[0].legalBasisByField.oder: no such field (did you mean "order"?)',
            "6 sources[1].legalBasisByField: expected `identifiers`, or `identifiers.<namespace>`, among them: an event that names nobody is refused",
          ],
        );
        return true;
      },
    );
  });

  it("every key of the contract is explained", () => {
    const keys = new Set(explainKeys().map(({ key }) => key));
    for (const key of ["owner", "purpose", "legalBasis", "legalBasisByField", "allowedFields", "expectedDelay"])
      ok(keys.has(`sources[].${key}`), key);
  });

  it("a channel topic that no source reads refuses the start, and says what to declare", async () => {
    const folder = makeFolder("contract");
    const file = join(folder, "weft.yaml");
    const write = (kafka: string) =>
      writeFileSync(
        file,
        `${kafka}\nembedded: { file: ${join(folder, "weft.sqlite")} }\nengine: { shards: 1, stitchSlots: 1, resolverSlots: 1 }\n`,
      );
    write("");
    const spec = (name: string) => ({ name, partitions: 1, config: {} });
    const refused = await openRuntime(loadConfiguration(file, {}), { embedded: true });
    await refused.createTopics();
    await refused.wires.log.createTopics(["channel-kiosk", "channel-kiosk.dlq", "orders"].map(spec));
    await rejects(refused.startResolver(), (error: Error & { code?: string }) => {
      equal(error.code, "unregistered-topic");
      match(error.message, /no source reads channel-kiosk: .*\{ name: kiosk, owner: …, purpose: …, legalBasis: … \}/);
      return true;
    });
    await refused.close();
    write("kafka: { ignoredTopics: [channel-kiosk] }");
    const started = await openRuntime(loadConfiguration(file, {}), { embedded: true });
    await (await started.startResolver()).close();
    await started.close();
  });
});
