// Preferences: what the person stated beats what was inferred of her; an inferred one has its evidence counted. An event
// of type preference-stated states, the preferences of any other are evidence.

import { compareText, sortedEntries, sortedKeys } from "./comparison.ts";
import type { ChannelEvent, Scalar } from "./event.ts";
import { classedKey, cutText, laterOf, listRegisters, NOTHING_TOLD } from "./facet.ts";
import type { RegisterRules, Registers, Telling, Told } from "./facet.ts";

export const STATED_MAX = 64;
export const INFERRED_MAX = 128;

export interface Stated extends Told {
  readonly name: string;
  /** null: taken back. */
  readonly value: Scalar;
  readonly authenticated: boolean;
}

export interface Inferred {
  readonly name: string;
  readonly value: Scalar;
  readonly authenticated: boolean;
  readonly count: number;
  readonly at: number;
}

export const STATED_RULES: RegisterRules<Stated> = {
  join: laterOf,
  max: STATED_MAX,
  keep: "first",
  classed: true,
  limit: "stated-preferences",
};

export const INFERRED_RULES: RegisterRules<Inferred> = {
  join: (a, b) => ({ ...a, count: a.count + b.count, at: Math.max(a.at, b.at) }),
  max: INFERRED_MAX,
  keep: "first",
  classed: true,
  limit: "inferred-preferences",
};

export function statedKey({ authenticated, name }: Stated): string {
  return classedKey(authenticated, name);
}

export function inferredKey({ authenticated, name, value }: Inferred): string {
  return classedKey(authenticated, name, JSON.stringify(value));
}

export interface Preferences {
  readonly stated: Registers<Stated>;
  readonly inferred: Registers<Inferred>;
}

const NO_PREFERENCES: Preferences = { stated: NOTHING_TOLD, inferred: NOTHING_TOLD };

export function readPreferences({ told, type, authenticated, limits }: Telling, event: ChannelEvent): Preferences {
  const part = event.preferences;
  if (part === null || part === undefined) return NO_PREFERENCES;
  const stated = new Map<string, Stated>();
  const inferred = new Map<string, Inferred>();
  for (const raw of sortedKeys(part)) {
    const name = cutText(raw, limits);
    const given = part[raw] ?? null;
    const value = typeof given === "string" ? cutText(given, limits) : given;
    const saying = { ...told, name, value, authenticated };
    const evidence = { name, value, authenticated, count: 1, at: told.at };
    if (type === "preference-stated") stated.set(statedKey(saying), saying);
    else if (value !== null) inferred.set(inferredKey(evidence), evidence);
  }
  return { stated, inferred };
}

export interface PreferenceView {
  readonly name: string;
  readonly value: Scalar;
  readonly basis: "stated" | "inferred";
  /** Events from which this value was inferred. */
  readonly evidence: number;
  /** When it was stated, or inferred last. */
  readonly at: number;
}

/** By name. Of what was inferred the value with the most evidence, then the latest, then by its text. */
export function viewPreferences(stated: Registers<Stated>, inferred: Registers<Inferred>): PreferenceView[] {
  const counts = new Map<string, Map<string, Inferred>>();
  for (const evidence of inferred.values()) {
    const values = counts.get(evidence.name) ?? new Map<string, Inferred>();
    const text = JSON.stringify(evidence.value);
    const present = values.get(text);
    values.set(text, present === undefined ? evidence : INFERRED_RULES.join(present, evidence));
    counts.set(evidence.name, values);
  }
  const views = new Map<string, PreferenceView>();
  for (const [name, values] of counts) {
    const best = [...values.values()].reduce((a, b) => (compareEvidence(a, b) <= 0 ? a : b));
    views.set(name, { name, value: best.value, basis: "inferred", evidence: best.count, at: best.at });
  }
  for (const { name, value, at } of listRegisters(stated)) {
    if (value === null) continue;
    const evidence = counts.get(name)?.get(JSON.stringify(value))?.count ?? 0;
    views.set(name, { name, value, basis: "stated", evidence, at });
  }
  return sortedEntries(views).map(([, view]) => view);
}

function compareEvidence(a: Inferred, b: Inferred): number {
  return b.count - a.count || b.at - a.at || compareText(JSON.stringify(a.value), JSON.stringify(b.value));
}
