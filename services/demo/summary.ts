// The figures at the end, each from one place that anybody can look at: a topic, or the engine's own count of outcomes.

import type { Chronicle } from "./chronicle.ts";

export interface Summary {
  readonly fact: "summary";
  readonly records: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly people: number;
  readonly segments: Readonly<Record<string, number>>;
  readonly transitions: number;
  readonly causes: Readonly<Record<string, number>>;
  readonly identityChanges: Readonly<Record<string, number>>;
  readonly signals: Readonly<Record<string, number>>;
  readonly digest: string;
  readonly refoldedDigest: string;
}

export interface Counted {
  readonly records: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly digest: string;
  readonly refoldedDigest: string;
}

export function summarise(chronicle: Chronicle, counted: Counted): Summary {
  const living = [...chronicle.states.values()].filter((state) => state !== null);
  return {
    fact: "summary",
    records: counted.records,
    outcomes: counted.outcomes,
    people: living.length,
    segments: countBy(living.map(({ segment }) => segment)),
    transitions: chronicle.transitions.length,
    causes: countBy(chronicle.transitions.map(({ cause }) => cause)),
    identityChanges: countBy(chronicle.identity.map(({ kind }) => kind)),
    signals: countBy(chronicle.signals.map(({ signal, certainty }) => `${signal}, ${certainty}`)),
    digest: counted.digest,
    refoldedDigest: counted.refoldedDigest,
  };
}

/** A figure, what it is made of, and where anybody can count it again. */
export function formatSummary(summary: Summary): string[] {
  const { records, outcomes, people, segments, transitions, causes, identityChanges, signals } = summary;
  const same = summary.digest === summary.refoldedDigest;
  const rows: readonly (readonly [string, number | string, string, string])[] = [
    ["events", records, list(outcomes), "the engine's outcomes: every record has exactly one"],
    ["people", people, list(segments), "profile-state: the last record of each key"],
    ["transitions", transitions, list(causes), "segment-transition, by cause"],
    ["identity changes", total(identityChanges), list(identityChanges), "identity-changed, by kind"],
    ["signals", total(signals), list(signals), "profile-signal, by certainty"],
    [
      "digest",
      summary.digest.slice(0, 8),
      `of all profiles; \`weft fold\` over the same events gives ${same ? "the same" : "ANOTHER ONE"}`,
      "the store, and the pure engine over memory",
    ],
  ];
  return rows.flatMap(([what, figure, parts, from]) => [
    `  ${what.padEnd(17)}${String(figure).padStart(8)}  ${parts}`,
    `${" ".repeat(29)}${from}`,
  ]);
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function list(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ") || "none"
  );
}

/** The most frequent first. */
function countBy(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names.toSorted()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
