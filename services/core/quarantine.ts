// Line 0 of the identity rule: who is tied to too many links nothing. From the evidence alone, so that it ends when the
// evidence goes (I4), and alike at whatever home: what that cannot know of far ends does not count.

import { isAuthenticated } from "./configuration.ts";
import type { Component, Evidence } from "./component.ts";
import { isMailbox } from "./mailbox.ts";
import { joins, type Registry } from "./registry.ts";
import type { Successions } from "./ruling.ts";
import type { Weighed } from "./weighed.ts";

const NEVER_TIED = { tiedUniquesMax: 0, tiedOthersMax: 0 };

/** What an identifier is tied to, each once; keys. */
interface Tied {
  /** Of a weak one. */
  readonly neighbours: Set<string>;
  /** Of a known one: unique values by evidence that joins, of each succession the first; and by other evidence. */
  readonly joined: Set<string>;
  readonly loose: Set<string>;
}

/** Marks and returns them. */
export function markQuarantined(
  registry: Registry,
  component: Component,
  successions: Successions,
  byKey: ReadonlyMap<string, Weighed>,
  evidence: readonly Evidence[],
): ReadonlySet<Weighed> {
  const quarantined = new Set<Weighed>();
  if (evidence.length <= registry.tiesMin) return quarantined;
  const tied = new Map<Weighed, Tied>();
  const note = (key: string, other: string, { assurance }: Evidence): void => {
    const one = byKey.get(key);
    if (one === undefined) return;
    const counted = tied.get(one) ?? { neighbours: new Set(), joined: new Set(), loose: new Set() };
    tied.set(one, counted);
    const namespace = component.identifiers.get(other)?.namespace ?? component.abroad?.far.get(other)?.namespace ?? "";
    if (!one.known) {
      // What an address is folded to is no other.
      if (!isMailbox(registry, { namespace })) counted.neighbours.add(other);
      return;
    }
    if (!isAuthenticated(assurance) || registry.namespaces.get(namespace)?.kind !== "unique") return;
    // A succession lives at one home, this one where evidence joins any of it; of others nothing is known here.
    const root = successions.root(other);
    if (root === successions.root(key)) return;
    if (joins(registry, assurance)) counted.joined.add(root);
    else counted.loose.add(other);
  };
  for (const one of evidence) {
    note(one.a, one.b, one);
    note(one.b, one.a, one);
  }
  for (const [one, { neighbours, joined, loose }] of tied) {
    const { tiedUniquesMax, tiedOthersMax } = registry.namespaces.get(one.entry.namespace) ?? NEVER_TIED;
    const others = [...loose].filter((key) => !joined.has(successions.root(key)));
    one.quarantined = one.known ? joined.size + others.length > tiedUniquesMax : neighbours.size > tiedOthersMax;
    if (one.quarantined) quarantined.add(one);
  }
  return quarantined;
}
