// An operator's ruling about two identifiers (I2): whether it may be made, and its record on the log. For the command line
// and for the API.

import { OPERATOR } from "#core/configuration.ts";
import type { ChannelEvent } from "#core/event.ts";
import { explainSeparation } from "#core/explanation.ts";
import { isMailbox } from "#core/mailbox.ts";
import { rulingType, type OperatorVerdict } from "#core/ruling.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { findIdentifier, type Located, locateKey, type LookupServices } from "./lookup.ts";

export interface NamedIdentifier {
  readonly namespace: string;
  readonly value: string;
}

/** Refused before anything is written where the two are not known, or may not be one person. */
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
  if (verdict === "linked" && [a, b].some(({ entry }) => isMailbox(registry, entry)))
    throw new RulingRefused("a mailbox is nobody's to link: name the address");
  const isOne = a.component.id === b.component.id && a.entry.profile === b.entry.profile && a.entry.profile !== null;
  if (verdict === "linked" && !isOne) {
    const { namespaces } = explainSeparation(registry, a, b);
    if (namespaces.length > 0)
      throw new RulingRefused(
        `each has a ${namespaces.join(" and a ")} of its own, and a person has one: split that first`,
      );
  }
  return [a, b];
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
    const located = await locateKey(services, key);
    if (located === null || located.entry.pending) return false;
    const rulings = [...(located.component.rulings?.values() ?? [])];
    if (!rulings.some(({ stamp }) => stamp.eventId === id)) return false;
  }
  return true;
}
