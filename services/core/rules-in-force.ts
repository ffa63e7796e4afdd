// Which rules a shard evaluates with: a part of its state, set by an item of the inner log, so that a replay meets the same
// rules at the same places (T1). Before the first such item they are those that the engine was opened with, which are the
// first that the log of rules holds.

import { sortedKeys } from "./comparison.ts";
import type { Rules } from "./configuration.ts";
import type { Engine } from "./engine.ts";
import type { Cause } from "./profile.ts";
import { load, type Steps, type Workspace } from "./workspace.ts";

export const RULES_PART = "r";
/** While the shard's profiles are being looked at anew. */
export const CHANGE_PART = "rc";

export interface RulesInForce {
  /** Grows with each rule set that was put in force. */
  readonly sequence: number;
  readonly recordedAt: number;
  readonly version: string;
  readonly digest: string;
  /** Canonical: see writeRules. */
  readonly rules: string;
}

export interface RulesChange {
  readonly sequence: number;
  /** Components up to this part have been looked at. */
  readonly after: string;
}

/** Source of what a change of rules causes. */
export const RULES = "rules";

/** The one text of these rules, whatever the order of their keys; the order of lists counts. */
export function writeRules(rules: Rules): string {
  return JSON.stringify(sortKeys(rules));
}

export function readRules(text: string): Rules {
  return JSON.parse(text) as Rules;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const record = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(sortedKeys(record).map((key) => [key, sortKeys(record[key])]));
}

/** The engine under the rules that are in force in the shard. */
export function* openRuled(engine: Engine, workspace: Workspace): Steps<Engine> {
  if (!workspace.parts.has(RULES_PART)) yield* load(workspace, [RULES_PART]);
  const inForce = rulesInForce(workspace);
  return inForce === null ? engine : engine.under(inForce.rules);
}

export function rulesInForce(workspace: Workspace): RulesInForce | null {
  return workspace.read<RulesInForce>(RULES_PART);
}

/** Of moves that follow from the rules; eventId: their digest. */
export function causeOfRules({ digest }: Pick<RulesInForce, "digest">, at: number): Cause {
  return { source: RULES, eventId: digest, at, occurredAt: null, backfill: false, traceparent: null };
}
