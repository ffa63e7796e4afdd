// An operator's ruling about two identifiers (I2): whether it may be made, and its record on the log. For the command line
// and for the API.

import { OPERATOR } from "#core/configuration.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Component } from "#core/component.ts";
import { explainSeparation } from "#core/explanation.ts";
import { isMailbox } from "#core/mailbox.ts";
import { rule, tryOut } from "#core/proposal.ts";
import type { Registry } from "#core/registry.ts";
import { rulingType, Verdicts, type OperatorVerdict } from "#core/ruling.ts";
import { gatherWorld } from "#core/supposition.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { OBSTACLE_TEXTS } from "./explanation.ts";
import { findIdentifier, type Located, locateLife, type LookupServices } from "./location.ts";
import { findNeighbours } from "./neighbourhood.ts";

export interface NamedIdentifier {
  readonly namespace: string;
  readonly value: string;
}

/** Refused before anything is written where the two are not known, or a link would not make them one person. */
export class RulingRefused extends Error {
  readonly code = "ruling-refused";
}

/** The two as they stand. Throws RulingRefused. */
export async function judgeRuling(
  services: LookupServices,
  verdict: OperatorVerdict,
  names: readonly [NamedIdentifier, NamedIdentifier],
  country: string,
): Promise<readonly [Located, Located]> {
  const locate = async ({ namespace, value }: NamedIdentifier): Promise<Located> => {
    const found = await findIdentifier(services, namespace, value, country);
    if (!found.found) throw new RulingRefused(`${namespace}: ${found.reason}`);
    return found;
  };
  const [a, b] = [await locate(names[0]), await locate(names[1])];
  if (a.entry.key === b.entry.key) throw new RulingRefused("both name the same identifier");
  const { registry } = services.engine;
  const isRuled = [a, b].some(({ component }) => new Verdicts(component.rulings).holding(a.entry.key, b.entry.key));
  if (verdict === "lifted" && !isRuled) throw new RulingRefused("nothing is ruled of the two");
  if (verdict === "linked" && [a, b].some(({ entry }) => isMailbox(registry, entry)))
    throw new RulingRefused("a mailbox is nobody's to link: name the address");
  const isOne = a.component.id === b.component.id && a.entry.profile === b.entry.profile && a.entry.profile !== null;
  if (verdict === "linked" && !isOne) {
    const world = gatherWorld([a.component, b.component, ...(await findNeighbours(services, [a, b]))]);
    const refusal = refuseLink(registry, world, a, b);
    if (refusal !== null) throw new RulingRefused(refusal);
  }
  return [a, b];
}

/** Why a link of the two would not make them one person, or would part others; null: it makes them one. */
function refuseLink(registry: Registry, world: Component, a: Located, b: Located): string | null {
  const trial = tryOut(registry, world, rule("linked", a.entry, b.entry), a.entry, b.entry);
  if (trial === null) return "nobody may say that of the two";
  if (trial.isOne && !trial.parts) return null;
  const { obstacle, namespaces } = explainSeparation(registry, a, b);
  if (namespaces.length > 0)
    return `each has a ${namespaces.join(" and a ")} of its own, and a person has one: split that first`;
  if (trial.isOne) {
    const why = obstacle === "held-apart" || obstacle === "limit" ? ` (${OBSTACLE_TEXTS[obstacle]})` : "";
    return `it would part others who are one person now${why}: split them first`;
  }
  const { one, other } = trial;
  if (trial.isTogether) return "it would have no effect: whoever they are was given up, and nothing else names them";
  if (one.quarantined || other.quarantined) return `it would have no effect: ${OBSTACLE_TEXTS.quarantined}`;
  if (one.limited || other.limited) return `it would have no effect: ${OBSTACLE_TEXTS.limit}`;
  if (one.pending || other.pending) return `nobody can tell yet: ${OBSTACLE_TEXTS.pending}`;
  if (one.contested || other.contested) return `it would have no effect: ${OBSTACLE_TEXTS.contested}`;
  return `it would have no effect: ${OBSTACLE_TEXTS[obstacle]}`;
}

export function operatorTopic({ configuration }: Pick<LoadedConfiguration, "configuration">): string {
  return configuration.sources.find(({ name }) => name === OPERATOR)?.topic as string;
}

export interface WrittenRuling {
  /** The engine drops a second record of the same id. */
  readonly id: string;
  readonly verdict: OperatorVerdict;
  readonly identifiers: readonly NamedIdentifier[];
  readonly author: string;
  readonly reason: string;
  readonly at: number;
}

export async function publishRuling(
  { codec, log }: { readonly codec: Codec; readonly log: Log },
  topic: string,
  { id, verdict, identifiers, author, reason, at }: WrittenRuling,
): Promise<void> {
  const event: ChannelEvent = {
    eventId: id,
    type: rulingType(verdict),
    occurredAt: at,
    identifiers,
    note: `${author}: ${reason}`,
  };
  const encode = await codec.encoder(topic, "ChannelEvent");
  await log.append([{ topic, key: event.eventId, value: encode(event) }]);
}

/** Whether the homes of both identifiers (by key) have taken the ruling in, and nothing of it is still under way. */
export async function isInEffect(services: LookupServices, id: string, keys: readonly string[]): Promise<boolean> {
  for (const key of keys) {
    const located = await locateLife(services, key);
    if (located === null || located.entry.pending) return false;
    const rulings = [...(located.component.rulings?.values() ?? [])];
    if (!rulings.some(({ stamp }) => stamp.eventId === id)) return false;
  }
  return true;
}
