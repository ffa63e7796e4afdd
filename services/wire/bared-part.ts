// A part of a hand-over without what it says of people: who is connected to whom, and the numbers of profiles. With it a
// home whose hand-over nobody can read any more folds on until it hands over itself, in a state that nobody is told of.

import { type Component, identifierOf, isComponentPart, type IdentifierState, type Part } from "#core/component.ts";
import { createProfileRecord } from "#core/profile.ts";

/** Null: nothing would be left. */
function barePart({ key, value }: Part): Part | null {
  if (isComponentPart(key)) return { key, value: bareComponent(value as Component) };
  if (identifierOf(key) === null) return null;
  const { record } = value as IdentifierState;
  if (record === null) return null;
  const { id, alive, published, version, transitions, changes, aliasOf } = record;
  const numbers = { ...createProfileRecord(id), alive, published, version, transitions, changes, aliasOf };
  return { key, value: { fragment: null, record: numbers } satisfies IdentifierState };
}

function bareComponent(component: Component): Component {
  const identifiers = [...component.identifiers].map(
    ([key, entry]) => [key, { ...entry, value: "", fragment: null, ordersListed: 0 }] as const,
  );
  const { abroad } = component;
  return {
    ...component,
    identifiers: new Map(identifiers),
    abroad: abroad && {
      ...abroad,
      looseOrders: new Set(),
      arriving: new Map([...abroad.arriving].map(([from, parts]) => [from, bareParts(parts)])),
    },
  };
}

export function bareParts(parts: readonly Part[]): Part[] {
  return parts.flatMap((part) => barePart(part) ?? []);
}
