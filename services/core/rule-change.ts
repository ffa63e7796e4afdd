// Another rule set comes into force: every profile of the shard is looked at anew, in the order of the components' keys, and
// whoever belongs elsewhere moves, with the cause `rule-change`. The item is applied in steps: the first ends before
// anybody is looked at, so that the store holds all that came before; each of the others looks at so many profiles. Where
// they are cut follows from the log and the state alone.
//
//   in force ──item──► [cut] ──components, firedMax profiles a step──► [cut] … ──none left──► in force

import { compareText } from "./comparison.ts";
import type { Component, Forwarder } from "./component.ts";
import type { Engine } from "./engine.ts";
import { evaluateProfile } from "./evaluation.ts";
import type { RulesItem } from "./item.ts";
import { isPending } from "./membership.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { touchProfile } from "./publication.ts";
import { keepRising } from "./retraction.ts";
import {
  causeOfRules,
  CHANGE_PART,
  openRuled,
  RULES_PART,
  rulesInForce,
  type RulesChange,
  type RulesInForce,
} from "./rules-in-force.ts";
import { earlier } from "./segment.ts";
import { readShardTimeMs, SHARD_PART } from "./shard-time.ts";
import { reviseSignals } from "./signal.ts";
import { viewProfile, type ProfileView } from "./view.ts";
import { load, type Steps, type Workspace } from "./workspace.ts";

/** Components that are loaded together. */
const LOADED_MAX = 100;

export function* applyRules(engine: Engine, workspace: Workspace, item: RulesItem): Steps<void> {
  yield* load(workspace, [SHARD_PART, RULES_PART, CHANGE_PART]);
  const former = rulesInForce(workspace);
  if (item.sequence > (former?.sequence ?? 0)) {
    const { sequence, recordedAt, version, digest, rules } = item;
    const next: RulesInForce = { sequence, recordedAt, version, digest, rules };
    workspace.write(RULES_PART, next);
    if (rules === (former?.rules ?? engine.rules)) return;
    workspace.write(CHANGE_PART, { sequence, after: "" } satisfies RulesChange);
    yield { kind: "cut" };
  }
  const change = workspace.read<RulesChange>(CHANGE_PART);
  if (change?.sequence !== item.sequence) return;
  const ruled = yield* openRuled(engine, workspace);
  const cause = causeOfRules(item, item.recordedAt);
  let { after } = change;
  for (let looked = 0; ; ) {
    const keys = (yield { kind: "components", after, max: LOADED_MAX }) as readonly string[];
    if (keys.length === 0) break;
    yield* load(workspace, keys);
    for (const key of keys) {
      if (looked >= ruled.firedMax) {
        workspace.write(CHANGE_PART, { sequence: item.sequence, after } satisfies RulesChange);
        yield { kind: "cut" };
        looked = 0;
      }
      after = key;
      const component = workspace.read<Component | Forwarder>(key);
      if (component === null || component.forward !== undefined) continue;
      looked += reviseProfiles(ruled, workspace, component, component.profiles.keys(), cause);
    }
  }
  workspace.write(CHANGE_PART, null);
}

/** Brings profiles that were evaluated under other rules under those of the engine; how many live. */
export function reviseProfiles(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  namings: Iterable<string>,
  cause: Cause,
): number {
  let living = 0;
  for (const naming of [...namings].sort(compareText)) {
    const record = component.profiles.get(naming);
    if (record?.alive !== true) continue;
    living += 1;
    reviseProfile(engine, workspace, component, naming, record, cause);
  }
  return living;
}

/** Writes nothing where nothing is other. */
function reviseProfile(
  engine: Engine,
  workspace: Workspace,
  component: Component,
  naming: string,
  record: ProfileRecord,
  cause: Cause,
): void {
  const touch = () => touchProfile(engine, workspace, component, naming, cause);
  const view = viewProfile(engine.registry, component, naming);
  const nowMs = readShardTimeMs(workspace);
  const standing = keepRising(engine, record.standing);
  if (standing.length < record.standing.length) {
    touch();
    record.standing = standing;
  }
  if (record.frozen === null)
    reviseSignals(engine, workspace, component, naming, record, view, Math.max(nowMs, cause.at), touch);
  if (isPending(component, naming)) {
    if (record.heldCause !== null) return;
    touch();
    record.heldCause = cause;
  } else if (!isInPlace(engine, record, view, nowMs, cause)) {
    touch();
    evaluateProfile(engine, workspace, component, naming, cause, null);
  }
}

function isInPlace(
  { ladder, audiences, scores }: Engine,
  record: ProfileRecord,
  given: ProfileView,
  nowMs: number,
  cause: Cause,
): boolean {
  const asOf = ladder.readsTime ? Math.max(record.evaluatedAsOf, nowMs) : record.evaluatedAsOf;
  const path = {
    segment: record.segment,
    since: record.segmentSince ?? 0,
    leavingSince: record.leavingSince,
    nowMs: Math.max(asOf, cause.at),
  };
  const scored = scores.evaluate(given, asOf);
  const { facts } = scored.view;
  const found = ladder.evaluate(facts, asOf, path);
  const membership = audiences.evaluate(facts, asOf);
  return (
    found.segment === record.segment &&
    found.leavingSince === record.leavingSince &&
    earlier(earlier(found.until, membership.until), scored.until) === record.segmentUntil &&
    JSON.stringify(scored.scores) === JSON.stringify(record.scores) &&
    membership.audiences.join(" ") === record.audiences.join(" ")
  );
}
