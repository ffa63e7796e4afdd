// A file of a source comes in by several resolver slots: what one of them has read of it says nothing of the others (T2).

import { deepEqual } from "node:assert/strict";
import { it } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryStore } from "#adapters/memory/store.ts";
import type { Output } from "#core/effect.ts";
import { createEngine } from "#core/engine.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Carried } from "#core/item.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { RecentEvents } from "#services/resolver/recent-events.ts";
import { resolveBatch } from "#services/resolver/resolver.ts";
import { ShardStitcher } from "#services/stitcher/shard.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { createHash } from "#services/wire/hash.ts";

const { configuration } = loadConfiguration(undefined, {});
const HOUR_MS = 3_600_000;
const DAY = Date.UTC(2026, 2, 2);
const hour = (hours: number) => DAY + hours * HOUR_MS;
const lines = [{ productId: "coat", quantity: 1, unitPriceMinor: 12_000 }];

it("a till file that came by two slots draws no reminder for a purchase that the slower one holds", async () => {
  const events: ChannelEvent[] = [];
  const engine = createEngine({
    configuration,
    hash: createHash("a key for tests"),
    resolverSlots: 2,
    decode: (bytes) => events[bytes[0] ?? 0] as ChannelEvent,
  });
  const outputs: Output[] = [];
  const index = new ComponentIndex(openMemoryIndex());
  const stitcher = new ShardStitcher(
    {
      engine,
      store: openMemoryStore(),
      shards: 1,
      resolvedTopic: "weft.resolved",
      encodeBundle: () => new Uint8Array(),
      encodeOutput: () => ({ topic: "", key: null, value: null }),
      findRoots: (components) => index.findRoots(components),
      prepareEvents: async () => {},
      join: (request) => index.join(request),
      onOutputs: (more) => outputs.push(...more),
    },
    0,
    0,
    { offset: 0, step: 0 },
  );
  let offset = 0;
  const apply = (items: readonly Carried[]) =>
    stitcher.apply([{ offset: offset++, items }], { offset, step: 0 }, { offset: 0, step: 0 });
  const send = async (source: string, at: number, recordedAt: number, named: Record<string, string>, parts: object) => {
    const event: ChannelEvent = {
      eventId: `e${events.length}`,
      type: "order" in parts ? "order-placed" : "product-added",
      occurredAt: at,
      identifiers: Object.entries(named).map(([namespace, value]) => ({ namespace, value })),
      ...parts,
    };
    const arrival = {
      source,
      recordedAt,
      event,
      bytes: new Uint8Array([events.push(event) - 1]),
      backfill: false,
      traceparent: null,
    };
    const { items } = await resolveBatch({ registry: engine.registry, index, shards: 1, recent: new RecentEvents() }, [
      arrival,
    ]);
    await apply(items.get(0) ?? []);
  };
  const tick = (slot: number, timeMs: number, completeUpToMs: Record<string, number> = {}) =>
    apply([{ item: { kind: "progress", slot, timeMs, completeUpToMs }, event: null }]);
  const order = (orderId: string) => ({ order: { orderId, currency: "EUR", totalMinor: 12_000, lines } });

  await send("crm", hour(9), hour(9), { customer: "C-1", card: "2099" }, { traits: {} });
  await send("web", hour(10), hour(10), { customer: "C-1" }, { cart: { currency: "EUR", totalMinor: 12_000, lines } });
  for (const slot of [0, 1]) await tick(slot, hour(44));
  // At hour 45 the file of yesterday is there. Slot 0 has read its part, up to closing time; slot 1 reads more slowly.
  await send("store", hour(35), hour(45), { card: "2088" }, order("last-of-the-day"));
  await tick(0, hour(45) + 1_000, { store: hour(35) });
  await send("store", hour(11), hour(45), { card: "2099" }, order("bought"));
  await tick(1, hour(45) + 2_000, { store: hour(11) });
  await tick(0, hour(45) + 2_000);
  deepEqual(
    outputs.filter(({ kind }) => kind === "signal"),
    [],
  );
});
