// A component that goes on as another one, so that its state comes onto the log as it is by now, and what is sealed under the keys
// of somebody who was erased is needed by nobody any more (erasing.ts).

import { componentPart, openAbroad, type Component } from "./component.ts";
import type { Engine } from "./engine.ts";
import type { ComponentId } from "./item.ts";
import type { Cause } from "./profile.ts";
import type { Workspace } from "./workspace.ts";

/**
 * With counts and versions of everybody else: nobody who folds the log anew needs what led there. Whoever takes the state in
 * destroys the keys. orders: parts of orders that were erased, which go along although nothing lists them.
 */
export function moveAway(
  { registry }: Engine,
  workspace: Workspace,
  component: Component,
  keys: readonly string[],
  orders: readonly string[],
  cause: Cause,
): void {
  if (keys.length === 0) return;
  const { forgets } = openAbroad(component);
  for (const key of [...keys, ...orders]) forgets.add(key);
  workspace.write(componentPart(component.id), component);
  const next = succeed(component.id, registry.hash(`component\n${component.id}\n${cause.source}\n${cause.eventId}`));
  workspace.joins.push({ a: component.id, b: next, cause });
}

/** An earlier component of the same class: joined with this one, it is what absorbs it. */
function succeed(id: ComponentId, hash: string): ComponentId {
  const [componentClass = "", recordedAt = ""] = id.split("-", 2);
  return `${componentClass}-${String(Number(recordedAt) - 1).padStart(recordedAt.length, "0")}-${hash}`;
}
