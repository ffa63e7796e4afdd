// Signals: something happened and something else did not follow (pattern.ts says what). Of each name one is open for a
// profile, due `dueAfter` after the activity that opened it; sent when every source that could refute it is complete up
// to the due instant, at the latest `sourceLateAfterMs` after it, and then it says so.
//
//   closed ──activity──► open ──due──► sent, or awaiting ──complete, or too late──► sent
//      ◄──refuted, emptied, another activity──┘

import type { Engine } from "./engine.ts";
import type { Component } from "./component.ts";
import type { Certainty } from "./effect.ts";
import { isPending } from "./membership.ts";
import type { Pattern } from "./pattern.ts";
import type { OpenSignal, ProfileRecord } from "./profile.ts";
import { restoreSegmentTimer, signalRef } from "./timer.ts";
import { viewProfile, type ProfileView } from "./view.ts";
import type { TimerQueue, Workspace } from "./workspace.ts";

export function refreshSignals(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  view: ProfileView,
  asOf: number,
): void {
  for (const pattern of engine.patterns) refreshSignal(workspace, component, naming, record, view, pattern, asOf);
}

function refreshSignal(
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  view: ProfileView,
  { rule, find }: Pattern,
  asOf: number,
): void {
  const { signal } = rule;
  const open = findOpen(record, signal);
  // What is open has not been sent, however much later an event tells.
  const activityAt = find(view, Math.min(asOf, open?.activityAt ?? asOf), signalledUpTo(record, signal));
  if (open !== null && open.activityAt === activityAt) return;
  if (open !== null) closeSignal(workspace, component, naming, record, open);
  if (activityAt === null) return;
  openSignal(workspace, component, naming, record, { signal, activityAt, dueAt: activityAt + rule.dueAfterMs });
}

/**
 * Under other rules: what is not declared any more is closed; what is open is due when the rules say so, and not before now;
 * what would be open and was due by now is not: rules send nothing for what happened before them.
 */
export function reviseSignals(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  view: ProfileView,
  nowMs: number,
  touch: () => void,
): void {
  for (const open of record.signals) {
    if (engine.patterns.some(({ rule }) => rule.signal === open.signal)) continue;
    touch();
    closeSignal(workspace, component, naming, record, open);
  }
  for (const { rule, find } of engine.patterns) {
    const { signal, dueAfterMs, sourceLateAfterMs } = rule;
    const open = findOpen(record, signal);
    const activityAt = find(view, Math.min(nowMs, open?.activityAt ?? nowMs), signalledUpTo(record, signal));
    const dueAt = (activityAt ?? 0) + dueAfterMs;
    const ref = signalRef(component.id, naming, signal);
    if (open !== null && open.activityAt === activityAt) {
      if (open.state === "awaiting") {
        workspace.setTimer("time", ref, Math.max(open.dueAt + sourceLateAfterMs, nowMs));
      } else if (open.dueAt !== dueAt) {
        touch();
        const moved = { ...open, dueAt: Math.max(dueAt, nowMs) };
        record.signals = record.signals.map((one) => (one === open ? moved : one));
        workspace.setTimer("time", ref, moved.dueAt);
      }
      continue;
    }
    if (open === null && activityAt === null) continue;
    touch();
    if (open !== null) closeSignal(workspace, component, naming, record, open);
    if (activityAt !== null && dueAt <= nowMs) noteSignalled(record, signal, activityAt);
    else if (activityAt !== null) openSignal(workspace, component, naming, record, { signal, activityAt, dueAt });
  }
}

function openSignal(
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  { signal, activityAt, dueAt }: Omit<OpenSignal, "state">,
): void {
  record.signals.push({ signal, activityAt, dueAt, state: "open" });
  workspace.setTimer("time", signalRef(component.id, naming, signal), dueAt);
}

function findOpen({ signals }: ProfileRecord, name: string): OpenSignal | null {
  return signals.find(({ signal }) => signal === name) ?? null;
}

function signalledUpTo({ signalled }: ProfileRecord, name: string): number | null {
  return signalled.find(({ signal }) => signal === name)?.upTo ?? null;
}

function noteSignalled(record: ProfileRecord, signal: string, upTo: number): void {
  const known = signalledUpTo(record, signal) ?? upTo;
  const others = record.signalled.filter((one) => one.signal !== signal);
  record.signalled = [...others, { signal, upTo: Math.max(known, upTo) }];
}

/** What was sent of one profile was sent of that which it goes into. */
export function joinSignalled(into: ProfileRecord, from: ProfileRecord): void {
  for (const { signal, upTo } of from.signalled) noteSignalled(into, signal, upTo);
}

export function closeSignals(workspace: Workspace, component: Component, naming: string, record: ProfileRecord): void {
  for (const open of record.signals) closeSignal(workspace, component, naming, record, open);
}

function closeSignal(
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  { signal, state }: OpenSignal,
): void {
  const ref = signalRef(component.id, naming, signal);
  workspace.setTimer("time", ref, null);
  if (state === "awaiting") workspace.setTimer("completeness", ref, null);
  record.signals = record.signals.filter((one) => one.signal !== signal);
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
  for (const { signal, dueAt, state } of record.signals) {
    const ref = signalRef(component.id, naming, signal);
    const pattern = engine.patterns.find(({ rule }) => rule.signal === signal);
    if (state === "awaiting") workspace.setTimer("completeness", ref, dueAt);
    workspace.setTimer("time", ref, state === "awaiting" ? dueAt + (pattern?.rule.sourceLateAfterMs ?? 0) : dueAt);
  }
}

/** completeUpTo: every one of these sources is complete up to here, as of `at`. */
export function fireSignal(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  signal: string,
  queue: TimerQueue,
  at: number,
  completeUpTo: (sources: readonly string[]) => number,
): void {
  const record = component.profiles.get(naming);
  if (record === undefined || !record.alive) return;
  const open = findOpen(record, signal);
  if (open === null) return;
  const pattern = engine.patterns.find(({ rule }) => rule.signal === signal);
  if (pattern === undefined || isPending(component, naming)) {
    // No longer declared; or it opens again, with its old due instant, once ownership is settled.
    closeSignal(workspace, component, naming, record, open);
    return;
  }
  const { dueAt } = open;
  const lateAt = dueAt + pattern.rule.sourceLateAfterMs;
  const isComplete = completeUpTo(pattern.awaited) >= dueAt;
  if (isComplete || (queue === "time" && at >= lateAt))
    return sendSignal(
      engine,
      workspace,
      component,
      naming,
      record,
      open,
      pattern,
      at,
      isComplete ? "complete" : "source-late",
    );
  const ref = signalRef(component.id, naming, signal);
  record.signals = record.signals.map((one) => (one === open ? { ...one, state: "awaiting" } : one));
  workspace.setTimer("completeness", ref, dueAt);
  workspace.setTimer("time", ref, lateAt);
}

function sendSignal(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  open: OpenSignal,
  pattern: Pattern,
  at: number,
  certainty: Certainty,
): void {
  const view = viewProfile(engine.registry, component, naming);
  const { signal, activityAt, dueAt } = open;
  workspace.effects.push({
    kind: "signal",
    signalId: `${record.id}.${signal}.${activityAt}`,
    signal,
    profileId: record.id,
    at,
    dueAt,
    activityAt,
    certainty,
    facts: pattern.describe(view),
  });
  noteSignalled(record, signal, activityAt);
  closeSignal(workspace, component, naming, record, open);
  // The next of a yearly one.
  refreshSignal(workspace, component, naming, record, view, pattern, at);
}
