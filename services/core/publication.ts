// profile-changed and profile-state: coalesced per profile and bundle, as the difference between how a profile looked
// before the bundle and how it looks after. Nothing changed: nothing is said.

import { compareText, sortedEntries } from "./comparison.ts";
import { componentPart, type Component, type Forwarder } from "./component.ts";
import type { Dossier } from "./dossier.ts";
import { describeDossier, isDescribedAlike, viewDossier } from "./dossier-view.ts";
import type { Change, Path, PublicProfile } from "./effect.ts";
import type { Engine } from "./engine.ts";
import type { ComponentId } from "./item.ts";
import type { LimitKind } from "./limit.ts";
import type { IdentifierView } from "./listing.ts";
import { countIdentifiers, listingOf } from "./membership.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import type { Score } from "./score.ts";
import type { ContactView } from "./contact.ts";
import { viewCompleteness, viewContactsOf, viewProfile, type ProfileView } from "./view.ts";
import type { Touched, Workspace } from "./workspace.ts";

/** What of a profile is published, as it was at one moment: nothing in it changes later. */
export interface Look {
  readonly segment: string | null;
  readonly audiences: readonly string[];
  readonly scores: readonly Score[];
  readonly known: boolean;
  /** Those that a record names (listing.ts), and how many there are. */
  readonly identifiers: readonly IdentifierView[];
  readonly identifiersCount: number;
  readonly traits: ProfileView["traits"];
  readonly counters: ReadonlyMap<string, number>;
  readonly ordersCount: number;
  readonly ordersValid: number;
  readonly spentMinor: ReadonlyMap<string, number>;
  readonly dossier: Dossier | null;
  readonly contacts: readonly ContactView[];
  /** Per mille. */
  readonly completeness: number;
}

/** null: readers know nothing of it, because it is not there or has not been evaluated yet. */
function lookBefore(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
): Look | null {
  if (!record.published) return null;
  return record.look ?? takeLook(engine, workspace, component, naming, record);
}

/** Remembers how a profile looked before the step changed it; must come before the change. Its record will be written. */
export function touchProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  cause: Cause,
): void {
  const record = component.profiles.get(naming);
  if (record === undefined) return;
  workspace.writeState(component, naming);
  const known = workspace.touched.get(record.id);
  if (known !== undefined) {
    known.cause = cause;
    // A hand-over may have brought the profile to another component within the step.
    if (known.component !== component.id || known.record !== record)
      workspace.touched.set(record.id, { ...known, component: component.id, record });
    return;
  }
  workspace.touched.set(record.id, {
    component: component.id,
    naming,
    record,
    before: lookBefore(engine, workspace, component, naming, record),
    cause,
  });
}

/** Ends a bundle: one profile-changed and one profile-state for each profile that looks other than before. */
export function publishChanges(engine: Engine, workspace: Workspace): void {
  for (const touched of workspace.touched.values()) publishProfile(engine, workspace, touched);
  workspace.touched.clear();
}

/** Before a component is handed over: its new home sees how its profiles look then, and not what changed here. */
export function publishComponent(engine: Engine, workspace: Workspace, component: ComponentId): void {
  for (const [id, touched] of workspace.touched) {
    if (touched.component !== component) continue;
    publishProfile(engine, workspace, touched);
    workspace.touched.delete(id);
  }
}

function publishProfile(engine: Engine, workspace: Workspace, touched: Touched): void {
  const { record, before, cause } = touched;
  const component = workspace.read<Component | Forwarder>(componentPart(touched.component));
  if (component === null || component.forward !== undefined)
    throw new Error(`profile ${record.id} was handed over before it was said how it looks`);
  const told = record.frozen ?? record;
  if (!record.alive || told.segment === null) {
    // No more; or ended within the step, there again, and not evaluated yet; or there again while it is frozen.
    if (record.published) workspace.effects.push({ kind: "profile-state", profileId: record.id, state: null, cause });
    record.published = false;
    return;
  }
  const after = takeLook(engine, workspace, component, touched.naming, record);
  const changes = compareLooks(engine, before, after);
  record.look = after;
  if (changes.length === 0) return;
  record.published = true;
  record.version += 1;
  workspace.effects.push({
    kind: "profile-changed",
    profileId: record.id,
    version: record.version,
    segment: told.segment,
    changes,
    cause,
  });
  workspace.effects.push({
    kind: "profile-state",
    profileId: record.id,
    state: describeProfile(engine, record, after),
    cause,
  });
}

function describeProfile({ registry }: Engine, record: ProfileRecord, look: Look): PublicProfile {
  return {
    ...viewDossier(registry, look.dossier),
    version: record.version,
    segment: look.segment,
    segmentSince: (record.frozen ?? record).segmentSince,
    audiences: look.audiences,
    scores: look.scores,
    identifiers: look.identifiers,
    identifiersCount: look.identifiersCount,
    traits: Object.fromEntries(
      sortedEntries(look.traits).map(([name, { value, source, at }]) => [name, { value, source, at }]),
    ),
    orders: {
      count: look.ordersCount,
      valid: look.ordersValid,
      spentMinor: Object.fromEntries(sortedEntries(look.spentMinor)),
    },
    counters: Object.fromEntries(sortedEntries(look.counters)),
    contacts: look.contacts,
    completeness: look.completeness,
  };
}

