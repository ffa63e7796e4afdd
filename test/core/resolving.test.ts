// Resolving over an index that fails in the middle of a batch.

import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { Erasures } from "#core/erasure.ts";
import { identifierKey } from "#core/identifier.ts";
import { createRegistry } from "#core/registry.ts";
import { interleaveProgress } from "#services/resolver/progress.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch, type Arrival } from "#services/resolver/resolver.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { configuration, hash } from "#support/histories.ts";
import { openLossyIndex } from "#support/lossy-index.ts";

const registry = createRegistry(configuration, hash);

function arrive(eventId: string, recordedAt: number, visitor = "ck"): Arrival {
  const event = {
    eventId,
    type: "page-viewed",
    occurredAt: Date.UTC(2026, 0, 5),
    identifiers: [{ namespace: "cookie", value: visitor }],
  };
  return { source: "web", recordedAt, event, bytes: new Uint8Array(), backfill: false, traceparent: null };
}

describe("a batch that is resolved", () => {
  it("finds no copies of itself when the index failed and it is tried again (O1)", async () => {
    const memory = openMemoryIndex();
    let failures = 1;
    const index = new ComponentIndex({
      ...memory,
      putIfAbsent: async (entries) => {
        if (failures-- > 0) throw new Error("the index is away");
        return memory.putIfAbsent(entries);
      },
    });
    const options = { registry, index, shards: 1, recent: new RecentEvents() };
    const batch = [arrive("1", Date.UTC(2026, 0, 6))];
    await rejects(resolveBatch(options, batch));
    const second = await resolveBatch(options, batch);
    deepEqual(second.duplicates, []);
    equal(second.items.get(0)?.length, 1);
  });

  for (const isLost of [false, true])
    it(`tells of a join that its first attempt made, and ${isLost ? "makes it again where it was lost" : "has made"} (S2)`, async () => {
      const lossy = openLossyIndex();
      const index = new ComponentIndex(lossy.index);
      const options = { registry, index, shards: 1, recent: new RecentEvents() };
      const at = Date.UTC(2026, 0, 6);
      await resolveBatch(options, [arrive("1", at, "one"), arrive("2", at, "other")]);
      const joining = arrive("3", at);
      const identifiers = ["one", "other"].map((value) => ({ namespace: "cookie", value }));
      let isFirst = true;
      const isSound = async (): Promise<boolean> => {
        if (!isFirst) return true;
        isFirst = false;
        if (isLost) await lossy.loseLast(1);
        index.forget();
        return false;
      };
      const { items } = await resolveBatch({ ...options, isSound }, [
        { ...joining, event: { ...joining.event, identifiers } },
      ]);
      const absorbs = (items.get(0) ?? []).flatMap(({ item }) => (item.kind === "absorb" ? [item] : []));
      equal(absorbs.length, 1);
      const [{ component, into }] = absorbs as [(typeof absorbs)[number]];
      const roots = await new ComponentIndex(lossy.index).findRoots([component, into]);
      equal(roots.get(component), roots.get(into));
    });

  it("brings a request to forget somebody between what was recorded before it and after it (G1, T2)", async () => {
    const options = { registry, index: new ComponentIndex(openMemoryIndex()), shards: 1, recent: new RecentEvents() };
    const at = Date.UTC(2026, 0, 6);
    await resolveBatch(options, [arrive("met", at, "hers")]);
    const nobody = { orders: [], claimed: [], shared: [], objections: [], contacts: [] };
    const own = [identifierKey(registry, "cookie", "hers")];
    const erasures = new Erasures();
    const requests = ["request", "again"].map((requestId, n) => ({ requestId, at: at + 100 + n, own, ...nobody }));
    for (const request of requests) erasures.add(request);
    const batch = [50, 100, 101, 200].map((ms) => arrive(`at ${ms}`, at + ms, "another's"));
    const { items } = await resolveBatch({ ...options, erasures, requests }, batch);
    const told = interleaveProgress(items.get(0) ?? [], {
      slot: 0,
      fromMs: at,
      upToMs: at + 200,
      stepMs: 50,
      completeUpToMs: {},
    });
    deepEqual(
      told.map(({ item }) => (item.kind === "event" ? item.eventId : item.kind === "progress" ? item.timeMs - at : "")),
      [50, "at 50", 100, "at 100", "request", "at 101", "again", 200, "at 200"],
    );
  });

  it("drops copies within itself and of earlier batches, and lets an earlier record of one pass (P1, I1)", async () => {
    const recent = new RecentEvents();
    const options = { registry, index: new ComponentIndex(openMemoryIndex()), shards: 1, recent };
    const at = Date.UTC(2026, 0, 6);
    const first = await resolveBatch(options, [arrive("1", at), arrive("1", at)]);
    equal(first.duplicates.length, 1);
    const second = await resolveBatch(options, [arrive("1", at + 1), arrive("1", at - 1)]);
    equal(second.duplicates.length, 1);
    equal(second.items.get(0)?.length, 1);
  });

  it("drops what says something else under an id that was read before, whenever it was recorded (P1)", async () => {
    const at = Date.UTC(2026, 0, 6);
    const index = new ComponentIndex(openMemoryIndex());
    const options = { registry, index, shards: 1, recent: new RecentEvents() };
    const first = await resolveBatch(options, [arrive("1", at), arrive("1", at, "other"), arrive("2", at, "other")]);
    deepEqual([first.duplicates.length, first.items.get(0)?.length], [1, 2]);
    const second = await resolveBatch(options, [arrive("1", at - 1, "other"), arrive("1", at + 1, "other")]);
    deepEqual([second.duplicates.length, second.items.get(0)?.length], [2, undefined]);
    // The promise ends where nobody remembers: another slot, and whoever takes the slot over, begin with nothing.
    const third = await resolveBatch({ ...options, recent: new RecentEvents() }, [arrive("1", at + 1, "other")]);
    equal(third.duplicates.length, 0);
  });
});
