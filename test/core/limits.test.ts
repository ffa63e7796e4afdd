// Limits keep what the set says, whatever the order, and each hit is told (O4, P1).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Scalar } from "#core/event.ts";
import {
  createFragment,
  EVENT_TYPES_COUNTED_MAX,
  foldEvent,
  OTHER_TYPES,
  TRAIT_LENGTH_MAX,
  TRAITS_MAX,
} from "#core/fragment.ts";
import { DUPLICATE_WINDOW_EVENTS, eventMark, rememberEvent, type EventWindow } from "#core/event-window.ts";
import { createRegistry } from "#core/registry.ts";
import type { EventItem } from "#core/item.ts";
import { addOrderFact, createOrder, ORDER_EVENTS_MAX } from "#core/order.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { createHash } from "#services/wire/hash.ts";

const registry = createRegistry(loadConfiguration(undefined, {}).configuration, createHash("a key for tests"));

function item(eventId: string, recordedAt = 0): EventItem {
  return {
    kind: "event",
    component: "",
    role: "anchor",
    ruling: null,
    source: "web",
    eventId,
    recordedAt,
    backfill: false,
    traceparent: null,
    anchor: "",
    identifiers: [],
    order: null,
  };
}

function event(eventId: string, type: string, traits: Record<string, Scalar> = {}) {
  return { eventId, type, occurredAt: 0, identifiers: [], traits };
}

describe("limits", () => {
  it("keep the same traits in whatever order they come, and tell each one left out", () => {
    const names = Array.from({ length: TRAITS_MAX + 5 }, (_, i) => `trait-${String(i).padStart(4, "0")}`);
    const [forwards, backwards] = [createFragment(), createFragment()];
    const hits = names.flatMap((name) =>
      foldEvent(registry, forwards, item(name), event(name, "page-viewed", { [name]: 1 })),
    );
    for (const name of names.toReversed())
      foldEvent(registry, backwards, item(name), event(name, "page-viewed", { [name]: 1 }));
    deepEqual([...forwards.traits.keys()].sort(), names.slice(0, TRAITS_MAX));
    deepEqual([...backwards.traits.keys()].sort(), names.slice(0, TRAITS_MAX));
    deepEqual(hits, ["traits", "traits", "traits", "traits", "traits"]);
  });

  it("count types beyond the limit together, in whatever order they come", () => {
    const types = Array.from({ length: EVENT_TYPES_COUNTED_MAX + 3 }, (_, i) => `type-${String(i).padStart(3, "0")}`);
    const [forwards, backwards] = [createFragment(), createFragment()];
    for (const type of types) foldEvent(registry, forwards, item(type), event(type, type));
    for (const type of types.toReversed()) foldEvent(registry, backwards, item(type), event(type, type));
    deepEqual(forwards.byType, backwards.byType);
    equal(forwards.byType.get(OTHER_TYPES), 3);
  });

  it("cut a long text and tell it", () => {
    const fragment = createFragment();
    deepEqual(
      foldEvent(registry, fragment, item("e"), event("e", "traits-changed", { bio: "x".repeat(TRAIT_LENGTH_MAX + 1) })),
      ["trait-length"],
    );
    equal(String(fragment.traits.get("bio")?.get("web/0")?.value).length, TRAIT_LENGTH_MAX);
  });

  it("bound the window of duplicates by forgetting the earliest record", () => {
    const window: EventWindow = new Map();
    for (let i = 0; i <= DUPLICATE_WINDOW_EVENTS; i += 1) rememberEvent(window, eventMark(item(`e${i}`, i)), i);
    equal(window.size, DUPLICATE_WINDOW_EVENTS);
    ok(![...window.values()].includes(0));
  });

  it("keep the earliest recorded events of an order, in whatever order they come", () => {
    const fill = (order: number[]) => {
      const filled = createOrder("o", "", "web/1");
      const results = order.map((i) =>
        addOrderFact(filled, item(`e${String(i).padStart(3, "0")}`, i), {
          ...event(`e${i}`, "order-updated"),
          order: { orderId: "1" },
        }),
      );
      return { ids: filled.facts.map(({ eventId }) => eventId), results };
    };
    const numbers = Array.from({ length: ORDER_EVENTS_MAX + 2 }, (_, i) => i);
    const forwards = fill(numbers);
    deepEqual(forwards.ids, fill(numbers.toReversed()).ids);
    deepEqual(forwards.results.slice(-2), ["limit", "limit"]);
  });
});
