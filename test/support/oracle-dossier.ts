// The oracle's dossier: each part described from all events of the profile at once, as section 5 of the design says it.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import { type Configuration, isAuthenticated } from "#core/configuration.ts";

export type OracleDossier = Readonly<Record<string, unknown>>;

export function describeDossier(configuration: Configuration, facts: readonly AcceptedEvent[]): OracleDossier {
  return {
    consents: listConsents(configuration, facts),
  };
}

function isVouched({ identifiers, anchor }: AcceptedEvent): boolean {
  return identifiers.some(({ key, assurance }) => key === anchor && isAuthenticated(assurance));
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

/** A table by what `nameOf` says, in the order of JSON's text. */
function groupBy<T>(list: readonly T[], nameOf: (one: T) => unknown): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const name = JSON.stringify(nameOf(one));
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups].toSorted(([a], [b]) => compareText(a, b)).map(([, group]) => group);
}

/** I5: claims do not count. The latest holds, of a tie the refusal. Without proof it is none. */
function listConsents({ purposesWithoutProof }: Configuration, facts: readonly AcceptedEvent[]) {
  const given = facts.filter(isVouched).flatMap(({ source, event }) =>
    (event.consents ?? []).map(({ purpose, channel, granted, proof }) => {
      const named = channel === "" ? null : (channel ?? null);
      const { occurredAt: at, eventId } = event;
      return { purpose, channel: named, granted, proof: proof === "" ? null : (proof ?? null), at, source, eventId };
    }),
  );
  return groupBy(given, ({ purpose, channel }) => (channel === null ? [purpose] : [purpose, channel])).map((group) => {
    const latest = group.filter(({ at }) => group.every((other) => other.at <= at));
    const refused = latest.filter(({ granted }) => !granted);
    const [said] = (refused.length > 0 ? refused : latest).toSorted(
      (a, b) =>
        compareText(b.source, a.source) ||
        compareText(b.eventId, a.eventId) ||
        compareText(b.proof ?? "", a.proof ?? ""),
    );
    if (said === undefined) throw new Error("a group has a member");
    const { purpose, channel, granted, at, source, proof } = said;
    const proven = proof !== null || purposesWithoutProof.includes(purpose);
    return { purpose, channel, granted: granted && proven, at: iso(at), source, proof };
  });
}
