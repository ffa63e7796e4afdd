// The files of `weft fold`: a JSON object a line, times ISO UTC with milliseconds, the same bytes each time. Other
// programs are written against them.

import { join } from "node:path";
import { compareText, sortedEntries } from "#core/comparison.ts";
import type { IdentityChanged, ProfileSignal, SegmentTransition } from "#core/effect.ts";
import type { FieldQuality, SourceQuality } from "#core/quality.ts";
import { describeInstant } from "../wire/instant.ts";
import type { People } from "../wire/profile-reader.ts";
import { digestProfiles, formatProfiles } from "../wire/profile-lines.ts";
import type { FoldOutcome } from "./fold.ts";
import { makePrivateFolder, writePrivateFile } from "./private-file.ts";

export interface DeadLetterLine {
  readonly source: string | null;
  readonly eventId: string | null;
  readonly line: number;
  readonly reason: string;
  readonly detail: string;
}

/** One input line and what became of it; the source and id of an undecodable line are unknown. */
export type FoldedEvent = Pick<FoldOutcome, "outcome" | "reason" | "anchor"> & {
  readonly source: string | null;
  readonly eventId: string | null;
};

export interface FoldResult {
  readonly people: People;
  readonly outcomes: readonly FoldedEvent[];
  readonly transitions: readonly SegmentTransition[];
  readonly signals: readonly ProfileSignal[];
  readonly identityChanges: readonly IdentityChanged[];
  readonly deadLetters: readonly DeadLetterLine[];
  /** By source and field: events folded without it, for want of a legal basis. */
  readonly dropped: ReadonlyMap<string, number>;
  readonly heldBack: ReadonlyMap<string, number>;
  /** Of each source, how good what it told is. */
  readonly quality: { readonly sources: readonly SourceQuality[]; readonly fields: readonly FieldQuality[] };
}

export interface FoldSummary {
  readonly events: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Where a field was left out for want of a legal basis: how often, by source and field. */
  readonly fieldsDropped?: Readonly<Record<string, number>>;
  /** Events that were claims because their source was held back, by source. */
  readonly heldBack?: Readonly<Record<string, number>>;
  readonly profiles: number;
  readonly unattributedOrders: number;
  readonly segments: Readonly<Record<string, number>>;
  readonly digest: string;
}

function writeLines(folder: string, name: string, lines: readonly unknown[]): void {
  writePrivateFile(join(folder, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** Counts by name, names in the one order. */
function countBy(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => compareText(a, b)));
}

export function writeFold(folder: string, result: FoldResult): FoldSummary {
  makePrivateFolder(folder);
  const { people, outcomes, transitions, signals, identityChanges, deadLetters } = result;
  const profiles = formatProfiles(people.profiles);
  writePrivateFile(join(folder, "profiles.jsonl"), profiles);
  writeLines(
    folder,
    "events.jsonl",
    outcomes.map(({ source, eventId, outcome, reason, anchor }) => ({
      source,
      eventId,
      profileId: anchor === null ? null : (people.holders.get(anchor) ?? null),
      outcome,
      reason,
    })),
  );
  writeLines(
    folder,
    "transitions.jsonl",
    transitions.map(({ facts, by, touches, ...move }) => ({
      kind: move.kind,
      transitionId: move.transitionId,
      ...(move.retracts === null ? {} : { retracts: move.retracts }),
      profileId: move.profileId,
      from: move.from,
      to: move.to,
      cause: move.cause,
      nature: move.nature,
      eventId: by.eventId,
      source: by.source,
      at: describeInstant(by.at),
      occurredAt: describeInstant(by.occurredAt),
      rule: move.rule,
      ruleVersion: move.ruleVersion,
      facts: Object.fromEntries(Object.entries(facts).map(([path, text]) => [path, JSON.parse(text) as unknown])),
      decisive: move.decisive,
      previousSince: describeInstant(move.previousSince),
      timeInFormerMs: move.timeInFormerMs,
      touches: touches.map((touch) => ({ ...touch, at: describeInstant(touch.at) })),
      credit: move.credit,
      valueTier: move.valueTier,
      reachable: move.reachable,
    })),
  );
  writeLines(
    folder,
    "signals.jsonl",
    signals.map(({ signalId, signal, profileId, at, dueAt, activityAt, certainty, facts }) => ({
      signalId,
      signal,
      profileId,
      at: describeInstant(at),
      dueAt: describeInstant(dueAt),
      activityAt: describeInstant(activityAt),
      certainty,
      facts: Object.fromEntries(Object.entries(facts).map(([path, text]) => [path, JSON.parse(text) as unknown])),
    })),
  );
  writeLines(
    folder,
    "identity-changes.jsonl",
    identityChanges.map(({ changeId, change, profileId, otherProfileId, identifiers, cause }) => ({
      kind: change,
      changeId,
      profileId,
      otherProfileId,
      at: describeInstant(cause.at),
      eventId: cause.eventId,
      source: cause.source,
      identifiers,
    })),
  );
  writeLines(folder, "dead-letters.jsonl", deadLetters);
  const { sources, fields } = result.quality;
  const sheets = [
    ...sources.map((row) => ({ sheet: "sources", ...row })),
    ...fields.map((row) => ({ sheet: "fields", ...row })),
  ];
  writeLines(folder, "quality.jsonl", sheets);
  const summary: FoldSummary = {
    events: outcomes.length,
    outcomes: countBy(outcomes.map(({ outcome }) => outcome)),
    ...(result.dropped.size === 0 ? {} : { fieldsDropped: Object.fromEntries(sortedEntries(result.dropped)) }),
    ...(result.heldBack.size === 0 ? {} : { heldBack: Object.fromEntries(sortedEntries(result.heldBack)) }),
    profiles: people.profiles.length,
    unattributedOrders: people.unattributedOrders,
    segments: countBy(people.profiles.map(({ segment }) => segment ?? "none")),
    digest: digestProfiles(people.profiles),
  };
  writePrivateFile(join(folder, "summary.json"), `${JSON.stringify(summary)}\n`);
  return summary;
}
