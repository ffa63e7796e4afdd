// Events folded into fragments alone: what a fragment says of a list of events, and what fragments merged say.

import type { Assurance } from "#core/configuration.ts";
import type { ChannelEvent } from "#core/event.ts";
import { createFragment, foldEvent, mergeFragment, type Fragment } from "#core/fragment.ts";
import type { EventItem } from "#core/item.ts";
import type { LimitKind } from "#core/limit.ts";
import { createRegistry, type Registry } from "#core/registry.ts";
import { configuration, hash } from "./histories.ts";

export const registry = createRegistry(configuration, hash);

export interface Fact {
  readonly event: ChannelEvent;
  readonly source?: string;
  readonly assurance?: Assurance;
  /** Keys of addresses that the event names beside its anchor. */
  readonly emails?: readonly string[];
}

const ANCHOR = { namespace: "customer", value: "c", key: "anchor", birth: "", local: true } as const;

function foldFact(
  told: Registry,
  fragment: Fragment,
  { event, source = "crm", assurance = "authenticated", emails = [] }: Fact,
): LimitKind[] {
  const item: EventItem = {
    kind: "event",
    component: "",
    role: "anchor",
    ruling: null,
    source,
    eventId: event.eventId,
    recordedAt: event.occurredAt,
    backfill: false,
    traceparent: null,
    anchor: ANCHOR.key,
    identifiers: [
      { ...ANCHOR, assurance },
      ...emails.map((key) => ({ ...ANCHOR, namespace: "email", value: key, key, assurance })),
    ],
    order: null,
  };
  return foldEvent(told, fragment, item, event);
}

export function foldFacts(
  facts: readonly Fact[],
  told: Registry = registry,
): { fragment: Fragment; limits: LimitKind[] } {
  const fragment = createFragment();
  return { fragment, limits: facts.flatMap((fact) => foldFact(told, fragment, fact)) };
}

export function mergeFragments(...fragments: readonly Fragment[]): Fragment {
  const sum = createFragment();
  for (const fragment of fragments) mergeFragment(sum, fragment);
  return sum;
}