function takeLook(
  { registry }: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
): Look {
  const view = viewProfile(registry, component, naming);
  const { facts, traits, counters, ordersCount, dossier } = view;
  const { profile, orders } = facts;
  const limits: LimitKind[] = [];
  const contacts = viewContactsOf(registry, component, naming, view, limits);
  const { best, views } = listingOf(registry, component, naming);
  const identifiersCount = countIdentifiers(registry, component, naming);
  if (identifiersCount > best.length) limits.push("identifiers-listed");
  for (const limit of limits) workspace.effects.push({ kind: "limit", limit });
  const isFrozen = record.frozen !== null;
  return {
    segment: (record.frozen ?? record).segment,
    audiences: isFrozen ? NOTHING.audiences : record.audiences,
    scores: isFrozen ? NOTHING.scores : record.scores,
    known: profile.known,
    identifiers: views,
    identifiersCount,
    traits,
    counters: new Map(counters),
    ordersCount,
    ordersValid: orders.valid,
    spentMinor: orders.spentMinor.size === 0 ? NOTHING.spentMinor : new Map(orders.spentMinor),
    dossier,
    contacts,
    completeness: viewCompleteness(registry, traits, contacts),
  };
}

const NOTHING: Look = {
  segment: null,
  audiences: [],
  scores: [],
  known: false,
  identifiers: [],
  identifiersCount: 0,
  traits: new Map(),
  counters: new Map(),
  ordersCount: 0,
  ordersValid: 0,
  spentMinor: new Map(),
  dossier: null,
  contacts: [],
  completeness: 0,
};

/** The differences as paths and JSON texts: what a consumer can compare without knowing the product. By path. */
function compareLooks({ registry }: Engine, before: Look | null, after: Look): Change[] {
  const changes: Change[] = [];
  const note = (path: Path, old: string | null, now: string | null): void => {
    if (old !== now) changes.push({ path, before: old, after: now });
  };
  const noteValue = (path: Path, old: number | boolean, now: number | boolean): void => {
    if (before === null || old !== now) note(path, before === null ? null : String(old), String(now));
  };
  /** start: empty where the names are paths. */
  const noteMap = <T>(
    start: Extract<Path, `${string}.${string}`> | "",
    old: ReadonlyMap<string, T>,
    now: ReadonlyMap<string, T>,
    write: (value: T) => string,
  ): void => {
    if (old === now) return;
    for (const [name, value] of now) {
      const former = old.get(name);
      if (former !== value) note(`${start}${name}` as Path, former === undefined ? null : write(former), write(value));
    }
    for (const [name, value] of old) if (!now.has(name)) note(`${start}${name}` as Path, write(value), null);
  };
  const old = before ?? NOTHING;
  if (before === null || old.segment !== after.segment)
    note("segment", before === null ? null : JSON.stringify(old.segment), JSON.stringify(after.segment));
  if (old.audiences !== after.audiences) noteMap("audiences.", listAudiences(old), listAudiences(after), String);
  if (old.scores !== after.scores) noteMap("scores.", listScores(old), listScores(after), String);
  if (old.identifiers !== after.identifiers)
    noteMap("identifiers.", listIdentifiers(old), listIdentifiers(after), JSON.stringify);
  // While all are named, their number says nothing more.
  const isCut = [old, after].some(({ identifiers, identifiersCount }) => identifiersCount > identifiers.length);
  if (isCut) noteValue("identifiersCount", old.identifiersCount, after.identifiersCount);
  noteMap("traits.", old.traits, after.traits, ({ value }) => JSON.stringify(value));
  noteMap("counters.", old.counters, after.counters, String);
  noteMap("orders.spentMinor.", old.spentMinor, after.spentMinor, String);
  noteValue("orders.count", old.ordersCount, after.ordersCount);
  noteValue("orders.valid", old.ordersValid, after.ordersValid);
  noteValue("profile.known", old.known, after.known);
  if (!isDescribedAlike(old.dossier, after.dossier))
    noteMap("", describeDossier(registry, old.dossier), describeDossier(registry, after.dossier), JSON.stringify);
  if (old.contacts !== after.contacts)
    noteMap("contacts.", describeContacts(old), describeContacts(after), JSON.stringify);
  return changes.sort((a, b) => compareText(a.path, b.path));
}

/** Of those that she is not in nothing is said. */
function listAudiences({ audiences }: Look): Map<string, boolean> {
  return new Map(audiences.map((audience) => [audience, true]));
}

/** `<name>`, and `<name>.<term>` of what it is made of. */
function listScores({ scores }: Look): Map<string, number> {
  return new Map(
    scores.flatMap(({ name, value, terms }) => [
      [name, value] as const,
      ...terms.map((one) => [`${name}.${one.term}`, one.value] as const),
    ]),
  );
}

/** `<namespace>.<value>` to the state. */
function listIdentifiers({ identifiers }: Look): Map<string, string> {
  return new Map(identifiers.map(({ namespace, value, state }) => [`${namespace}.${value}`, state]));
}

/** What became of messages to them: that they are there, identifiers and traits say. */
function describeContacts({ contacts }: Look): Map<string, string> {
  const paths = new Map<string, string>();
  for (const { kind, value, verification } of contacts)
    if (verification !== "unverified") paths.set(`${kind}.${value}`, verification);
  return paths;
}
