// Parts as bytes of the store: whatever histories leave behind reads back as it was written.

import { deepEqual, rejects } from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createComponent, openAbroad, type Component, type IdentifierState } from "#core/component.ts";
import { createFragment } from "#core/fragment.ts";
import { StoreDamaged } from "#ports/store.ts";
import { decodePart, encodeChanges, encodePart, readComponents, readParts } from "#services/wire/part.ts";
import { foldEach } from "#support/fold-events.ts";
import { history, visits } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";

/** Now and then somebody of so many cookies that her component takes pages. */
const anybody = fc.oneof({ arbitrary: history(2, 14), weight: 9 }, { arbitrary: visits(30, 60), weight: 1 });

test("parts of any history are the same bytes after reading and writing them", async () => {
  let [fragments, paged] = [0, 0];
  await fc.assert(
    fc.asyncProperty(anybody, async ({ events }) => {
      const fold = await foldEach(events);
      const components: Uint8Array[] = [];
      for await (const { key, value } of fold.store.scan(0, "")) {
        if (key.startsWith("c/")) components.push(value);
        else if (!key.startsWith("p/")) deepEqual(encodePart(decodePart({ key, value })).value, Buffer.from(value));
      }
      const whole = await readComponents((keys) => fold.store.load(0, keys), components);
      for (const component of whole) {
        const keys = new Set((component.pages ?? []).flatMap((page) => [...page]));
        paged += keys.size > 0 ? 1 : 0;
        for (const { key, value } of encodeChanges(component, keys, true))
          deepEqual(value, Buffer.from((await fold.store.load(0, [key]))[0] as Uint8Array), key);
        for (const { fragment } of component.identifiers.values()) fragments += fragment === null ? 0 : 1;
      }
    }),
    runs(200),
  );
  checkMet(fragments > 0 && paged > 0);
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

test("a component of many things is a head and pages; one page that is not there is damage, not less of it", async () => {
  const component = createComponent("0-a");
  for (let place = 0; place < 300; place += 1) openAbroad(component).told.set(`k${place} l`, place);
  const first = encodeChanges(component, new Set(), true);
  const stored = new Map(first.map(({ key, value }) => [key, value]));
  const load = async (keys: readonly string[]) => keys.map((key) => stored.get(key) ?? null);
  const read = async () => (await readParts(load, ["c/0-a"])).get("c/0-a") as Component;
  deepEqual((await read()).abroad?.told, component.abroad?.told);
  component.abroad?.told.set("k7 l", 1_000);
  const changed = encodeChanges(component, new Set(["k7 l"]), false);
  deepEqual(changed.length, 1);
  for (const { key, value } of changed) stored.set(key, value);
  deepEqual((await read()).abroad?.told.get("k7 l"), 1_000);
  const [page] = changed;
  stored.delete(page?.key ?? "");
  await rejects(read(), StoreDamaged);
});
