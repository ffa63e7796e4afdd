// A source is tried out before it is let in (S14): its events pass the door, and what they would do to who is who is weighed
// over the homes of the identifiers that they name. Nothing is written.

import { acceptEvent, type AcceptedEvent, type DeadLetterReason } from "#core/acceptance.ts";
import type { Component } from "#core/component.ts";
import type { Erasures } from "#core/erasure.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Holds } from "#core/hold.ts";
import { hasFolded } from "#core/event-window.ts";
import { isGivenUp } from "#core/ruling.ts";
import { rehearse, type Rehearsal } from "#core/rehearsal.ts";
import { gatherWorld } from "#core/supposition.ts";
import { locateLife, type LookupServices } from "./location.ts";

/** All of them, and the homes that they touch, are held in memory. */
export const REHEARSED_MAX = 100_000;

export interface Rehearsed {
  readonly source: string;
  readonly recordedAt: number;
  readonly event: ChannelEvent;
}

export type Fate =
  | { readonly fate: "accepted" | "repeated" | "known" | "suppressed" }
  | { readonly fate: "refused"; readonly reason: DeadLetterReason; readonly detail: string };

export interface RehearsalReport extends Omit<Rehearsal, "missing"> {
  /** Of each event. repeated: it is there before. known: it is in the log already. suppressed: of somebody who was erased. */
  readonly fates: readonly Fate[];
}

export async function rehearseEvents(
  services: LookupServices,
  erasures: Erasures,
  events: readonly Rehearsed[],
  holds?: Holds,
): Promise<RehearsalReport> {
  const { registry } = services.engine;
  const homes = new Map<string, Component>();
  const places = new Map<string, string | null>();
  const fates: Fate[] = [];
  const told: { readonly place: number; readonly accepted: AcceptedEvent }[] = [];
  const seen = new Set<string>();
  const visit = async (key: string): Promise<Component | null> => {
    const known = places.get(key);
    if (known !== undefined) return known === null ? null : (homes.get(known) ?? null);
    const located = await locateLife(services, key);
    places.set(key, located?.component.id ?? null);
    if (located !== null && !homes.has(located.component.id)) homes.set(located.component.id, located.component);
    return located?.component ?? null;
  };
  for (const [place, { source, recordedAt, event }] of events.entries()) {
    const acceptance = acceptEvent(registry, source, recordedAt, event, holds);
    if (!acceptance.ok) {
      fates.push({ fate: "refused", reason: acceptance.reason, detail: acceptance.detail });
      continue;
    }
    const accepted = erasures.apply(registry, acceptance.accepted);
    for (const { key } of accepted.identifiers) await visit(key);
    const window = (await visit(accepted.anchor))?.identifiers.get(accepted.anchor)?.fragment?.seen;
    const id = `${source}\n${event.eventId}`;
    const isKnown = window !== undefined && hasFolded(window, source, event.eventId);
    const fate = seen.has(id)
      ? "repeated"
      : isKnown
        ? "known"
        : accepted.suppressed === true
          ? "suppressed"
          : "accepted";
    fates.push({ fate });
    seen.add(id);
    if (fate === "accepted") told.push({ place, accepted });
  }
  for (;;) {
    const components = [...homes.values()];
    const standings = {
      holders: new Map(components.flatMap(listHolders)),
      namings: new Map(components.flatMap(listNamings)),
    };
    const accepted = told.map((one) => one.accepted);
    const { missing, conflicts, ...rest } = rehearse(services.engine, copyWorld(components), standings, accepted);
    const far = components.flatMap(({ abroad }) => [...(abroad?.far.values() ?? [])]);
    const wanted = far.filter(({ key, birth }) => missing.has(birth) && !places.has(key));
    if (wanted.length > 0) {
      for (const { key } of wanted) await visit(key);
      continue;
    }
    const placed = conflicts.map((one) => ({ ...one, event: told[one.event]?.place ?? one.event }));
    return { ...rest, conflicts: placed, fates };
  }
}

function listHolders(component: Component): (readonly [string, string])[] {
  return [...component.identifiers].flatMap(([key, { profile }]) => {
    const record = profile === null || isGivenUp(component, key) ? undefined : component.profiles.get(profile);
    return record?.alive === true ? [[key, record.id] as const] : [];
  });
}

function listNamings(component: Component): (readonly [string, string])[] {
  return [...component.profiles].flatMap(([naming, { alive, id }]) =>
    alive && !isGivenUp(component, naming) ? [[naming, id] as const] : [],
  );
}

/** What is written into is not what was read. */
function copyWorld(components: readonly Component[]): Component {
  const world = gatherWorld(components);
  for (const [key, entry] of world.identifiers) world.identifiers.set(key, { ...entry });
  for (const [key, evidence] of world.evidence) world.evidence.set(key, { ...evidence });
  return world;
}
