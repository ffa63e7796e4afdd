// Who is named first by a tie has no name yet: a tie is sealed without the values of what lives elsewhere, and its home may have
// become this one since. The name comes with the event itself, which waits here until another hand-over has come.

import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import type { Output } from "#core/effect.ts";
import type { Component } from "#core/component.ts";
import { componentPart } from "#core/component.ts";
import { createEngine } from "#core/engine.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { EventItem, RoutedIdentifier } from "#core/item.ts";
import { publishChanges } from "#core/publication.ts";
import { applyItem } from "#core/step.ts";
import { Workspace } from "#core/workspace.ts";
import { configuration, hash } from "#support/histories.ts";

const HOME = `0-${"5".padStart(13, "0")}-${"h".repeat(22)}`;
const visit: ChannelEvent = { eventId: "e", type: "page-viewed", occurredAt: 400, identifiers: [] };
const engine = createEngine({ configuration, hash, resolverSlots: 1, decode: () => visit });

const told = (namespace: string, value: string, assurance: RoutedIdentifier["assurance"]): RoutedIdentifier => ({
  namespace,
  value,
  key: namespace,
  assurance,
  birth: HOME,
  local: value !== "",
});

function item(role: EventItem["role"], eventId: string, identifiers: readonly RoutedIdentifier[]): EventItem {
  return {
    kind: "event",
    component: HOME,
    role,
    ruling: null,
    source: "crm",
    eventId,
    recordedAt: 500,
    backfill: false,
    traceparent: null,
    anchor: "customer",
    identifiers,
    order: null,
  };
}

/** Applies them, a bundle each; what each tells of the profiles. */
function tellEach(items: readonly EventItem[]): { outputs: Output[][]; component: Component } {
  const parts = new Map<string, unknown>();
  const outputs = items.map((one) => {
    const workspace = new Workspace(parts, new Map());
    const steps = applyItem(engine, workspace, { item: one, event: one.role === "anchor" ? Uint8Array.of(1) : null });
    for (let next = steps.next(); next.done !== true; next = steps.next())
      if (next.value.kind === "parts") for (const key of next.value.keys) if (!parts.has(key)) parts.set(key, null);
    publishChanges(engine, workspace);
    return workspace.effects.filter(({ kind }) => kind === "profile-state") as Output[];
  });
  return { outputs, component: parts.get(componentPart(HOME)) as Component };
}

const listNames = (outputs: readonly Output[]) =>
  outputs.flatMap((one) =>
    one.kind === "profile-state" && one.state !== null
      ? one.state.identifiers.map(({ namespace, value }) => `${namespace}=${value}`)
      : [],
  );

for (const [namespace, assurance] of [
  ["email", "claimed"],
  ["email", "authenticated"],
  ["cookie", "authenticated"],
] as const)
  test(`the name of a ${assurance} ${namespace} that a tie told of first is told as soon as it is known (O2)`, () => {
    const customer = told("customer", "c-1", "authenticated");
    const tie = item("tie", "t", [customer, told(namespace, "", assurance)]);
    const { outputs, component } = tellEach([
      item("anchor", "a", [customer]),
      tie,
      item("anchor", "e", [customer, told(namespace, "n-1", assurance)]),
    ]);
    equal(component.identifiers.get(namespace)?.value, "n-1");
    deepEqual(
      listNames(outputs[1] ?? []).filter((one) => one !== "customer=c-1"),
      [],
      "nothing is told without a name",
    );
    deepEqual(listNames(outputs[2] ?? []), [`customer=c-1`, `${namespace}=n-1`].toSorted());
  });
