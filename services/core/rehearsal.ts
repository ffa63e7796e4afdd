// What events would do to who is who, were they recorded: the rule of weighing.ts over the components that have to do with
// them, as one world, with their evidence and rulings added. Nothing is kept of it.

import type { AcceptedEvent } from "./acceptance.ts";
import { compareText } from "./comparison.ts";
import { evidenceKey, type Component, type Entry } from "./component.ts";
import { assuranceLevel, isAuthenticated } from "./configuration.ts";
import { isWithoutFacts } from "./declaration.ts";
import type { Engine } from "./engine.ts";
import { recordEvidence } from "./evidence.ts";
import type { ComponentId, EventItem } from "./item.ts";
import { createNews } from "./region.ts";
import { createRuling, takeRuling } from "./ruling.ts";
import { weighComponent } from "./weighing.ts";
import { findGroup, isKnown, type Weighed } from "./weighed.ts";
import { Workspace } from "./workspace.ts";

/** Why an identifier that the events name would be with nobody, or not with whom they name it with. */
export const CONFLICT_KINDS = ["contested", "quarantined", "limited", "kept-apart"] as const;
export type ConflictKind = (typeof CONFLICT_KINDS)[number];

export interface Conflict {
  readonly kind: ConflictKind;
  /** Of the identifiers that it is about, sorted. */
  readonly namespaces: readonly string[];
  /** Place of the first event that meets it. */
  readonly event: number;
}

/** Living profiles that would be one. */
export interface Merge {
  readonly profiles: readonly string[];
  /** Of these, those that are known: more than one, and two people become one. */
  readonly known: number;
}

export interface Rehearsal {
  readonly merges: readonly Merge[];
  /** Known profiles that would not stay whole. */
  readonly parted: readonly string[];
  readonly conflicts: readonly Conflict[];
  /** Homes that it takes to tell and that are not in the world. */
  readonly missing: ReadonlySet<ComponentId>;
}

/** Living profiles as they are, by key: whose an identifier is, and who is named by it. */
export interface Standings {
  readonly holders: ReadonlyMap<string, string>;
  readonly namings: ReadonlyMap<string, string>;
}

/** The world is written into. */
export function rehearse(
  engine: Engine,
  world: Component,
  standings: Standings,
  events: readonly AcceptedEvent[],
): Rehearsal {
  const { registry } = engine;
  const known = new Set([...world.identifiers.values()].filter((one) => isKnown(registry, one)).map(({ key }) => key));
  const before = new Map([...world.identifiers].map(([key, { state, limited }]) => [key, { state, limited }]));
  for (const event of events) record(engine, world, event);
  const { identifiers, joins } = weighComponent(registry, world);
  const weighed = new Map(identifiers.map((one) => [one.entry.key, one]));
  const conflicts = [...events.keys()].flatMap((place) =>
    findConflicts(engine, weighed, before, events[place] as AcceptedEvent, place),
  );
  return {
    merges: listMerges(identifiers, standings, known),
    parted: listParted(identifiers, standings, known),
    conflicts: keepFirst(conflicts),
    missing: joins,
  };
}

function record(engine: Engine, world: Component, accepted: AcceptedEvent): void {
  const { source, recordedAt, event, ruling, anchor, identifiers } = accepted;
  if (ruling !== null) {
    const stamp = { t: recordedAt, source, eventId: event.eventId };
    takeRuling((world.rulings ??= new Map()), createRuling(ruling.one, ruling.other, ruling.verdict, stamp));
  }
  if (isWithoutFacts(accepted) && ruling?.verdict !== "linked") return;
  const item: EventItem = {
    kind: "event",
    component: world.id,
    role: "tie",
    ruling,
    source,
    eventId: event.eventId,
    recordedAt,
    backfill: false,
    traceparent: null,
    anchor,
    // Whatever is not in the world is new, or is born here for the while.
    identifiers: identifiers.map((one) => ({
      ...one,
      birth: world.identifiers.get(one.key)?.birth ?? world.id,
      local: true,
    })),
    order: null,
  };
  for (const { birth } of item.identifiers) world.held.add(birth);
  recordEvidence(engine, new Workspace(new Map()), world, item, createNews());
}

