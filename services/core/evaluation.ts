// What follows from a profile's facts: its segment, the transition to it, its audiences and scores, its open signals. Run after each event in
// recorded order, so the borders of batches cannot be seen in the transitions (O2).

import type { Engine } from "./engine.ts";
import { PRIVACY } from "./erasure.ts";
import type { Component, Entry } from "./component.ts";
import { natureOf, type SegmentTransition, type TransitionCause } from "./effect.ts";
import { isPending } from "./membership.ts";
import { describePassage, touchTime, type Passage } from "./passage.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { isRestricted } from "./restriction.ts";
import { reviseMoves, type Reason } from "./retraction.ts";
import { RULES } from "./rules-in-force.ts";
import { earlier, type Standing } from "./segment.ts";
import { closeSignals, refreshSignals, reviseSignals } from "./signal.ts";
import { readShardTimeMs } from "./shard-time.ts";
import { setSegmentTimer } from "./timer.ts";
import { drawTransitionId } from "./transition-id.ts";
import { viewProfile, type ProfileView } from "./view.ts";
import type { Workspace } from "./workspace.ts";

/**
 * artefact: the evidence alone moved the profile (merge, split), or time did, as of the cause's instant; null: the facts
 * did. Where rules depend on time they are asked as of the shard's time, which every resolver slot has passed (T2).
 */
export function evaluateProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  cause: Cause,
  artefact: "merge" | "split" | "time" | null,
): void {
  const record = component.profiles.get(naming);
  if (record === undefined || !record.alive) return;
  if (isPending(component, naming)) {
    record.heldCause = cause;
    return;
  }
  record.heldCause = null;
  if (engine.ladder.readsTime)
    record.evaluatedAsOf = Math.max(record.evaluatedAsOf, timeOf(workspace, cause, artefact));
  const scored = engine.scores.evaluate(viewProfile(engine.registry, component, naming), record.evaluatedAsOf);
  const { view } = scored;
  const isFrozen = isRestricted(view.dossier);
  if (isFrozen) freezeProfile(workspace, component, naming, record);
  record.scores = scored.scores;
  const standing = settleSegment(engine, workspace, component, naming, record, view, cause, artefact);
  const membership = engine.audiences.evaluate(view.facts, record.evaluatedAsOf);
  record.audiences = membership.audiences;
  const until = earlier(earlier(standing.until, membership.until), scored.until);
  setSegmentTimer(workspace, component.id, naming, record, until);
  if (isFrozen) return;
  if (record.frozen !== null) releaseProfile(engine, workspace, component, naming, record, view, standing, cause);
  refreshSignals(engine, workspace, component, naming, record, view, cause.at);
}

/** Nothing of it is told from here on, and nothing is due to be. */
function freezeProfile(workspace: Workspace, component: Component, naming: string, record: ProfileRecord): void {
  const { segment, segmentSince } = record;
  record.frozen ??= { segment, segmentSince };
  closeSignals(workspace, component, naming, record);
}

/** Back to what was told of it; who it was in between was told nobody. */
export function thawProfile(record: ProfileRecord): void {
  if (record.frozen !== null) Object.assign(record, record.frozen);
  record.frozen = null;
}

/** One move to where it is by now. Signals that fell due meanwhile are not sent. */
function releaseProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  view: ProfileView,
  { segment, rule }: Standing,
  cause: Cause,
): void {
  thawProfile(record);
  if (record.segment !== segment)
    makeMove(engine, workspace, component, naming, record, view, segment, rule, cause, "release");
  const nowMs = Math.max(cause.at, readShardTimeMs(workspace));
  reviseSignals(engine, workspace, component, naming, record, view, nowMs, () => {});
}

/**
 * What a profile is by those that are left of it, before it goes into another one with them: what it was only by those whom
 * it has lost never should have been (retraction.ts).
 */
