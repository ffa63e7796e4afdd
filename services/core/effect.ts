// What the world is told: data, never a running promise. The shell encodes effects, commits them with the state that
// they announce, and publishes them once.

import type { Outcome } from "./acceptance.ts";
import type { ContactView } from "./contact.ts";
import type { DossierView } from "./dossier-view.ts";
import type { Cause } from "./profile.ts";
import type { LimitKind } from "./limit.ts";
import type { Scalar } from "./event.ts";
import type { IdentifierView } from "./listing.ts";
import type { Passage } from "./passage.ts";
import type { Score } from "./score.ts";

export const TRANSITION_CAUSES = [
  "event",
  "schedule",
  "merge",
  "split",
  "late-data",
  "backfill",
  "rule-change",
  "restriction",
  "erasure",
  "replay",
] as const;
export type TransitionCause = (typeof TRANSITION_CAUSES)[number];

/** What the person did or let pass, or what was learned, ruled or loaded about her. */
export const TRANSITION_NATURES = ["behaviour", "artefact"] as const;
export type TransitionNature = (typeof TRANSITION_NATURES)[number];

const NATURES: Readonly<Record<TransitionCause, TransitionNature>> = {
  event: "behaviour",
  schedule: "behaviour",
  merge: "artefact",
  split: "artefact",
  "late-data": "artefact",
  backfill: "artefact",
  "rule-change": "artefact",
  restriction: "artefact",
  erasure: "artefact",
  replay: "artefact",
};

export function natureOf(cause: TransitionCause): TransitionNature {
  return NATURES[cause];
}

export const IDENTITY_CHANGE_KINDS = [
  "merged",
  "split",
  "moved",
  "left",
  "quarantined",
  "released",
  "limited",
  "alias",
] as const;
export type IdentityChangeKind = (typeof IDENTITY_CHANGE_KINDS)[number];

export const CERTAINTY_KINDS = ["complete", "source-late"] as const;
export type Certainty = (typeof CERTAINTY_KINDS)[number];

/** What the path of a change may begin with: each reader of them decides of each who may see it. */
export const PATH_KINDS = [
  "audiences",
  "cases",
  "consents",
  "contacts",
  "counters",
  "groups",
  "identifiers",
  "identifiersCount",
  "loyalty",
  "orders",
  "preferences",
  "profile",
  "restrictions",
  "scores",
  "segment",
  "subscriptions",
  "traits",
] as const;
export type PathKind = (typeof PATH_KINDS)[number];
export type Path = PathKind | `${PathKind}.${string}`;

export interface Change {
  readonly path: Path;
  /** JSON texts; null where the path was, or is, absent. */
  readonly before: string | null;
  readonly after: string | null;
}

export interface ProfileChanged {
  readonly kind: "profile-changed";
  readonly profileId: string;
  readonly version: number;
  readonly segment: string | null;
  readonly changes: readonly Change[];
  readonly cause: Cause;
}

export interface ProfileState {
  readonly kind: "profile-state";
  readonly profileId: string;
  /** null: the profile is no more (merged away). */
  readonly state: PublicProfile | null;
  readonly cause: Cause;
}

export interface PublicProfile extends DossierView {
  readonly version: number;
  readonly segment: string | null;
  readonly segmentSince: number | null;
  /** By name. */
  readonly audiences: readonly string[];
  readonly scores: readonly Score[];
  /** The best of them (listing.ts). */
  readonly identifiers: readonly IdentifierView[];
  readonly identifiersCount: number;
  readonly traits: Readonly<Record<string, { readonly value: Scalar; readonly source: string; readonly at: number }>>;
  readonly orders: {
    readonly count: number;
    readonly valid: number;
    readonly spentMinor: Readonly<Record<string, number>>;
  };
  readonly counters: Readonly<Record<string, number>>;
  readonly contacts: readonly ContactView[];
  /** Per mille of the declared fields. */
  readonly completeness: number;
}

export interface SegmentTransition extends Passage {
  readonly kind: "transition" | "retraction";
  readonly transitionId: string;
  /** Of a retraction: the transition whose reason disappeared. It went from `from` to `to`; the rest is as of its correction. */
  readonly retracts: string | null;
  readonly profileId: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: TransitionCause;
  /** A retraction is always an artefact. */
  readonly nature: TransitionNature;
  readonly by: Cause;
  readonly rule: string | null;
  readonly ruleVersion: string;
  readonly previousSince: number | null;
  readonly timeInFormerMs: number | null;
}

/** What readers of transitions keep of each, beside when it was and which event caused it. */
export type KeptMove = Pick<
  SegmentTransition,
  | "transitionId"
  | "profileId"
  | "from"
  | "to"
  | "cause"
  | "nature"
  | "rule"
  | "ruleVersion"
  | "timeInFormerMs"
  | "valueTier"
  | "decisive"
  | "reachable"
>;

export interface IdentityChanged {
  readonly kind: "identity-changed";
  readonly changeId: string;
  readonly change: IdentityChangeKind;
  readonly profileId: string;
  readonly otherProfileId: string | null;
  /** The best of them (listing.ts). */
  readonly identifiers: readonly { readonly namespace: string; readonly key: string }[];
  readonly identifiersCount: number;
  readonly cause: Cause;
}

export interface ProfileSignal {
  readonly kind: "signal";
  readonly signalId: string;
  readonly signal: string;
  readonly profileId: string;
  readonly at: number;
  readonly dueAt: number;
  readonly activityAt: number;
  readonly certainty: Certainty;
  readonly facts: Readonly<Record<string, string>>;
}

export interface IdentityAlias {
  readonly kind: "alias";
  readonly oldProfileId: string;
  /** null: the old id stands for itself again. */
  readonly profileId: string | null;
  readonly at: number;
}

/** The person of this id was erased: whoever was told of it must forget it too. */
export interface ProfileErased {
  readonly kind: "profile-erased";
  readonly profileId: string;
  readonly requestId: string;
  readonly cause: Cause;
}

export interface EventOutcome {
  readonly kind: "outcome";
  readonly source: string;
  readonly eventId: string;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly anchor: string | null;
}

/** Something was left out, because a limit of SPEC.md section 7 was met. Counted by the shell. */
export interface LimitReached {
  readonly kind: "limit";
  readonly limit: LimitKind;
}

/** What was kept under these keys nobody needs any more, and nobody is to read it again. */
export interface KeysForgotten {
  readonly kind: "keys-forgotten";
  readonly keys: readonly string[];
}

/** What goes to topics; outcomes and limits are counted, not published. */
export type Output =
  | ProfileChanged
  | ProfileState
  | SegmentTransition
  | IdentityChanged
  | ProfileSignal
  | IdentityAlias
  | ProfileErased;
export type Effect = Output | EventOutcome | LimitReached | KeysForgotten;
