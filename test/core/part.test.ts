// Parts as bytes of the store: whatever histories leave behind reads back as it was written.

import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { componentPart, createComponent, openAbroad, type Component, type IdentifierState } from "#core/component.ts";
import { createFragment } from "#core/fragment.ts";
import { decodePart, encodePart, readComponents } from "#services/wire/part.ts";
import { foldEach } from "#support/fold-events.ts";
import { history, runs } from "#support/histories.ts";

test("parts of any history are the same bytes after reading and writing them", async () => {
  let fragments = 0;
  await fc.assert(
    fc.asyncProperty(history(2, 14), async ({ events }) => {
      const fold = await foldEach(events);
      const components: Uint8Array[] = [];
      for await (const { key, value } of fold.store.scan(0, "")) {
        if (key.startsWith("c/")) components.push(value);
        else deepEqual(encodePart(decodePart({ key, value })).value, Buffer.from(value));
      }
      const whole = await readComponents((keys) => fold.store.load(0, keys), components);
      for (const component of whole) {
        const stored = components.map((bytes) => Buffer.from(bytes));
        const { value } = encodePart({ key: componentPart(component.id), value: component });
        ok(stored.some((bytes) => bytes.equals(value as Uint8Array)));
        for (const { fragment } of component.identifiers.values()) fragments += fragment === null ? 0 : 1;
      }
    }),
    runs(200),
  );
  ok(fragments > 0);
});

test("names from outside are names, also those that a JavaScript object has of its own", () => {
  const fragment = createFragment();
  fragment.byType.set("__proto__", 1).set("toString", 2);
  fragment.traits.set(
    "constructor",
    new Map([["web/0", { value: null, source: "web", at: 1, eventId: "e", authenticated: false }]]),
  );
  const { value } = encodePart({ key: "i/k", value: { fragment, record: null } });
  const read = decodePart({ key: "i/k", value }).value as IdentifierState;
  deepEqual(read.fragment?.byType, fragment.byType);
  deepEqual([...(read.fragment?.traits.keys() ?? [])], ["constructor"]);
});

test("what waits at a component travels with it", () => {
  const component: Component = createComponent("0-a");
  const abroad = openAbroad(component);
  abroad.told.set("k l", 3);
  abroad.asked.add("0-b");
  abroad.looseOrders.add("o");
  abroad.arriving.set("0-c", [{ key: "o/1", value: { key: "1" } }]);
  const { value } = encodePart({ key: "c/0-a", value: component });
  deepEqual(decodePart({ key: "c/0-a", value }).value, component);
  const forwarder = { id: "0-c", forward: "0-a" };
  deepEqual(decodePart(encodePart({ key: "c/0-c", value: forwarder })).value, forwarder);
});
