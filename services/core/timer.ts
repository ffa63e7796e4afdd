// What a timer of a shard is about: an open signal of a profile, or a segment that time alone may end.

import type { ProfileRecord } from "./profile.ts";
import type { Workspace } from "./workspace.ts";

export interface TimerSubject {
  readonly component: string;
  /** Naming key of the profile. */
  readonly naming: string;
  /** Null: it is about the segment. */
  readonly signal: string | null;
}

/** Of one profile and instant, signals come before the segment: `!` sorts before letters. */
export function signalRef(component: string, naming: string, signal: string): string {
  return `${component} ${naming} !${signal}`;
}

export function readTimerRef(ref: string): TimerSubject {
  const [component = "", naming = "", about = ""] = ref.split(" ");
  return { component, naming, signal: about.startsWith("!") ? about.slice(1) : null };
}

/** The one timer of the profile's segment; null: it stays until something happens. */
export function setSegmentTimer(
  workspace: Workspace,
  component: string,
  naming: string,
  record: ProfileRecord,
  until: number | null,
): void {
  if (record.segmentUntil === until) return;
  record.segmentUntil = until;
  workspace.setTimer("time", segmentRef(component, naming), until);
}

/** After a hand-over brought the profile here. */
export function restoreSegmentTimer(workspace: Workspace, component: string, naming: string, until: number): void {
  workspace.setTimer("time", segmentRef(component, naming), until);
}

/** The profile lives elsewhere from here on. */
export function dropTimers(workspace: Workspace, component: string, naming: string, { signals }: ProfileRecord): void {
  for (const { signal, state } of signals) {
    workspace.setTimer("time", signalRef(component, naming, signal), null);
    if (state === "awaiting") workspace.setTimer("completeness", signalRef(component, naming, signal), null);
  }
  workspace.setTimer("time", segmentRef(component, naming), null);
}

function segmentRef(component: string, naming: string): string {
  return `${component} ${naming} segment`;
}
