// profile-changed and profile-state: coalesced per profile and bundle, as the difference between how a profile looked
// before the bundle and how it looks after. Nothing changed: nothing is said.

import { bareRecord, compareText } from "./comparison.ts";
import { componentPart, type Component, type Forwarder } from "./component.ts";
import type { Change, PublicProfile } from "./effect.ts";
import type { Engine } from "./engine.ts";
import type { ComponentId } from "./item.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { viewProfile, type ProfileView } from "./view.ts";
import type { Touched, Workspace } from "./workspace.ts";

/** How profiles looked when they were last published: spares a second view where nothing was loaded anew in between. */
const lastPublished = new WeakMap<ProfileRecord, Readonly<Record<string, string>>>();

/** null: readers know nothing of it, because it is not there or has not been evaluated yet. */
function lookBefore(
  engine: Engine,
  component: Component,
  naming: string,
  record: ProfileRecord,
): Readonly<Record<string, string>> | null {
  if (!record.published) return null;
  return lastPublished.get(record) ?? flattenView(viewProfile(engine.registry, component, naming), record.segment);
}

/** Remembers how a profile looked before the step changed it; must come before the change. */
export function touchProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  cause: Cause,
): void {
  const record = component.profiles[naming];
  if (record === undefined) return;
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
    before: lookBefore(engine, component, naming, record),
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
  if (!record.alive || record.segment === null) {
    // No more; or ended within the step, there again, and not evaluated yet.
    if (record.published) workspace.effects.push({ kind: "profile-state", profileId: record.id, state: null, cause });
    record.published = false;
    return;
  }
  const view = viewProfile(engine.registry, component, touched.naming);
  const after = flattenView(view, record.segment);
  const changes = compareFlat(before ?? bareRecord(), after);
  lastPublished.set(record, after);
  if (changes.length === 0) return;
  record.published = true;
  record.version += 1;
  workspace.effects.push({
    kind: "profile-changed",
    profileId: record.id,
    version: record.version,
    segment: record.segment,
    changes,
    cause,
  });
  workspace.effects.push({ kind: "profile-state", profileId: record.id, state: describeProfile(record, view), cause });
}

function describeProfile(record: ProfileRecord, view: ProfileView): PublicProfile {
  const traits = bareRecord<PublicProfile["traits"][string]>();
  for (const [name, trait] of Object.entries(view.traits))
    traits[name] = { value: trait.value, source: trait.source, at: trait.at };
  return {
    version: record.version,
    segment: record.segment,
    segmentSince: record.segmentSince,
    identifiers: view.identifiers,
    traits,
    orders: { count: view.ordersCount, valid: view.facts.orders.valid, spentMinor: view.facts.orders.spentMinor },
    counters: view.counters,
  };
}

/** A view as paths and JSON texts: what a consumer can compare without knowing the product. */
function flattenView(view: ProfileView, segment: string | null): Record<string, string> {
  const flat = bareRecord<string>();
  flat["segment"] = JSON.stringify(segment);
  for (const identifier of view.identifiers)
    flat[`identifiers.${identifier.namespace}.${identifier.value}`] = JSON.stringify(identifier.state);
  for (const [name, trait] of Object.entries(view.traits)) flat[`traits.${name}`] = JSON.stringify(trait.value);
  for (const [type, count] of Object.entries(view.counters)) flat[`counters.${type}`] = JSON.stringify(count);
  flat["orders.count"] = JSON.stringify(view.ordersCount);
  flat["orders.valid"] = JSON.stringify(view.facts.orders.valid);
  for (const [currency, minor] of Object.entries(view.facts.orders.spentMinor))
    flat[`orders.spentMinor.${currency}`] = JSON.stringify(minor);
  flat["profile.known"] = JSON.stringify(view.facts.profile.known);
  return flat;
}

function compareFlat(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): Change[] {
  const paths = Object.keys(after).filter((path) => before[path] !== after[path]);
  for (const path of Object.keys(before)) if (after[path] === undefined) paths.push(path);
  return paths.sort(compareText).map((path) => ({ path, before: before[path] ?? null, after: after[path] ?? null }));
}
