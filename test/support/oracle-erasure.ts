// The oracle's erasures (G1): each identifier of each event under the name that it has at the event's instant, and what is
// left of an event whose subject was erased.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { isAuthenticated } from "#core/configuration.ts";
import { isWithoutFacts, type AcceptedIdentifier } from "#core/declaration.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import { mailboxKey } from "#core/mailbox.ts";
import type { Registry } from "#core/registry.ts";
import { listVerdicts, pairOf } from "./oracle-identity.ts";

export interface Refusal {
  readonly anchor: string;
  readonly purpose: string;
  readonly channel: string | null;
  readonly at: number;
  readonly eventId: string;
}

export interface Remembered {
  readonly accepted: readonly AcceptedEvent[];
  /** Keys of identifiers that are on no profile. */
  readonly hidden: ReadonlySet<string>;
  /** By the key of who is told anew under a contact of somebody who was erased: what that person had refused. */
  readonly refused: ReadonlyMap<string, readonly Refusal[]>;
  lastingFacts(event: AcceptedEvent): boolean;
  lastingOrders(event: AcceptedEvent): boolean;
}

/** linksStay: a link that was taken back has said her identifiers all the same, as where it came after the request. */
export function forget(
  registry: Registry,
  told: readonly AcceptedEvent[],
  requests: readonly ErasureRequest[],
  linksStay = false,
): Remembered {
  const { hash } = registry;
  const refused = new Map<string, Refusal[]>();
  const endsOf = (key: string) =>
    requests.flatMap(({ own, orders, at }) => ([...own, ...orders].includes(key) ? [at] : []));
  const nameIn = (key: string, life: number) => (life === 0 ? key : hash(`life\n${key}\n${life}`));
  const gone = new Set<string>();
  const spoken = new Map<string, boolean>();
  const silent = new Set<AcceptedEvent>();
  const orderless = new Set<AcceptedEvent>();
  const isClaim = ({ erased }: AcceptedIdentifier) => erased === "claimed";
  const accepted = told.map((event) => {
    const at = Math.min(event.recordedAt, event.event.occurredAt);
    const names = new Map<string, string>();
    for (const { key } of [...event.identifiers, ...(event.order === null ? [] : [event.order])]) {
      const ends = endsOf(key);
      const life = ends.filter((end) => end < at).length;
      names.set(key, nameIn(key, life));
      if (life < ends.length) gone.add(nameIn(key, life));
    }
    const name = (key: string) => names.get(key) ?? key;
    const isBefore = (kind: "claimed" | "shared", key: string) =>
      requests.some((request) => request[kind].includes(key) && request.at >= at);
    const isBeforeClaim = (one: AcceptedIdentifier) =>
      !isAuthenticated(one.assurance) && isBefore("claimed", name(one.key));
    const named: AcceptedEvent = {
      ...event,
      identifiers: event.identifiers.map((one) => ({
        ...one,
        key: name(one.key),
        erased: isBeforeClaim(one) ? "claimed" : null,
      })),
      order: event.order === null ? null : { ...event.order, key: name(event.order.key) },
      anchor: name(event.anchor),
      ruling:
        event.ruling === null
          ? null
          : { ...event.ruling, one: name(event.ruling.one), other: name(event.ruling.other) },
    };
    // A ruling about identifiers says them of nobody, save that they are one person's.
    const isTold = !isWithoutFacts(event) || event.ruling?.verdict === "linked";
    for (const one of isTold ? event.identifiers : []) {
      const key = name(one.key);
      if (!isAuthenticated(one.assurance) || gone.has(key) || isBefore("shared", key)) continue;
      for (const { requestId: eventId, at: endedAt, contacts, objections } of requests) {
        const isHers = contacts.includes(one.key) || contacts.includes(mailboxKey(registry, one) ?? "");
        if (!isHers || at <= endedAt) continue;
        refused.set(key, [
          ...(refused.get(key) ?? []),
          ...objections.map((o) => ({ ...o, at: endedAt, eventId, anchor: key })),
        ]);
      }
    }
    const anchor = named.identifiers.find(({ key }) => key === named.anchor);
    const isSilent =
      gone.has(named.anchor) || isBefore("shared", named.anchor) || (anchor !== undefined && isClaim(anchor));
    if (isSilent) silent.add(named);
    if (isSilent || (named.order !== null && gone.has(named.order.key))) orderless.add(named);
    return named;
  });
  const verdicts = listVerdicts(accepted);
  for (const named of accepted) {
    const { ruling } = named;
    const isStanding = ruling !== null && verdicts.get(pairOf(ruling.one, ruling.other))?.verdict === "linked";
    const isLink = ruling?.verdict === "linked" && (linksStay || isStanding);
    if (isWithoutFacts(named) && !isLink) continue;
    for (const one of named.identifiers) spoken.set(one.key, (spoken.get(one.key) ?? false) || !isClaim(one));
  }
  const hidden = new Set([...gone, ...[...spoken].flatMap(([key, isSpoken]) => (isSpoken ? [] : [key]))]);
  return {
    accepted,
    hidden,
    refused,
    lastingFacts: (event) => !silent.has(event),
    lastingOrders: (event) => !orderless.has(event),
  };
}
