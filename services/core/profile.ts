// What a profile carries beside its fragments: the path-dependent part (segment, versions, open signal), which follows
// the recorded order (O2). It lives under the naming key: the identifier that the profile's id is made of (I6).

import type { Hash } from "./identifier.ts";
import type { Look } from "./publication.ts";
import type { Move } from "./retraction.ts";
import type { Score } from "./score.ts";

export interface OpenSignal {
  readonly signal: string;
  /** occurredAt of the activity that opened it; of a yearly one the first instant of the day. */
  readonly activityAt: number;
  readonly dueAt: number;
  /** awaiting: due, but a source that could refute it has not reported up to then. */
  readonly state: "open" | "awaiting";
}

/** Up to which activity a signal was sent, or was due before the rules that declare it. */
export interface Signalled {
  readonly signal: string;
  readonly upTo: number;
}

/** What caused a step, as its outputs name it. */
export interface Cause {
  readonly source: string | null;
  readonly eventId: string | null;
  readonly at: number;
  readonly occurredAt: number | null;
  readonly backfill: boolean;
  readonly traceparent: string | null;
}

/** Where a profile is, as the world was told last. */
export interface ToldSegment {
  readonly segment: string | null;
  readonly segmentSince: number | null;
}

export interface ProfileRecord {
  readonly id: string;
  alive: boolean;
  /** True while the last profile-state said of it is a state, not a tombstone. */
  published: boolean;
  /** Grow by one with each profile-changed, transition and identity change, and never restart. */
  version: number;
  transitions: number;
  changes: number;
  segment: string | null;
  segmentSince: number | null;
  /** occurredAt of the last transition's event: what is older is late data. */
  lastTransitionOccurredAt: number | null;
  /** Touches that occurred up to here had their share in a transition. */
  touchedUpTo: number | null;
  /** The time as of which the segment was evaluated last: it never goes back. */
  evaluatedAsOf: number;
  /** By name (audience.ts). */
  audiences: readonly string[];
  /** By name, as of the last evaluation. */
  scores: readonly Score[];
  /** While processing is restricted (restriction.ts): what was told before. Segment, audiences and scores go on untold. */
  frozen: ToldSegment | null;
  /** When time alone may change the segment, an audience or a score; null: never. */
  segmentUntil: number | null;
  /** Since when it would be in a lower segment, if its own did not hold it (rung.ts). */
  leavingSince: number | null;
  /** The moves that still hold, rising from rung to rung. */
  standing: Move[];
  /** Of a dead record: the move by which it went into another profile. */
  endedBy: Move | null;
  /** One of each name at most. */
  signals: OpenSignal[];
  signalled: Signalled[];
  /** Of a dead record: the id that it resolves to, as last announced. */
  aliasOf: string | null;
  /** The cause that waits while ownership is pending. */
  heldCause: Cause | null;
  /** How the profile looked when it was last published from here; never stored. */
  look: Look | null;
}

/** naming: the key of the identifier that the id is made of. */
export function profileId(hash: Hash, naming: string): string {
  return hash(`profile\n${naming}\n0`);
}

export function createProfileRecord(id: string): ProfileRecord {
  return {
    id,
    alive: false,
    published: false,
    version: 0,
    transitions: 0,
    changes: 0,
    segment: null,
    segmentSince: null,
    lastTransitionOccurredAt: null,
    touchedUpTo: null,
    evaluatedAsOf: 0,
    audiences: [],
    scores: [],
    frozen: null,
    segmentUntil: null,
    leavingSince: null,
    standing: [],
    endedBy: null,
    signals: [],
    signalled: [],
    aliasOf: null,
    heldCause: null,
    look: null,
  };
}
