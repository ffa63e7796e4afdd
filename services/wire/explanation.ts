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
import { proposeJoin } from "#core/proposal.ts";
import { explainRefusal } from "#core/refusal.ts";
import type { Registry } from "#core/registry.ts";
import { gatherWorld, type Saying } from "#core/supposition.ts";

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
  cut: "they were named together, and an operator took that back",
  released: "they were named together before one of them was given up, or both were and nobody else is with them",
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

export interface ShownRefusal {
  readonly obstacle: Obstacle;
  readonly evidence: readonly ShownEvidence[];
  readonly evidenceCount: number;
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
      /** Of one identifier that is with nobody, or was kept out: why, and what it is tied to all the same. */
      readonly refusal: ShownRefusal | null;
    };

/** As whoever asks may see the value of the identifier of this key. */
type Show = (value: string, key: string) => string;

/** other: null asks for all that makes the person of one. beside: other components that have to do with them. */
export function explain(
  registry: Registry,
  one: Standing,
  other: Standing | null,
  show: Show,
  beside: readonly Component[] = [],
): Explanation {
  if (other !== null && !isOne(one, other)) {
    const separation = explainSeparation(registry, one, other);
    return {
      one: false,
      obstacle: separation.obstacle,
      namespaces: separation.namespaces,
      evidence: separation.evidence.map((piece) => showEvidence([one.component, other.component], piece, show)),
      change: describeChange(registry, separation, one, other, show, beside),
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
    refusal: other === null ? showRefusal(registry, one, show, beside) : null,
  };
}

function showRefusal(registry: Registry, one: Standing, show: Show, beside: readonly Component[]): ShownRefusal | null {
  const refusal = explainRefusal(registry, one);
  if (refusal === null) return null;
  return {
    ...refusal,
    evidence: refusal.evidence.map((piece) => showEvidence([one.component, ...beside], piece, show)),
  };
}

function isOne(one: Standing, other: Standing): boolean {
  if (one.component.id !== other.component.id) return false;
  return one.entry.key === other.entry.key || (one.entry.profile !== null && one.entry.profile === other.entry.profile);
}

/** What a record that joins them would say. */
function describeChange(
  registry: Registry,
  { obstacle, namespaces }: Separation,
  one: Standing,
  other: Standing,
  show: Show,
  beside: readonly Component[],
): string {
  if (obstacle === "pending") return "nothing: ask again in a moment";
  const world = gatherWorld([one.component, other.component, ...beside]);
  const proposal = proposeJoin(registry, world, one.entry, other.entry);
  if (proposal.kind === "say") return describeSayings(proposal.sayings, show);
  const why = namespaces.length > 0 ? `: each has its own ${namespaces.join(" and ")}` : "";
  return proposal.isComplete
    ? `nothing as they stand${why}; no one event or ruling joins them`
    : `more than one event or ruling, as far as was tried${why}`;
}

function describeSayings([first, ...others]: readonly [Saying, ...Saying[]], show: Show): string {
  const [a, b] = [first.one, first.other].map(({ namespace, value, key }) => `${namespace}:${show(value, key)}`);
  switch (first.type) {
    case "identifiers-linked":
      return `a link: \`weft link ${a} ${b}\``;
    case "ruling-lifted":
      return `what was ruled of the two lifted: \`weft split ${a} ${b} --undo\``;
    case "evidence-cut":
      return `what ties others to them cut: \`weft split ${a} ${b} --evidence\``;
    case "identifiers-parted":
      return `others held apart from them: \`weft split ${a} ${b}\``;
    case "identifier-replaced":
      return `that ${a} was replaced by ${b}, or the other way round (\`identifier-replaced\`), if it was`;
    default:
      return `one event of ${[first, ...others].map(({ source }) => `\`${source}\``).join(" or ")} that names ${a} and ${b}`;
  }
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
      if (entry !== undefined) return `${entry.namespace}:${show(entry.value, key)}`;
    }
    return "an identifier at another home";
  };
  return { a: name(a), b: name(b), source, assurance, at: new Date(stamp.t).toISOString(), eventId: stamp.eventId };
}
