// Signals: something happened and something else did not follow. `abandoned-cart`: due a day after the last cart or
// checkout activity unless a valid order on any channel follows it, all by occurredAt. Sent when every source trusted
// for orders is complete up to the due instant; at the latest `sourceLateAfterMs` after it, and then it says so.

import type { Engine } from "./engine.ts";
import type { Component } from "./component.ts";
import type { Certainty } from "./effect.ts";
import { isPending } from "./membership.ts";
import type { ProfileRecord } from "./profile.ts";
import { restoreSegmentTimer, timerRef } from "./timer.ts";
import { viewProfile, type ProfileView } from "./view.ts";
import type { TimerQueue, Workspace } from "./workspace.ts";

/** The activity that would open the signal now, or null. Loading history opens none (O5). */
function findAbandonedCart(record: ProfileRecord, view: ProfileView): number | null {
  const { cart, latestValidOrderAt } = view;
  if (cart === null || cart.emptied || cart.backfill) return null;
  if (latestValidOrderAt !== null && latestValidOrderAt >= cart.at) return null;
  return record.signalledUpTo !== null && cart.at <= record.signalledUpTo ? null : cart.at;
}

export function refreshSignal(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  view: ProfileView,
): void {
  const rule = engine.abandonedCart;
  const activityAt = rule === null ? null : findAbandonedCart(record, view);
  if (rule === null || activityAt === null) return closeSignal(workspace, component, naming, record);
  if (record.signal?.activityAt === activityAt) return;
  closeSignal(workspace, component, naming, record);
  const dueAt = activityAt + rule.dueAfterMs;
  record.signal = { signal: rule.signal, activityAt, dueAt, state: "open" };
  workspace.setTimer("time", timerRef(component.id, naming), dueAt);
}

export function closeSignal(workspace: Workspace, component: Component, naming: string, record: ProfileRecord): void {
  if (record.signal === null) return;
  workspace.setTimer("time", timerRef(component.id, naming), null);
  if (record.signal.state === "awaiting") workspace.setTimer("completeness", timerRef(component.id, naming), null);
  record.signal = null;
}

/** Sets the timers of a profile again, after a hand-over brought it here. */
export function restoreTimers(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
): void {
  if (record.segmentUntil !== null) restoreSegmentTimer(workspace, component.id, naming, record.segmentUntil);
  const rule = engine.abandonedCart;
  if (record.signal === null || rule === null) return;
  const ref = timerRef(component.id, naming);
  if (record.signal.state === "awaiting") {
    workspace.setTimer("completeness", ref, record.signal.dueAt);
    workspace.setTimer("time", ref, record.signal.dueAt + rule.sourceLateAfterMs);
  } else workspace.setTimer("time", ref, record.signal.dueAt);
}

/** completeUpTo: every source trusted for orders is complete up to here, as of `at`. */
export function fireSignal(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  queue: TimerQueue,
  at: number,
  completeUpTo: number,
): void {
  const record = component.profiles.get(naming);
  const rule = engine.abandonedCart;
  if (record === undefined || !record.alive || record.signal === null || rule === null) return;
  if (isPending(component, naming)) {
    // It opens again, with its old due instant, once ownership is settled.
    closeSignal(workspace, component, naming, record);
    return;
  }
  const { dueAt } = record.signal;
  if (completeUpTo >= dueAt) return sendSignal(engine, workspace, component, naming, record, at, "complete");
  if (queue === "time" && at >= dueAt + rule.sourceLateAfterMs)
    return sendSignal(engine, workspace, component, naming, record, at, "source-late");
  record.signal = { ...record.signal, state: "awaiting" };
  workspace.setTimer("completeness", timerRef(component.id, naming), dueAt);
  workspace.setTimer("time", timerRef(component.id, naming), dueAt + rule.sourceLateAfterMs);
}

function sendSignal(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  at: number,
  certainty: Certainty,
): void {
  const open = record.signal;
  if (open === null) return;
  const { cart } = viewProfile(engine.registry, component, naming);
  workspace.effects.push({
    kind: "signal",
    signalId: `${record.id}.${open.signal}.${open.activityAt}`,
    signal: open.signal,
    profileId: record.id,
    at,
    dueAt: open.dueAt,
    activityAt: open.activityAt,
    certainty,
    facts: {
      "cart.totalMinor": JSON.stringify(cart?.totalMinor ?? null),
      "cart.currency": JSON.stringify(cart?.currency ?? null),
    },
  });
  record.signalledUpTo = open.activityAt;
  closeSignal(workspace, component, naming, record);
}
