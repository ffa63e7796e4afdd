// What somebody at the shop states about a person under his own name: a consent or its withdrawal, a restriction, a
// correction, a note, a thing to be done. One event of the source `operator` about an identifier that the shop knows. For the command line and
// for the API.

import { OPERATOR } from "#core/configuration.ts";
import type { ChannelEvent } from "#core/event.ts";
import { summaryOf } from "#core/membership.ts";
import { restrictionKey } from "#core/restriction.ts";
import { hasPassed } from "#core/event-window.ts";
import { isKnown } from "#core/weighed.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { findIdentifier, type Located, locateLife, type LookupServices } from "./location.ts";
import type { NamedIdentifier } from "./ruling.ts";

/** What an agent may write under a person: what is so, or what somebody else is to do about it (S58, S101). */
export const NOTE_TYPES = ["note-added", "lead-passed", "cancellation-requested", "booking-change-requested"] as const;

export type StatementRefusal =
  | "unknown-namespace"
  | "not-an-identifier"
  | "unknown-identifier"
  /** Stating something of it would make it known. */
  | "claimed-only"
  /** What is lifted is none of hers. */
  | "unknown-restriction";

export type StatementJudgement =
  | { readonly ok: true; readonly located: Located }
  | { readonly ok: false; readonly reason: StatementRefusal };

export async function judgeStatement(
  services: LookupServices,
  { namespace, value }: NamedIdentifier,
  { restriction }: Statement["said"],
  country: string,
): Promise<StatementJudgement> {
  const found = await findIdentifier(services, namespace, value, country);
  if (!found.found) return { ok: false, reason: found.reason };
  const { component, entry } = found;
  if (!isKnown(services.engine.registry, entry)) return { ok: false, reason: "claimed-only" };
  if (restriction?.lifted !== true) return { ok: true, located: found };
  const kept = entry.profile === null ? entry.fragment : summaryOf(component, entry.profile);
  // One that is lifted already may be lifted again: whoever sends a command twice is answered as at first.
  const isHers = kept?.dossier?.restrictions.has(restrictionKey(restriction)) === true;
  return isHers ? { ok: true, located: found } : { ok: false, reason: "unknown-restriction" };
}

export interface Statement {
  /** The engine drops a second record of the same id. */
  readonly id: string;
  readonly identifier: NamedIdentifier;
  readonly author: string;
  readonly text: string;
  readonly at: number;
  readonly said: Pick<ChannelEvent, "type" | "consents" | "restriction" | "traits">;
}

/** A restriction of processing, named by the event that tells it first. */
export function restrict(restrictionId: string, lifted: boolean): Statement["said"] {
  return { type: "restriction-changed", restriction: { restrictionId, lifted } };
}

export async function publishStatement(
  { codec, log }: { readonly codec: Codec; readonly log: Pick<Log, "append"> },
  topic: string,
  { id, identifier: { namespace, value }, author, text, at, said }: Statement,
): Promise<void> {
  const event: ChannelEvent = {
    eventId: id,
    occurredAt: at,
    identifiers: [{ namespace, value }],
    note: `${author}: ${text}`,
    ...said,
  };
  const encode = await codec.encoder(topic, "ChannelEvent");
  await log.append([{ topic, key: event.eventId, value: encode(event) }]);
}

/** Whether the home of the identifier (by key) has folded it; also once so much came after it that it is forgotten. */
export async function isStated(services: LookupServices, id: string, key: string, at: number): Promise<boolean> {
  const located = await locateLife(services, key);
  const window = located?.entry.fragment?.seen;
  return window !== undefined && hasPassed(window, OPERATOR, id, at);
}
