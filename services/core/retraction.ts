// Moves whose reason disappears (I2): where evidence that is taken back, or an event that comes late, brings a profile
// down the ladder, the moves that had brought it higher never should have been, and each is told again as a retraction.
// A move down by behaviour retracts nothing: the profile was there, and has left.

import type { SegmentTransition } from "./effect.ts";
import type { Engine } from "./engine.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { drawTransitionId } from "./transition-id.ts";
import type { Workspace } from "./workspace.ts";

/** A transition that may still be retracted. */
export interface Move {
  readonly transitionId: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly occurredAt: number | null;
}

/**
 * Why a segment changed: by the facts of an event, by those of one older than the last move, by evidence alone, by time, or
 * because it may move again.
 */
export type Reason = "facts" | "late-facts" | "merge" | "split" | "time" | "release";

/** To be called after each move of a living profile: retractions follow it, latest first. */
export function reviseMoves(
  engine: Engine,
  workspace: Workspace,
  record: ProfileRecord,
  move: SegmentTransition,
  reason: Reason,
): void {
  if (record.endedBy !== null) retractMove(workspace, record, record.endedBy, move);
  record.endedBy = null;
  const height = engine.ladder.heightOf(move.to);
  // They rise from rung to rung, so there are never more of them than rungs.
  for (let last = record.standing.at(-1); last !== undefined; last = record.standing.at(-1)) {
    if (engine.ladder.heightOf(last.to) <= height) break;
    record.standing.pop();
    if (neverWas(last, reason, move.by)) retractMove(workspace, record, last, move);
  }
  if (record.standing.at(-1)?.to !== move.to) record.standing.push(toMove(move));
}

/** Of the moves that still held under other rules those that rise under these, up to the last. */
export function keepRising({ ladder }: Engine, standing: readonly Move[]): Move[] {
  const kept: Move[] = [];
  let below = Number.POSITIVE_INFINITY;
  for (const move of standing.toReversed()) {
    const height = ladder.heightOf(move.to);
    if (height === 0 || height >= below) continue;
    kept.unshift(move);
    below = height;
  }
  return kept;
}

/** A profile that goes into another one: should it come out again, its end never was. */
export function endMoves(record: ProfileRecord, end: SegmentTransition | null): void {
  record.standing = [];
  record.endedBy = end === null ? null : toMove(end);
}

function toMove({ transitionId, from, to, by }: SegmentTransition): Move {
  return { transitionId, from, to, occurredAt: by.occurredAt };
}

function neverWas({ occurredAt }: Move, reason: Reason, by: Cause): boolean {
  if (reason !== "late-facts") return reason === "split";
  return occurredAt !== null && by.occurredAt !== null && by.occurredAt < occurredAt;
}

/**
 * from and to are those of the move that is retracted: what counts moves subtracts it where it was added. Touches have
 * their credit once, with the correction.
 */
function retractMove(workspace: Workspace, record: ProfileRecord, move: Move, corrected: SegmentTransition): void {
  workspace.effects.push({
    ...corrected,
    kind: "retraction",
    transitionId: drawTransitionId(record),
    retracts: move.transitionId,
    from: move.from,
    to: move.to,
    nature: "artefact",
    touches: [],
    credit: [],
  });
}
