// Histories in which erasures are functions of the set, and whom a request in one is about.

import { acceptEvent } from "#core/acceptance.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import { createRegistry } from "#core/registry.ts";
import type { ErasureDraft } from "#services/wire/erasure.ts";
import type { People } from "#services/wire/profile-reader.ts";
import { configuration, hash } from "./histories.ts";
import type { RecordedEvent } from "./oracle.ts";

const registry = createRegistry(configuration, hash);

/** As SPEC.md section 9 needs them: copies of an event are the same event, and an order is one person's. */
export function tellApart(events: readonly RecordedEvent[]): RecordedEvent[] {
  return alike(partOrders(events));
}

/** Of the events of one order all that name somebody name the same: whose part of an order is whose is told elsewhere. */
function partOrders(events: readonly RecordedEvent[]): RecordedEvent[] {
  let latest = "nobody";
  return events.map((recorded) => {
    const { event } = recorded;
    const acceptance = acceptEvent(registry, recorded.source, recorded.recordedAt, event);
    if (acceptance.ok && acceptance.accepted.identifiers.length > 0) latest = acceptance.accepted.anchor;
    const name = (orderId: string) => `${orderId}-${latest}`;
    const identifiers = event.identifiers.map((one) =>
      one.namespace === "order" ? { ...one, value: name(one.value) } : one,
    );
    const order =
      event.order === null || event.order === undefined
        ? {}
        : { order: { ...event.order, orderId: name(event.order.orderId) } };
    return { ...recorded, event: { ...event, identifiers, ...order } };
  });
}

/** Copies of an event are the same event, also once its order is named otherwise. */
function alike(events: readonly RecordedEvent[]): RecordedEvent[] {
  const first = new Map<string, RecordedEvent>();
  return events.map((one) => {
    const id = `${one.source} ${one.event.eventId}`;
    const known = first.get(id) ?? one;
    first.set(id, known);
    return { ...one, event: known.event };
  });
}

/** What is told a while after the instant, of nobody but identifiers of these keys, with what the events said of them. */
export function tellAgain(events: readonly RecordedEvent[], keys: readonly string[], atMs: number): RecordedEvent[] {
  return events.flatMap(({ source, event }, place) =>
    event.identifiers.flatMap((identifier, which) => {
      const anew = atMs + 1 + place;
      const told = {
        ...event,
        eventId: `${event.eventId}-${anew}-${which}`,
        occurredAt: anew,
        identifiers: [identifier],
      };
      const acceptance = acceptEvent(registry, source, anew, told);
      const isMeant = acceptance.ok && keys.includes(acceptance.accepted.anchor);
      return isMeant ? [{ source, recordedAt: anew, event: told }] : [];
    }),
  );
}

export interface Asking {
  /** Pick the person, and the identifier that she is named by. */
  readonly whom: number;
  readonly by: number;
}

/** Somebody who is there, by an identifier of hers that will do; null: nobody can ask. */
export async function draftRequest(
  state: { readPeople(): Promise<People>; draftErasure(namespace: string, value: string): Promise<ErasureDraft> },
  { whom, by }: Asking,
): Promise<Omit<ErasureRequest, "requestId" | "at"> | null> {
  const { profiles } = await state.readPeople();
  const profile = profiles[whom % Math.max(1, profiles.length)];
  if (profile === undefined) return null;
  const names = profile.identifiers.filter(({ state: held }) => held === "owned");
  for (let i = 0; i < names.length; i += 1) {
    const name = names[(by + i) % names.length];
    const draft = name === undefined ? null : await state.draftErasure(name.namespace, name.value);
    if (draft?.ok === true) return draft.keys;
  }
  return null;
}
