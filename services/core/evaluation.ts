// What follows from a profile's facts: its segment, the transition to it, its open signal. Run after each event in
// recorded order, so the borders of batches cannot be seen in the transitions (O2).

import type { Engine } from "./engine.ts";
import { sortedEntries } from "./comparison.ts";
import type { Component } from "./component.ts";
import type { SegmentTransition, TransitionCause } from "./effect.ts";
import { isPending } from "./membership.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { reviseMoves, type Reason } from "./retraction.ts";
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
  if (isPending(component, naming)) {
    record.heldCause = cause;
    return;
  }
  record.heldCause = null;
  const view = viewProfile(engine.registry, component, naming);
  const { segment, rule } = engine.ladder.evaluate(view.facts);
  if (segment !== record.segment) {
    const reason = artefact ?? (isLate(record, cause) ? "late-facts" : "facts");
    const move = moveSegment(engine, workspace, record, segment, rule, cause, chooseCause(reason, cause), view.facts);
    reviseMoves(engine, workspace, record, move, reason);
  }
  refreshSignal(engine, workspace, component, naming, record, view);
}

function isLate({ lastTransitionOccurredAt }: ProfileRecord, { occurredAt }: Cause): boolean {
  return occurredAt !== null && lastTransitionOccurredAt !== null && occurredAt < lastTransitionOccurredAt;
}

const CAUSES = { facts: "event", "late-facts": "late-data", merge: "merge", split: "split" } as const;

function chooseCause(reason: Reason, cause: Cause): TransitionCause {
  return cause.backfill ? "backfill" : CAUSES[reason];
}

/** `to` is another segment than that which the profile is in. */
export function moveSegment(
  engine: Engine,
  workspace: Workspace,
  record: ProfileRecord,
  to: string | null,
  rule: string | null,
  by: Cause,
  cause: TransitionCause,
  facts: Facts | null,
): SegmentTransition {
  record.transitions += 1;
  const move: SegmentTransition = {
    kind: "transition",
    transitionId: `${record.id}.${record.transitions}`,
    retracts: null,
    profileId: record.id,
    from: record.segment,
    to,
    cause,
    by,
    rule,
    ruleVersion: engine.ladder.version,
    facts: facts === null ? {} : describeFacts(facts),
    previousSince: record.segmentSince,
  };
  workspace.effects.push(move);
  record.segment = to;
  record.segmentSince = to === null ? null : by.at;
  if (by.occurredAt !== null) record.lastTransitionOccurredAt = by.occurredAt;
  return move;
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
