// Why identifiers are one person and why two are not (I7), as answers: what `weft explain` prints and the API serves.
// Values are shown by whoever asks: `show` masks them.

import type { Component, Evidence } from "#core/component.ts";
import {
  explainProfile,
  explainSeparation,
  findChain,
  type Link,
  type LinkRule,
  type Obstacle,
  type Separation,
  type Standing,
} from "#core/explanation.ts";
import type { Registry } from "#core/registry.ts";

export const RULE_TEXTS: Readonly<Record<LinkRule, string>> = {
  "strong-evidence": "asserted together",
  "sole-strong-claimant": "asserted together, and by nobody else's",
  "sole-claimant": "seen together, and with nobody else",
  cluster: "seen together",
  followed: "seen together, and followed to whom that one is claimed by",
  "same-mailbox": "an address of that mailbox",
};

export const OBSTACLE_TEXTS: Readonly<Record<Obstacle, string>> = {
  "no-evidence": "no event has named both, nor any other two identifiers of theirs",
  "held-apart": "an operator holds them apart",
  "claims-only":
    "they were named together, but with less assurance than it takes; a claim never joins two known people",
  "unique-namespace": "they were asserted together, but each has a value of its own where a person has one",
  limit: "the profile of one has as many values of a namespace as `valuesMax` allows",
  quarantined: "one of them is tied to so many people that it links nothing any more",
  contested: "one of them is claimed by several people, so it is nobody's",
  pending: "the home of the other end has not said yet whose it is",
};

export interface ShownEvidence {
  readonly a: string;
  readonly b: string;
  readonly source: string;
  readonly assurance: string;
  readonly at: string;
  readonly eventId: string;
}

export interface ShownLink extends ShownEvidence {
  readonly rule: LinkRule;
}

export type Explanation =
  | {
      readonly one: false;
      readonly obstacle: Obstacle;
      readonly namespaces: readonly string[];
      readonly evidence: readonly ShownEvidence[];
      /** What it would take to join them. */
      readonly change: string;
    }
  | {
      readonly one: true;
      readonly profileId: string | null;
      readonly state: "owned" | "contested" | "quarantined";
      readonly links: readonly ShownLink[];
    };

type Show = (value: string) => string;

/** other: null asks for all that makes the person of one. */
export function explain(registry: Registry, one: Standing, other: Standing | null, show: Show): Explanation {
  if (other !== null && !isOne(one, other)) {
    const separation = explainSeparation(registry, one, other);
    return {
      one: false,
      obstacle: separation.obstacle,
      namespaces: separation.namespaces,
      evidence: separation.evidence.map((piece) => showEvidence([one.component, other.component], piece, show)),
      change: propose(registry, separation, one, other),
    };
  }
  const { profile, state } = one.entry;
  const all = profile === null ? [] : explainProfile(registry, one.component, profile);
  const links = other === null ? all : findChain(all, one.entry.key, other.entry.key);
  return {
    one: true,
    profileId: profile === null ? null : (one.component.profiles.get(profile)?.id ?? null),
    state,
    links: links.map((link) => showLink(one.component, link, show)),
  };
}

function isOne(one: Standing, other: Standing): boolean {
  if (one.component.id !== other.component.id) return false;
  return one.entry.key === other.entry.key || (one.entry.profile !== null && one.entry.profile === other.entry.profile);
}

function propose(
  { configuration }: Registry,
  { obstacle, namespaces }: Separation,
  one: Standing,
  other: Standing,
): string {
  if (obstacle === "held-apart") return "what was ruled lifted: `weft split ... --undo`";
  if (obstacle === "quarantined" || obstacle === "contested")
    return "all but one of its ties taken back; another event does not help";
  if (obstacle === "limit") return "a value less on the profile, or a larger `valuesMax` of the namespace";
  if (obstacle === "pending") return "nothing: ask again in a moment";
  if (namespaces.length > 0)
    return `nothing as they stand: each has its own ${namespaces.join(" and ")}; one has to be declared the other's replacement`;
  const [a, b] = [one.entry.namespace, other.entry.namespace];
  return `one event of a source that asserts ${a} and ${b} together, both with at least \`${configuration.joinAssurance}\``;
}

function showLink(component: Component, { rule, evidence }: Link, show: Show): ShownLink {
  return { ...showEvidence([component], evidence, show), rule };
}

function showEvidence(
  components: readonly Component[],
  { a, b, source, assurance, stamp }: Evidence,
  show: Show,
): ShownEvidence {
  const name = (key: string): string => {
    for (const { identifiers } of components) {
      const entry = identifiers.get(key);
      if (entry !== undefined) return `${entry.namespace}:${show(entry.value)}`;
    }
    return "an identifier at another home";
  };
  return { a: name(a), b: name(b), source, assurance, at: new Date(stamp.t).toISOString(), eventId: stamp.eventId };
}