function isOwned({ contested, quarantined }: Weighed): boolean {
  return !contested && !quarantined;
}

/** A profile goes where the identifier goes that it is named by; one that was given up names nobody. */
function listMerges(
  identifiers: readonly Weighed[],
  { holders, namings }: Standings,
  known: ReadonlySet<string>,
): Merge[] {
  const people = new Set([...holders].flatMap(([key, holder]) => (known.has(key) ? [holder] : [])));
  const groups = new Map<Weighed, string[]>();
  for (const one of identifiers) {
    const named = namings.get(one.entry.key);
    if (named === undefined || one.released !== null) continue;
    groups.set(findGroup(one), [...(groups.get(findGroup(one)) ?? []), named]);
  }
  return [...groups.values()]
    .filter(({ length }) => length > 1)
    .map((profiles) => ({
      profiles: profiles.toSorted(compareText),
      known: profiles.filter((id) => people.has(id)).length,
    }))
    .sort((a, b) => compareText(a.profiles[0] ?? "", b.profiles[0] ?? ""));
}

function listParted(identifiers: readonly Weighed[], { holders }: Standings, known: ReadonlySet<string>): string[] {
  const groups = new Map<string, Set<Weighed>>();
  for (const one of identifiers) {
    const holder = holders.get(one.entry.key);
    if (holder === undefined || !known.has(one.entry.key)) continue;
    groups.set(holder, (groups.get(holder) ?? new Set()).add(findGroup(one)));
  }
  return [...groups].flatMap(([holder, { size }]) => (size > 1 ? [holder] : [])).sort(compareText);
}

function findConflicts(
  { registry }: Engine,
  weighed: ReadonlyMap<string, Weighed>,
  before: ReadonlyMap<string, Pick<Entry, "state" | "limited">>,
  accepted: AcceptedEvent,
  event: number,
): (Conflict & { readonly about: string })[] {
  const named = accepted.identifiers.flatMap(({ key }) => weighed.get(key) ?? []);
  const conflicts = named.flatMap((one) => {
    const { key, namespace } = one.entry;
    const former = before.get(key);
    const kind = one.quarantined ? "quarantined" : one.contested ? "contested" : one.limited ? "limited" : null;
    const isNew = kind === "limited" ? former?.limited !== true : former?.state !== kind;
    return kind === null || !isNew ? [] : [{ kind, namespaces: [namespace], event, about: key } as const];
  });
  const strong = accepted.identifiers.filter(({ namespace, assurance }) => {
    const kind = registry.namespaces.get(namespace)?.kind;
    const joins = isAuthenticated(assurance) && assuranceLevel(assurance) >= registry.joinLevel;
    return joins && (kind === "unique" || kind === "personal");
  });
  const groups = new Set(
    strong
      .flatMap(({ key }) => weighed.get(key) ?? [])
      .filter(isOwned)
      .map(findGroup),
  );
  if (groups.size < 2 || isWithoutFacts(accepted)) return conflicts;
  const namespaces = [...new Set(strong.map(({ namespace }) => namespace))].sort(compareText);
  const about = evidenceKey(strong[0]?.key ?? "", strong[1]?.key ?? "", "", "authenticated");
  return [...conflicts, { kind: "kept-apart", namespaces, event, about }];
}

/** Each once, by the first event that meets it. */
function keepFirst(conflicts: readonly (Conflict & { readonly about: string })[]): Conflict[] {
  const first = new Map<string, Conflict>();
  for (const { about, ...conflict } of conflicts) {
    const name = `${conflict.kind} ${about}`;
    if (!first.has(name)) first.set(name, conflict);
  }
  return [...first.values()];
}
