// A rung of the ladder that holds whoever is on it: hysteresis, a minimum stay, moves that are allowed. What it does depends
// on where the profile stood, so it follows the recorded order (O2); whatever it does, she is on one rung.

import type { SegmentRule } from "./configuration.ts";
import type { Context } from "./decisive.ts";

/** Fails where what it needs is not there. */
export type Condition = (context: Context) => unknown;

export interface Rung {
  readonly rule: SegmentRule;
  readonly height: number;
  readonly holds: Condition;
  /** Null: as soon as another rung is the best. */
  readonly leaves: Condition | null;
}

/** Where a profile stands already, for rungs that hold whoever is on them. */
export interface Path {
  readonly segment: string | null;
  readonly since: number;
  readonly leavingSince: number | null;
  /** Instant of what is being evaluated. */
  readonly nowMs: number;
}

export function isTrue(holds: Condition, context: Context): boolean {
  try {
    return holds(context) === true;
  } catch {
    return false;
  }
}

/** Whether one may go to the rung from the one where one is; to stay is always allowed. */
export function mayGo(current: Rung | undefined, rung: Rung): boolean {
  return rung === current || (current?.rule.to?.includes(rung.rule.segment) ?? true);
}

export interface Hold {
  readonly rung: Rung;
  /** When passing time alone lets go. */
  readonly until: number | null;
  readonly leavingSince: number | null;
}

/** From the current rung to the best of those that hold and may be gone to, unless the current one holds her back. */
export function holdBack(current: Rung, best: Rung, context: Context, atMs: number, path: Path): Hold {
  const { holdForMs, stayForMs } = current.rule;
  const stays = { rung: current, until: null, leavingSince: null };
  if (best === current) return stays;
  const isDown = best.height < current.height;
  if (isDown && current.leaves !== null && !isTrue(current.leaves, context)) return stays;
  const leavingSince = isDown ? (path.leavingSince ?? path.nowMs) : null;
  const letsGoAt = Math.max(
    stayForMs === undefined ? 0 : path.since + stayForMs,
    leavingSince === null || holdForMs === undefined ? 0 : leavingSince + holdForMs,
  );
  if (letsGoAt > atMs) return { rung: current, until: letsGoAt, leavingSince };
  return { rung: best, until: null, leavingSince: null };
}
