// What an identifier is called at a home that hears of it first from a tie, which is sealed without the values of what lives
// elsewhere.

import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { recordEntry } from "#core/assertion.ts";
import { createComponent } from "#core/component.ts";
import type { RoutedIdentifier } from "#core/item.ts";
import { createRegistry } from "#core/registry.ts";
import { findSubject } from "#core/subject.ts";
import { configuration, hash } from "#support/histories.ts";

const registry = createRegistry(configuration, hash);
const stamp = { t: 1, source: "crm", eventId: "e" };

function name(namespace: string, value: string): RoutedIdentifier {
  return { namespace, value, key: "k", assurance: "authenticated", birth: "0-1-b", local: true };
}

function tellEach(told: readonly (readonly [namespace: string, value: string])[]) {
  const component = createComponent("0-1-b");
  return told.map(([namespace, value]) => {
    const isNews = recordEntry(registry, component, name(namespace, value), stamp, false);
    const entry = component.identifiers.get("k");
    return [isNews, entry?.namespace, entry?.value];
  });
}

test("whoever is told of by a tie first is called as soon as somebody says how, and that is news (I1, P1)", () => {
  deepEqual(
    tellEach([
      ["crm-contact", ""],
      ["crm-contact", "m-1"],
      ["crm-contact", ""],
    ]),
    [
      [true, "crm-contact", ""],
      [true, "crm-contact", "m-1"],
      [false, "crm-contact", "m-1"],
    ],
  );
});

test("a digest is not taken for the address that it is of", () => {
  deepEqual(
    tellEach([
      ["email", ""],
      ["email-sha256", "digest"],
      ["email", "ana@example.fr"],
    ]).map(([, ...called]) => called),
    [
      ["email", ""],
      ["email", ""],
      ["email", "ana@example.fr"],
    ],
  );
});

test("nobody is asked to forget whom something without a name belongs to: its first life would be another's (G1)", () => {
  const component = createComponent("0-1-b");
  const isSettled = ["", "m-1"].map((value) => {
    recordEntry(registry, component, name("crm-contact", value), stamp, false);
    Object.assign(component.identifiers.get("k") ?? {}, { profile: "k" });
    return findSubject(registry, component, "k").isSettled;
  });
  deepEqual(isSettled, [false, true]);
});
