// Shard time: the minimum over the resolver slots of what each has passed; it never goes back. Timers due fire before
// the next item, stamped with their due instant. A source that delivers files is complete up to the latest occurredAt
// recorded from it; a live one up to the shard's time.

import { compareText } from "./comparison.ts";
import type { Engine } from "./engine.ts";
import type { ProgressItem } from "./item.ts";
import { evaluateProfile } from "./evaluation.ts";
import { SHARD_PART, type ShardTime } from "./shard-time.ts";
import { touchProfile } from "./publication.ts";
import { fireSignal } from "./signal.ts";
import { readTimerRef } from "./timer.ts";
import { load, loadComponent, type DueTimer, type Steps, type TimerQueue, type Workspace } from "./workspace.ts";

/** Beyond it the last one is replaced, so what it says only counts later. */
export const TOLD_PER_SOURCE_MAX = 64;

export function* applyProgress(engine: Engine, workspace: Workspace, item: ProgressItem): Steps<void> {
  yield* load(workspace, [SHARD_PART]);
  const time = workspace.read<ShardTime>(SHARD_PART) ?? { timeMs: 0, slots: {}, completeUpToMs: {} };
  workspace.write(SHARD_PART, time);
  time.slots[item.slot] = Math.max(time.slots[item.slot] ?? 0, item.timeMs);
  const passed = Object.values(time.slots);
  const timeMs = passed.length < engine.resolverSlots ? 0 : Math.min(...passed);
  if (timeMs > time.timeMs) {
    yield* fireTimers(engine, workspace, "time", timeMs, (due) => ({
      at: due,
      completeUpTo: completeUpTo(engine, time, due),
    }));
    time.timeMs = timeMs;
  }
  for (const [source, upToMs] of Object.entries(item.completeUpToMs)) noteTold(time, source, upToMs, item.timeMs);
  if (settleTold(time)) {
    const upTo = completeUpTo(engine, time, time.timeMs);
    yield* fireTimers(engine, workspace, "completeness", upTo, () => ({ at: time.timeMs, completeUpTo: upTo }));
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

/** True where a source is complete up to a later instant than before. */
function settleTold(time: ShardTime): boolean {
  const passed = (time.told ?? []).filter(({ asOfMs }) => asOfMs <= time.timeMs);
  for (const { source, upToMs } of passed)
    time.completeUpToMs[source] = Math.max(time.completeUpToMs[source] ?? 0, upToMs);
  if (passed.length > 0) time.told = time.told?.filter((one) => !passed.includes(one)) ?? [];
  return passed.length > 0;
}

/** Up to when every source trusted for orders is complete, as of `at`. */
function completeUpTo(engine: Engine, time: ShardTime, at: number): number {
  const files = engine.registry.configuration.sources.filter(
    (source) => source.trustedForOrders && source.delivery === "files",
  );
  return Math.min(at, ...files.map((source) => time.completeUpToMs[source.name] ?? 0));
}

function* fireTimers(
  engine: Engine,
  workspace: Workspace,
  queue: TimerQueue,
  upToMs: number,
  when: (due: number) => { at: number; completeUpTo: number },
): Steps<void> {
  const stored: readonly DueTimer[] = (yield { kind: "timers", queue, upToMs }) ?? [];
  for (
    let due = findDue(workspace, queue, upToMs, stored);
    due !== null;
    due = findDue(workspace, queue, upToMs, stored)
  ) {
    const { component: id, naming, isSegment } = readTimerRef(due.ref);
    workspace.setTimer(queue, due.ref, null);
    const component = yield* loadComponent(workspace, id);
    if (component === null || component.forward !== undefined) continue;
    const { at, completeUpTo: upTo } = when(due.atMs);
    const cause = { source: null, eventId: null, at, occurredAt: null, backfill: false, traceparent: null };
    touchProfile(engine, workspace, component, naming, cause);
    if (isSegment) {
      const record = component.profiles.get(naming);
      if (record !== undefined) record.segmentUntil = null;
      evaluateProfile(engine, workspace, component, naming, cause, "time");
    } else fireSignal(engine, workspace, component, naming, queue, at, upTo);
  }
}

/** The earliest due timer, what this step has set and taken away counted in. */
function findDue(
  workspace: Workspace,
  queue: TimerQueue,
  upToMs: number,
  stored: readonly DueTimer[],
): DueTimer | null {
  const candidates = stored.filter((timer) => !workspace.timers.has(`${queue} ${timer.ref}`));
  for (const [name, atMs] of workspace.timers) {
    if (name.startsWith(`${queue} `) && atMs !== null && atMs <= upToMs)
      candidates.push({ atMs, ref: name.slice(queue.length + 1) });
  }
  candidates.sort((a, b) => a.atMs - b.atMs || compareText(a.ref, b.ref));
  return candidates[0] ?? null;
}
