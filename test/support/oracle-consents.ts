// The oracle's consents: each word of each identifier compared with each other one.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import { isAuthenticated } from "#core/configuration.ts";
import type { Registry } from "#core/registry.ts";
import type { Refusal } from "./oracle-erasure.ts";
import { groupBy, iso, isVouched } from "./oracle-facts.ts";
import { must } from "./oracle-identity.ts";

/** So far ahead, or further, an event is of the future: it grants nothing. */
const AHEAD_MS = 5 * 60_000;

/**
 * I5: claims do not count. Under one identifier the latest holds, of a tie the refusal; without proof it is none. Between
 * identifiers a refusal holds until a later grant, told under one that was hers together with that one by then.
 */
export function listConsents(registry: Registry, facts: readonly AcceptedEvent[], refusals: readonly Refusal[]) {
  const { purposesWithoutProof } = registry.configuration;
  const kept = refusals.map((one) => ({ ...one, holds: false, proof: null, source: "privacy", isGrant: false }));
  const said = facts.filter(isVouched).flatMap(({ source, event, anchor, recordedAt }) =>
    (event.consents ?? [])
      .filter(({ granted }) => !granted || event.occurredAt < recordedAt + AHEAD_MS)
      .map(({ purpose, channel, granted, proof: shown }) => {
        const { occurredAt: at, eventId } = event;
        const proof = shown === "" ? null : (shown ?? null);
        const holds = granted && (proof !== null || purposesWithoutProof.includes(purpose));
        return { purpose, channel: channel || null, holds, isGrant: granted, proof, at, source, eventId, anchor };
      }),
  );
  const latest = groupBy([...said, ...kept], ({ purpose, channel, anchor }) => [purpose, channel, anchor]).map(
    (group) => must(group.toSorted(later)[0]),
  );
  const isEnded = (no: Word, words: readonly Word[]) =>
    words.some((yes) => yes.holds && yes.at > no.at && areTold(registry, facts, yes, no));
  return groupBy(latest, ({ purpose, channel }) => (channel === null ? [purpose] : [purpose, channel])).map((group) => {
    const { purpose, channel } = must(group[0]);
    const general = latest.filter((word) => word.purpose === purpose && word.channel === null);
    const standing = group.filter((no) => !no.holds && !isEnded(no, group));
    const yes = group.filter(({ holds }) => holds);
    // A general one that was told before a grant, and that neither this grant nor a general one ends.
    for (const no of channel === null ? [] : general)
      if (!no.holds && yes.some(({ at }) => at > no.at) && !isEnded(no, general) && !isEnded(no, group))
        standing.push(no);
    const { at, source, proof } = must((standing.length > 0 ? standing : yes).toSorted(later)[0]);
    return { purpose, channel, granted: standing.length === 0, at: iso(at), source, proof };
  });
}

interface Word {
  readonly at: number;
  readonly anchor: string;
  readonly holds: boolean;
  readonly isGrant: boolean;
  readonly source: string;
  readonly eventId: string;
  readonly proof: string | null;
}

function later(a: Word, b: Word): number {
  return (
    b.at - a.at ||
    Number(a.isGrant) - Number(b.isGrant) ||
    compareText(b.source, a.source) ||
    compareText(b.eventId, a.eventId) ||
    compareText(b.proof ?? "", a.proof ?? "")
  );
}

/** Whether both anchors are one, or had been told together by the time of `yes`, or each with one that nobody shares. */
function areTold(registry: Registry, facts: readonly AcceptedEvent[], yes: Word, no: Word): boolean {
  const told = facts.filter((fact) => isVouched(fact) && fact.event.occurredAt <= yes.at);
  const namesOf = (anchor: string, kinds: readonly string[]) =>
    told
      .filter((fact) => fact.anchor === anchor)
      .flatMap(({ identifiers }) => identifiers.filter(({ assurance }) => isAuthenticated(assurance)))
      .filter(({ namespace }) => kinds.includes(must(registry.namespaces.get(namespace)).kind))
      .map(({ key }) => key);
  const hers = ["unique", "personal"];
  const any = [...hers, "shareable"];
  return (
    yes.anchor === no.anchor ||
    namesOf(yes.anchor, any).includes(no.anchor) ||
    namesOf(no.anchor, any).includes(yes.anchor) ||
    namesOf(yes.anchor, hers).some((name) => name !== yes.anchor && namesOf(no.anchor, hers).includes(name))
  );
}
