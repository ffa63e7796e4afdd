// What follows from a profile's facts: its segment, the transition to it, its open signal. Run after each event in
// recorded order, so the borders of batches cannot be seen in the transitions (O2).

import type { Engine } from "./engine.ts";
import { sortedEntries } from "./comparison.ts";
import type { Component } from "./component.ts";
import type { TransitionCause } from "./effect.ts";
import { isPending, membersOf } from "./membership.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { refreshSignal } from "./signal.ts";
import { viewProfile, type Facts } from "./view.ts";
import type { Workspace } from "./workspace.ts";

/** artefact: the evidence alone moved the profile (merge, split); null: the facts did. */
export function evaluateProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  cause: Cause,
  artefact: "merge" | "split" | null,
): void {
  const record = component.profiles.get(naming);
  if (record === undefined || !record.alive) return;
  const members = membersOf(component, naming);
  if (isPending(component, members)) {
    record.heldCause = cause;
    return;
  }
  record.heldCause = null;
  const view = viewProfile(engine.registry, component, naming);
  const { segment, rule } = engine.ladder.evaluate(view.facts);
  if (segment !== record.segment)
    moveSegment(engine, workspace, record, segment, rule, cause, chooseCause(record, cause, artefact), view.facts);
  refreshSignal(engine, workspace, component, naming, record, view);
}

function chooseCause(record: ProfileRecord, cause: Cause, artefact: "merge" | "split" | null): TransitionCause {
  if (cause.backfill) return "backfill";
  if (artefact !== null) return artefact;
  const late =
    cause.occurredAt !== null &&
    record.lastTransitionOccurredAt !== null &&
    cause.occurredAt < record.lastTransitionOccurredAt;
  return late ? "late-data" : "event";
}

export function moveSegment(
  engine: Engine,
  workspace: Workspace,
  record: ProfileRecord,
  to: string | null,
  rule: string | null,
  by: Cause,
  cause: TransitionCause,
  facts: Facts | null,
): void {
  if (record.segment === to) return;
  record.transitions += 1;
  workspace.effects.push({
    kind: "transition",
    transitionId: `${record.id}.${record.transitions}`,
    profileId: record.id,
    from: record.segment,
    to,
    cause,
    by,
    rule,
    ruleVersion: engine.ladder.version,
    facts: facts === null ? {} : describeFacts(facts),
    previousSince: record.segmentSince,
  });
  record.segment = to;
  record.segmentSince = to === null ? null : by.at;
  if (by.occurredAt !== null) record.lastTransitionOccurredAt = by.occurredAt;
}

export function describeFacts({ profile, orders }: Facts): Record<string, string> {
  return {
    "profile.known": JSON.stringify(profile.known),
    "profile.contactPoints": JSON.stringify(profile.contactPoints),
    "profile.checkouts": JSON.stringify(profile.checkouts),
    "profile.cartsFilled": JSON.stringify(profile.cartsFilled),
    "orders.valid": JSON.stringify(orders.valid),
    "orders.spentMinor": JSON.stringify(Object.fromEntries(sortedEntries(orders.spentMinor))),
  };
}
