// What of an item still counts at a home that has forgotten somebody (erasing.ts): nothing under keys that ended with it, for
// nobody will read it again, and no facts of before.

import { isAuthenticated } from "./configuration.ts";
import type { Component, Entry } from "./component.ts";
import { instantOf } from "./erasure.ts";
import { type Carried, type EventItem, findSealer, keyName, type RoutedIdentifier } from "./item.ts";
import { type Order, orderPart } from "./order.ts";
import type { Workspace } from "./workspace.ts";

type Identifiers = Pick<Component, "identifiers" | "abroad">;

/**
 * The item without what it says under keys that an erasure has ended: that counts as not readable, as it will be. Whoever had
 * it on its way may have written these keys anew, so they are forgotten again.
 */
export function shred(workspace: Workspace, component: Component, carried: Carried<EventItem>): Carried<EventItem> {
  const { item, event } = carried;
  const { order } = item;
  const over = item.identifiers.filter((one) => isOver(component, one));
  const isOrderOver = order?.local === true && workspace.read<Order>(orderPart(order.key))?.erased === true;
  if (over.length === 0 && !isOrderOver) return carried;
  const sealer = findSealer(item);
  const isSealedOver = sealer === order ? isOrderOver : isOver(component, sealer);
  const keys = [...over, ...(isOrderOver ? [order] : [])].filter(({ value }) => value !== "").map(keyName);
  if (isSealedOver && event !== null) keys.push(keyName(sealer));
  forgetAgain(workspace, component, keys);
  const identifiers = item.identifiers.map((one) => (over.includes(one) ? hide(component, one) : one));
  const left = { ...item, identifiers, order: isOrderOver ? { ...order, value: "" } : order };
  return { item: left, event: isSealedOver ? null : event };
}

/**
 * Not before they are forgotten with the hand-over that makes them needless (erasing.ts): what came before that has perhaps not
 * been told.
 */
export function forgetAgain(workspace: Workspace, { abroad }: Component, names: readonly string[]): void {
  const keys = names.filter((name) => abroad?.forgets.has(name) !== true);
  if (keys.length > 0) workspace.effects.push({ kind: "keys-forgotten", keys });
}

function isOver(component: Component, { key, rotation = 0 }: Pick<RoutedIdentifier, "key" | "rotation">): boolean {
  const erased = component.identifiers.get(key)?.erased ?? null;
  return isLifeOver(component, key) || (erased !== null && rotation < erased.rotation);
}

/** Of a life that has ended, whether or not anything of it has come. */
export function isLifeOver({ identifiers, abroad }: Identifiers, key: string): boolean {
  return identifiers.get(key)?.erased?.kind === "own" || abroad?.ended.has(key) === true;
}

/** Evidence is all that is left of it. */
function hide(component: Identifiers, one: RoutedIdentifier): RoutedIdentifier {
  return { ...one, value: "", erased: isLifeOver(component, one.key) ? "own" : "claimed" };
}

/** Whether the facts of an event that is anchored here are none any more. */
export function isErasedFor(entry: Entry, item: EventItem, occurredAt: number): boolean {
  const { erased } = entry;
  if (erased === null) return false;
  if (erased.kind === "own") return true;
  if (instantOf(item.recordedAt, occurredAt) > erased.at) return false;
  return erased.kind === "shared" || item.identifiers.find(({ key }) => key === entry.key)?.assurance === "claimed";
}

/**
 * An item that waits here, as it is to be applied when it no longer has to: what of it stays is under the keys that follow, and
 * nothing else of hers stays in the store meanwhile. orders: keys of those that are erased.
 */
export function silence(
  component: Identifiers,
  { item, event }: Carried<EventItem>,
  orders: ReadonlySet<string>,
): Carried<EventItem> {
  const identifiers = item.identifiers.map((one) => silenceIdentifier(component, item, one));
  const { key } = findSealer(item);
  const entry = component.identifiers.get(key);
  const isSilent =
    orders.has(key) || isLifeOver(component, key) || (entry !== undefined && isErasedFor(entry, item, item.recordedAt));
  return { item: { ...item, identifiers }, event: isSilent ? null : event };
}

/** Of what only claims had tied to her what somebody knows, or says later, is still to be said when it is applied. */
function silenceIdentifier(component: Identifiers, { recordedAt }: EventItem, one: RoutedIdentifier): RoutedIdentifier {
  if (isLifeOver(component, one.key)) return hide(component, one);
  const erased = component.identifiers.get(one.key)?.erased ?? null;
  if (erased === null) return one;
  const isKept = !erased.hidden || isAuthenticated(one.assurance) || recordedAt > erased.at;
  return isKept ? { ...one, rotation: Math.max(one.rotation ?? 0, erased.rotation) } : hide(component, one);
}
