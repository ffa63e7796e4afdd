// Shard time: the minimum over the resolver slots of what each has passed; it never goes back. Timers due fire before
// the next item, stamped with their due instant. A source that delivers files is complete up to the latest occurredAt
// recorded from it; a live one up to the shard's time.
// An item that makes more timers due than a step may fire is cut: it is applied again, and again, and each time fires the
// next ones, before it does what comes after them. So whatever precedes a cut must be harmless when it is done twice.

import { compareText } from "./comparison.ts";
import type { Engine } from "./engine.ts";
import type { ProgressItem } from "./item.ts";
import { evaluateProfile } from "./evaluation.ts";
import { SHARD_PART, type ShardTime } from "./shard-time.ts";
import { touchProfile } from "./publication.ts";
import { fireSignal } from "./signal.ts";
import { readTimerRef } from "./timer.ts";
import { loadComponent, type DueTimer, type Steps, type TimerQueue, type Workspace } from "./workspace.ts";

/** Beyond it the last one is replaced, so what it says only counts later. */
export const TOLD_PER_SOURCE_MAX = 64;

export function* applyProgress(engine: Engine, workspace: Workspace, item: ProgressItem): Steps<void> {
  const time = workspace.read<ShardTime>(SHARD_PART) ?? { timeMs: 0, slots: {}, completeUpToMs: {} };
  workspace.write(SHARD_PART, time);
  time.slots[item.slot] = Math.max(time.slots[item.slot] ?? 0, item.timeMs);
  const slots = Object.values(time.slots);
  const timeMs = slots.length < engine.resolverSlots ? 0 : Math.min(...slots);
  if (timeMs > time.timeMs) {
    yield* fireTimers(engine, workspace, time, "time", timeMs);
    time.timeMs = timeMs;
  }
  for (const [source, upToMs] of Object.entries(item.completeUpToMs)) noteTold(time, source, upToMs, item.timeMs);
  const passed = settleTold(time);
  if (passed.length > 0) {
    // Of what the signals wait for, the most that there is.
    const upTo = engine.patterns.map(({ awaited }) => completeUpTo(time, awaited, time.timeMs));
    yield* fireTimers(engine, workspace, time, "completeness", Math.max(0, ...upTo));
    time.told = time.told?.filter((one) => !passed.includes(one)) ?? [];
    delete time.asked;
  }
}

/** A file comes in by several slots: one that has read its part says nothing of what the others have still to read. */
function noteTold(time: ShardTime, source: string, upToMs: number, asOfMs: number): void {
  const told = (time.told ??= []);
  const known = told.filter((one) => one.source === source);
  if (upToMs <= Math.max(time.completeUpToMs[source] ?? 0, ...known.map((one) => one.upToMs))) return;
  const last = known.at(-1);
  if (last !== undefined && known.length >= TOLD_PER_SOURCE_MAX) Object.assign(last, { upToMs, asOfMs });
  else told.push({ source, upToMs, asOfMs });
}

/** What has been told of sources and counts by now. */
function settleTold(time: ShardTime): NonNullable<ShardTime["told"]> {
  const passed = (time.told ?? []).filter(({ asOfMs }) => asOfMs <= time.timeMs);
  for (const { source, upToMs } of passed)
    time.completeUpToMs[source] = Math.max(time.completeUpToMs[source] ?? 0, upToMs);
  return passed;
}

/** Up to when every one of these sources, which deliver files, is complete, as of `at`. */
function completeUpTo(time: ShardTime, sources: readonly string[], at: number): number {
  return Math.min(at, ...sources.map((source) => time.completeUpToMs[source] ?? 0));
}

/** Those of the time queue are asked as of their due instant, those of completeness as of the shard's time. */
function* fireTimers(
  engine: Engine,
  workspace: Workspace,
  time: ShardTime,
  queue: TimerQueue,
  upToMs: number,
): Steps<void> {
  // One more than may fire, beside those that were asked before: then it is seen that some are left.
  const max = engine.firedMax + 1 + workspace.timers.size + (time.asked?.count ?? 0);
  const stored = ((yield { kind: "timers", queue, upToMs, max }) ?? []) as readonly DueTimer[];
  // Another source may be incomplete yet: what waits on is not asked again at once, nor after a cut.
  const asked = new Set<string>();
  const before = queue === "completeness" ? (time.asked ?? null) : null;
  const isAsked = (due: DueTimer) =>
    queue === "completeness" && (asked.has(due.ref) || (before !== null && compareTimers(due, before) <= 0));
  const next = createDueList(workspace, queue, upToMs, stored, isAsked);
  let [fired, last]: [number, DueTimer | null] = [0, null];
  for (let due = next(); due !== null; due = next()) {
    if (last !== null && fired === engine.firedMax) {
      if (queue === "completeness") time.asked = { ...last, count: (before?.count ?? 0) + fired };
      yield { kind: "cut" };
    }
    fired += 1;
    last = due;
    const { component: id, naming, signal } = readTimerRef(due.ref);
    asked.add(due.ref);
    workspace.setTimer(queue, due.ref, null);
    const component = yield* loadComponent(workspace, id);
    if (component === null || component.forward !== undefined) continue;
    const at = queue === "time" ? due.atMs : time.timeMs;
    const cause = { source: null, eventId: null, at, occurredAt: null, backfill: false, traceparent: null };
    touchProfile(engine, workspace, component, naming, cause);
    if (signal === null) {
      const record = component.profiles.get(naming);
      if (record !== undefined) record.segmentUntil = null;
      evaluateProfile(engine, workspace, component, naming, cause, "time");
    } else
      fireSignal(engine, workspace, component, naming, signal, queue, at, (sources) => completeUpTo(time, sources, at));
  }
}

/** The earliest due timer, what this step has set and taken away counted in. `stored`: in order. */
function createDueList(
  workspace: Workspace,
  queue: TimerQueue,
  upToMs: number,
  stored: readonly DueTimer[],
  isAsked: (due: DueTimer) => boolean,
): () => DueTimer | null {
  let place = 0;
  const isPassed = (due: DueTimer | undefined) =>
    due !== undefined && (workspace.timers.has(`${queue} ${due.ref}`) || isAsked(due));
  return () => {
    while (isPassed(stored[place])) place += 1;
    let first = stored[place] ?? null;
    for (const [name, atMs] of workspace.timers) {
      if (atMs === null || atMs > upToMs || !name.startsWith(`${queue} `)) continue;
      const due = { atMs, ref: name.slice(queue.length + 1) };
      if (!isAsked(due) && (first === null || compareTimers(due, first) < 0)) first = due;
    }
    return first;
  };
}

function compareTimers(a: DueTimer, b: DueTimer): number {
  return a.atMs - b.atMs || compareText(a.ref, b.ref);
}
