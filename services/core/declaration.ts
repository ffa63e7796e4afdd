// What an event says about identifiers themselves: an operator's ruling about two, that one was replaced by another, that one
// was given up. Part of the door: a function of the event, its source and the configuration.

import { isAuthenticated, OPERATOR, type Assurance, type SourceConfiguration } from "./configuration.ts";
import type { ChannelEvent, IdentifierClaim } from "./event.ts";
import type { KeptObjection } from "./objection.ts";
import type { Registry } from "./registry.ts";
import { verdictOf, type Verdict } from "./ruling.ts";

export interface AcceptedIdentifier {
  readonly namespace: string;
  readonly value: string;
  readonly key: string;
  readonly assurance: Assurance;
  /** Which of its keys what it says is sealed under (erasure.ts); absent: the first. */
  readonly rotation?: number;
  /** Of a life that was erased (erasure.ts): the value is empty. */
  readonly erased?: "own" | "claimed" | null;
  /** Of somebody who was erased and could be reached by it. */
  readonly objections?: readonly KeptObjection[] | null;
}

/** What the event rules about two of its identifiers, or about one that stands for both. */
export interface AcceptedRuling {
  readonly verdict: Verdict;
  /** Keys. */
  readonly one: string;
  readonly other: string;
  /** As the event says it: of one without facts, homes are told nothing else. */
  readonly occurredAt: number;
}

/** An operator's ruling, and a release, say something of identifiers and nothing of people. */
export function isWithoutFacts({ ruling }: { readonly ruling: AcceptedRuling | null }): boolean {
  return ruling !== null && ruling.verdict !== "replaced";
}

export const REPLACED = "identifier-replaced";
const RELEASED = "identifier-released";

/** The identifiers that the event asserts: those of its list and, where one was replaced by another, both of these. */
export function listClaims({ type, identifiers, replaced }: ChannelEvent): readonly IdentifierClaim[] {
  if (replaced === null || replaced === undefined || (type !== REPLACED && type !== RELEASED)) return identifiers;
  const { namespace } = replaced;
  // What was given up is all that such an event is about: named beside it is whoever gave it up.
  if (type === RELEASED) return [{ namespace, value: replaced.old }];
  return [{ namespace, value: replaced.old }, { namespace, value: replaced.new }, ...identifiers];
}

/** What the event rules; a text: why it may not. */
export function readRuling(
  registry: Registry,
  source: SourceConfiguration,
  event: ChannelEvent,
  identifiers: readonly AcceptedIdentifier[],
): AcceptedRuling | string | null {
  const { type } = event;
  if (type === REPLACED || type === RELEASED) {
    if (!source.trustedForIdentifiers) return `the source may not say ${type}`;
    return type === REPLACED
      ? readReplacement(registry, event, identifiers)
      : readRelease(registry, event, identifiers);
  }
  const verdict = verdictOf(type);
  if (verdict === null) return null;
  // As an event like others it would assert of the two the contrary of what it says.
  if (source.name !== OPERATOR || !identifiers.every(({ assurance }) => assurance === "operator"))
    return `the source may not say ${type}`;
  const [one, other] = identifiers;
  if (one === undefined || other === undefined || identifiers.length !== 2)
    return `${type} is about two identifiers, not ${identifiers.length}`;
  return { verdict, one: one.key, other: other.key, occurredAt: event.occurredAt };
}

/** Of one namespace, authenticated: else the event asserts both, and that is all. */
function readReplacement(
  registry: Registry,
  { replaced, occurredAt }: ChannelEvent,
  identifiers: readonly AcceptedIdentifier[],
): AcceptedRuling | string | null {
  if (replaced === null || replaced === undefined) return `${REPLACED} needs its part \`replaced\``;
  if (!isPersonal(registry, replaced.namespace)) return `a ${replaced.namespace} cannot be replaced`;
  const named = identifiers.filter(({ namespace }) => namespace === replaced.namespace);
  const [one, other] = named;
  if (one === undefined || other === undefined || named.length !== 2)
    return `${REPLACED} is about two identifiers of its namespace, not ${named.length}`;
  if (!isAuthenticated(one.assurance) || !isAuthenticated(other.assurance)) return null;
  return { verdict: "replaced", one: one.key, other: other.key, occurredAt };
}

function readRelease(
  registry: Registry,
  { occurredAt }: ChannelEvent,
  identifiers: readonly AcceptedIdentifier[],
): AcceptedRuling | string | null {
  const [one] = identifiers;
  if (one === undefined || identifiers.length !== 1)
    return `${RELEASED} is about one identifier, not ${identifiers.length}; \`replaced.old\` says which`;
  if (!isPersonal(registry, one.namespace)) return `a ${one.namespace} cannot be released`;
  if (!isAuthenticated(one.assurance)) return `${RELEASED} needs a source that knows whose it was`;
  return { verdict: "released", one: one.key, other: one.key, occurredAt };
}

function isPersonal({ namespaces }: Registry, name: string): boolean {
  const kind = namespaces.get(name)?.kind;
  return kind === "unique" || kind === "personal" || kind === "shareable";
}
