// A person may have any number of cookies: what is written of her stays below what a record may have (O1, O4).

import { deepEqual, equal, ok } from "node:assert/strict";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { recordEntry } from "#core/assertion.ts";
import { createComponent, joinSlices, openAbroad, sliceComponent, type Component } from "#core/component.ts";
import { evidenceKey, type Entry } from "#core/component.ts";
import { LISTED_IDENTIFIERS_MAX } from "#core/listing.ts";
import { createRegistry } from "#core/registry.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { BUNDLE_BYTES_MAX, encodeBundles, readBundle, type BundleValue } from "#services/wire/bundle.ts";
import { createOutputEncoder } from "#services/wire/output.ts";
import { configuration, hash } from "#support/histories.ts";

const START_MS = Date.UTC(2026, 2, 2);
const COOKIES = 400;
const RECORD_BYTES_MAX = 64 * 1024;

const registry = createRegistry(configuration, hash);
const schemasDirectory = resolve(import.meta.dirname, "../../schemas");
const codec = await openLocalCodec({ schemasDirectory });

function visit(place: number): FoldEvent {
  const recordedAt = START_MS + place * 1000;
  const identifiers = [
    { namespace: "customer", value: "c-ana" },
    { namespace: "cookie", value: `visitor-${place}` },
  ];
  const event = { eventId: `v${place}`, type: "page-viewed", occurredAt: recordedAt, identifiers };
  return { source: "web", recordedAt, event };
}

async function foldVisits(): Promise<Fold> {
  const fold = new Fold({ configuration, hash });
  await fold.add(Array.from({ length: COOKIES }, (_, place) => visit(place)));
  return fold;
}

/** As a home has it that has taken in one visitor after the other. */
function gather(cookies: number): Component {
  const component = createComponent("0-0000000000001-aaaaaaaaaaaaaaaaaaaaaa");
  for (let place = 0; place < cookies; place += 1) {
    const key = hash(`${place}`);
    const stamp = { t: START_MS + place, source: "web", eventId: `v${place}` };
    const birth = `1-${START_MS + place}-${hash(`birth ${place}`)}`;
    component.held.add(birth);
    const cookie = { namespace: "cookie", value: `visitor-${place}`, key, birth, local: true } as const;
    recordEntry(registry, component, { ...cookie, assurance: "authenticated" }, stamp, false);
    Object.assign(component.identifiers.get(key) as Entry, { statusVersion: 1, profile: "c-ana" });
    const evidence = { a: "c-ana", b: key, source: "web", assurance: "authenticated", stamp } as const;
    component.evidence.set(evidenceKey("c-ana", key, "web", "authenticated"), evidence);
  }
  return component;
}

describe(`a person of ${COOKIES} cookies`, async () => {
  const fold = await foldVisits();

  it("is told in records that name the best of her identifiers and say how many there are (O4)", async () => {
    const topics = {
      profileChanged: "profile-changed",
      segmentTransition: "segment-transition",
      identityChanged: "identity-changed",
      profileSignal: "profile-signal",
      profileState: "profile-state",
      identityAlias: "identity-alias",
      profileErased: "profile-erased",
    };
    const encode = await createOutputEncoder(codec, topics);
    const largest = Math.max(
      ...fold.outputs.map((output) => encode(output, { shard: 0, offset: 1, step: 0 }).value?.length ?? 0),
    );
    ok(largest < RECORD_BYTES_MAX, `${largest} bytes`);
    const last = fold.outputs.findLast(({ kind }) => kind === "profile-state");
    ok(last?.kind === "profile-state" && last.state !== null);
    equal(last.state.identifiersCount, COOKIES + 1);
    equal(last.state.identifiers.length, LISTED_IDENTIFIERS_MAX);
    ok(last.state.identifiers.some(({ namespace }) => namespace === "customer"));
    const { profiles } = await fold.readPeople();
    equal(profiles[0]?.identifiers.length, COOKIES + 1, "a reader of the profile sees all");
  });

  it("is handed over in slices, each of which fits a bundle, and is the same when they are put together", async () => {
    const component = gather(20_000);
    const encode = (await codec.encoder("weft.resolved", "ResolvedBundle")) as (value: BundleValue) => Uint8Array;
    const slices = sliceComponent(component);
    ok(slices.length > 1);
    const parts = slices.map((value) => ({ key: `c/${component.id}`, value }));
    const cause = { source: null, eventId: null, at: 0, occurredAt: null, backfill: false, traceparent: null };
    const item = { kind: "handover", component: "0-a", from: component.id, last: true, parts, cause } as const;
    const records = encodeBundles(encode, 0, 0, [{ item, event: null }]);
    ok(records.length > 1 && records.every(({ length }) => length < BUNDLE_BYTES_MAX * 1.1));
    const items = records.flatMap((record) => {
      const decoded = codec.decode(record);
      ok(decoded.ok);
      return readBundle(decoded.value as BundleValue);
    });
    const chunks = items.flatMap((read) => (read.item.kind === "handover" ? [read.item] : []));
    deepEqual(
      chunks.map(({ last }) => last),
      [...chunks.slice(1).map(() => false), true],
    );
    const joined = joinSlices(chunks.flatMap((chunk) => chunk.parts.map(({ value }) => value as Component)));
    deepEqual([...(joined?.identifiers.keys() ?? [])].sort(), [...component.identifiers.keys()].sort());
    deepEqual([...(joined?.evidence.keys() ?? [])].sort(), [...component.evidence.keys()].sort());
    deepEqual(joined?.held, component.held);
  });
});

it("a component with much abroad comes back from its slices with all of it", () => {
  const component = createComponent("0-a");
  const abroad = openAbroad(component);
  for (let place = 0; place < 2_500; place += 1) {
    const key = `far-${place}`;
    abroad.far.set(key, { key, namespace: "customer", birth: "0-b", version: 0, status: null });
  }
  abroad.asked.add("0-c");
  abroad.looseOrders.add("o-1");
  const joined = joinSlices(sliceComponent(component));
  deepEqual(joined?.abroad, abroad);
});