export function evaluateRemainder(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  left: readonly Entry[],
  cause: Cause,
): void {
  const record = component.profiles.get(naming);
  if (record === undefined || record.segment === null) return;
  const identifiers = new Map(left.map((entry) => [entry.key, { ...entry, profile: naming, claimants: [] }]));
  const rest: Component = { ...component, identifiers, memberships: null, ties: null, pages: null };
  if (isPending(rest, naming)) return;
  const { view } = engine.scores.evaluate(viewProfile(engine.registry, rest, naming), record.evaluatedAsOf);
  settleSegment(engine, workspace, rest, naming, record, view, cause, "split");
}

/**
 * Moves the profile to where the rules let it be, and tells when time alone may move it on. Of a ladder with allowed moves
 * it may take several: each but the first goes up, because a rung that one comes to holds.
 */
function settleSegment(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  view: ProfileView,
  cause: Cause,
  artefact: "merge" | "split" | "time" | null,
): Standing {
  for (;;) {
    const standing = engine.ladder.evaluate(view.facts, record.evaluatedAsOf, {
      segment: record.segment,
      since: record.segmentSince ?? 0,
      leavingSince: record.leavingSince,
      nowMs: Math.max(record.evaluatedAsOf, cause.at),
    });
    const { segment, rule } = standing;
    record.leavingSince = standing.leavingSince;
    if (segment === record.segment) return standing;
    if (record.frozen !== null) {
      Object.assign(record, { segment, segmentSince: cause.at });
      continue;
    }
    // Who at once loses identifiers and gets others: what brings her down is what she lost.
    const isDown = engine.ladder.heightOf(segment) < engine.ladder.heightOf(record.segment);
    const moved = artefact === "merge" && isDown ? "split" : artefact;
    const reason = moved ?? (isLate(record, cause) ? "late-facts" : "facts");
    makeMove(engine, workspace, component, naming, record, view, segment, rule, cause, reason);
  }
}

function makeMove(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  view: ProfileView,
  to: string,
  rule: string | null,
  cause: Cause,
  reason: Reason,
): void {
  const passage = describePassage(engine, component, naming, record, view, to, cause);
  const move = moveSegment(engine, workspace, record, to, rule, cause, chooseCause(reason, cause), passage);
  reviseMoves(engine, workspace, record, move, reason);
}

function isLate({ lastTransitionOccurredAt }: ProfileRecord, { occurredAt }: Cause): boolean {
  return occurredAt !== null && lastTransitionOccurredAt !== null && occurredAt < lastTransitionOccurredAt;
}

const CAUSES = {
  facts: "event",
  "late-facts": "late-data",
  merge: "merge",
  split: "split",
  time: "schedule",
  release: "restriction",
} as const;

function chooseCause(reason: Reason, cause: Cause): TransitionCause {
  if (cause.source === PRIVACY) return "erasure";
  if (cause.source === RULES) return "rule-change";
  return cause.backfill ? "backfill" : CAUSES[reason];
}

function timeOf(workspace: Workspace, { at }: Cause, artefact: "merge" | "split" | "time" | null): number {
  return artefact === "time" ? at : readShardTimeMs(workspace);
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
  passage: Passage,
): SegmentTransition {
  const move: SegmentTransition = {
    kind: "transition",
    transitionId: drawTransitionId(record),
    retracts: null,
    profileId: record.id,
    from: record.segment,
    to,
    cause,
    nature: natureOf(cause),
    by,
    rule,
    ruleVersion: engine.ladder.version,
    previousSince: record.segmentSince,
    // Records of several channels may reach a shard out of the order of their times.
    timeInFormerMs: record.segmentSince === null ? null : Math.max(0, by.at - record.segmentSince),
    ...passage,
  };
  workspace.effects.push(move);
  record.segment = to;
  record.segmentSince = to === null ? null : by.at;
  if (by.occurredAt !== null) record.lastTransitionOccurredAt = by.occurredAt;
  // It never goes back: no touch has a share in two moves of one profile.
  record.touchedUpTo = Math.max(record.touchedUpTo ?? 0, touchTime(by));
  return move;
}
