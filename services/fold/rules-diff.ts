// Two rule sets side by side over the same events: whom each has in which segment and audience, and which transitions and
// signals one has told that the other has not.

import { compareText } from "#core/comparison.ts";
import type { Rules } from "#core/configuration.ts";
import type { Output } from "#core/effect.ts";
import type { ProfileLine } from "../wire/profile-reader.ts";

export interface RulesOutcome {
  readonly rules: Rules;
  readonly profiles: readonly ProfileLine[];
  readonly outputs: readonly Output[];
}

/** So often, and whom it is about, for example. */
export interface Tally {
  readonly what: string;
  readonly count: number;
  readonly examples: readonly string[];
}

export interface RulesDifference {
  readonly before: string;
  readonly after: string;
  readonly profiles: number;
  /** Names that only one of them declares, or declares otherwise: `segment ambassador changed`. */
  readonly declarations: readonly string[];
  /** `one-buyer -> multi-buyer`: in another segment at the end. */
  readonly segments: readonly Tally[];
  /** `+quiet`: in it under the second alone. */
  readonly audiences: readonly Tally[];
  readonly transitions: { readonly added: readonly Tally[]; readonly removed: readonly Tally[] };
  readonly signals: { readonly added: readonly Tally[]; readonly removed: readonly Tally[] };
}

interface Occurrence {
  readonly what: string;
  readonly profileId: string;
}

export function compareRules(before: RulesOutcome, after: RulesOutcome, examples: number): RulesDifference {
  const count = (list: readonly Occurrence[]) => tally(list, examples);
  const old = new Map(before.profiles.map((profile) => [profile.profileId, profile]));
  // Who is one person does not depend on rules of segments, so both have the same profiles.
  const pairs = after.profiles.flatMap((now) => {
    const former = old.get(now.profileId);
    return former === undefined ? [] : [{ former, now }];
  });
  const both = (list: (outcome: RulesOutcome) => Map<string, Occurrence>) => {
    const [one, other] = [list(before), list(after)];
    return { added: count(without(other, one)), removed: count(without(one, other)) };
  };
  return {
    before: before.rules.version,
    after: after.rules.version,
    profiles: after.profiles.length,
    declarations: compareDeclarations(before.rules, after.rules),
    segments: count(
      pairs
        .filter(({ former, now }) => former.segment !== now.segment)
        .map(({ former, now }) => ({ what: `${former.segment} -> ${now.segment}`, profileId: now.profileId })),
    ),
    audiences: count(
      pairs.flatMap(({ former, now }) => [
        ...now.audiences
          .filter((audience) => !former.audiences.includes(audience))
          .map((audience) => ({ what: `+${audience}`, profileId: now.profileId })),
        ...former.audiences
          .filter((audience) => !now.audiences.includes(audience))
          .map((audience) => ({ what: `-${audience}`, profileId: now.profileId })),
      ]),
    ),
    transitions: both(listTransitions),
    signals: both(listSignals),
  };
}

/** The same move of the same profile at the same instant is the same, whatever its number. */
function listTransitions({ outputs }: RulesOutcome): Map<string, Occurrence> {
  const list = new Map<string, Occurrence>();
  for (const output of outputs) {
    if (output.kind !== "transition" && output.kind !== "retraction") continue;
    const { profileId, from, to, by } = output;
    const what = `${output.kind === "retraction" ? "retraction of " : ""}${from} -> ${to}`;
    const place = JSON.stringify([profileId, what, by.at, by.source, by.eventId]);
    list.set(findFree(list, place), { what, profileId });
  }
  return list;
}

function findFree(list: ReadonlyMap<string, unknown>, key: string): string {
  let free = key;
  for (let copy = 1; list.has(free); copy += 1) free = `${key} ${copy}`;
  return free;
}

function listSignals({ outputs }: RulesOutcome): Map<string, Occurrence> {
  const list = new Map<string, Occurrence>();
  for (const output of outputs)
    if (output.kind === "signal")
      list.set(`${output.signalId} ${output.at} ${output.certainty}`, {
        what: `${output.signal} (${output.certainty})`,
        profileId: output.profileId,
      });
  return list;
}

function without(list: ReadonlyMap<string, Occurrence>, other: ReadonlyMap<string, Occurrence>): Occurrence[] {
  return [...list].filter(([key]) => !other.has(key)).map(([, occurrence]) => occurrence);
}

/** The most frequent first. */
function tally(list: readonly Occurrence[], examples: number): Tally[] {
  const groups = new Map<string, string[]>();
  for (const { what, profileId } of list) groups.set(what, [...(groups.get(what) ?? []), profileId]);
  return [...groups]
    .map(([what, ids]) => ({
      what,
      count: ids.length,
      examples: [...new Set(ids)].sort(compareText).slice(0, examples),
    }))
    .sort((a, b) => b.count - a.count || compareText(a.what, b.what));
}

function compareDeclarations(before: Rules, after: Rules): string[] {
  const list = ({ ladder, audiences = [], signals, scores }: Rules) =>
    new Map([
      ...ladder.map((rule) => [`segment ${rule.segment}`, JSON.stringify(rule)] as const),
      ...audiences.map((rule) => [`audience ${rule.audience}`, JSON.stringify(rule)] as const),
      ...signals.map((rule) => [`signal ${rule.signal}`, JSON.stringify(rule)] as const),
      ...Object.entries(scores ?? {}).map(([name, rule]) => [`scores.${name}`, JSON.stringify(rule)] as const),
      ["order of segments", ladder.map(({ segment }) => segment).join(" ")] as const,
    ]);
  const [old, now] = [list(before), list(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort(compareText).flatMap((name) => {
    if (old.get(name) === now.get(name)) return [];
    return [`${name} ${!old.has(name) ? "added" : !now.has(name) ? "removed" : "changed"}`];
  });
}

export function formatDifference(difference: RulesDifference): string {
  const { before, after, profiles, declarations, segments, audiences, transitions, signals } = difference;
  const block = (title: string, list: readonly Tally[]) => [
    `${title}: ${list.reduce((sum, { count }) => sum + count, 0)}`,
    ...list.map(
      ({ what, count, examples }) => `  ${count} ${what}${examples.length === 0 ? "" : `: ${examples.join(", ")}`}`,
    ),
  ];
  return `${[
    `rules ${before} and ${after} over ${profiles} profiles`,
    `declarations: ${declarations.length === 0 ? "the same" : declarations.join(", ")}`,
    ...block("in another segment", segments),
    ...block("audiences", audiences),
    ...block("transitions added", transitions.added),
    ...block("transitions removed", transitions.removed),
    ...block("signals added", signals.added),
    ...block("signals removed", signals.removed),
  ].join("\n")}\n`;
}
