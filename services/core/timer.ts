// What a timer of a shard is about: the open signal of a profile, or a segment that time alone may end.

import type { ProfileRecord } from "./profile.ts";
import type { Workspace } from "./workspace.ts";

export interface TimerSubject {
  readonly component: string;
  /** Naming key of the profile. */
  readonly naming: string;
  readonly isSegment: boolean;
}

export function timerRef(component: string, naming: string): string {
  return `${component} ${naming}`;
}

export function readTimerRef(ref: string): TimerSubject {
  const [component = "", naming = "", kind] = ref.split(" ");
  return { component, naming, isSegment: kind === "segment" };
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
export function dropTimers(workspace: Workspace, component: string, naming: string): void {
  workspace.setTimer("time", timerRef(component, naming), null);
  workspace.setTimer("completeness", timerRef(component, naming), null);
  workspace.setTimer("time", segmentRef(component, naming), null);
}

function segmentRef(component: string, naming: string): string {
  return `${timerRef(component, naming)} segment`;
}
