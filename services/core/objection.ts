// Objections that outlive an erasure (Art. 21): of whoever was erased it is kept to what she had said no, under keys of the
// addresses and numbers that reached her. Whoever is told under one of these anew, by a source that knows, has refused it
// since the erasure, until she consents later than that.

import { compareText } from "./comparison.ts";
import type { Component, Entry } from "./component.ts";
import { type Consent, consentKey, isSuperseded, listRefused, type Said } from "./consent.ts";
import { type Dossier, tellConsents } from "./dossier.ts";
import { PRIVACY } from "./erasure.ts";
import { NOTHING_TOLD, type Registers } from "./facet.ts";
import { mailboxKey } from "./mailbox.ts";
import { forgetSummary } from "./membership.ts";
import { openFragment } from "./order-book.ts";
import type { Registry } from "./registry.ts";
import { firstKey } from "./subject.ts";
import type { Workspace } from "./workspace.ts";

export type Objection = Pick<Consent, "purpose" | "channel">;

/** One that was kept, as an identifier that is told anew brings it along. */
export interface KeptObjection extends Objection {
  readonly requestId: string;
  /** When the erasure was recorded. */
  readonly at: number;
}

/** What she refused, and where she was reached, as a request to erase her keeps it: keys of first lives, and of mailboxes. */
export function listObjections(
  registry: Registry,
  dossier: Pick<Dossier, "consents" | "companions"> | null,
  entries: readonly Entry[],
): { readonly objections: readonly Objection[]; readonly contacts: readonly string[] } {
  const objections = dossier === null ? [] : listRefused(registry, dossier);
  if (objections.length === 0) return { objections, contacts: [] };
  const isContact = ({ namespace }: Entry) => {
    const found = registry.namespaces.get(namespace);
    return found?.contact === true || registry.namespaces.get(found?.digestOf ?? "")?.contact === true;
  };
  const keys = entries
    .filter(isContact)
    .flatMap((entry) => [firstKey(registry, entry), mailboxKey(registry, entry) ?? []].flat());
  return { objections, contacts: [...new Set(keys)].sort(compareText) };
}

/** They are kept where what the identifier brings is kept, so they go where it goes. */
export function keepObjections(
  workspace: Workspace,
  component: Component,
  entry: Entry,
  kept: readonly KeptObjection[],
  touch: () => void,
): void {
  const known: Registers<Said> = entry.fragment?.dossier?.consents ?? NOTHING_TOLD;
  const news = kept
    .map(({ requestId, at, purpose, channel }): Consent => {
      return {
        at,
        source: PRIVACY,
        eventId: requestId,
        purpose,
        channel,
        granted: false,
        proof: null,
        anchor: entry.key,
      };
    })
    .filter((one) => !isSuperseded(known.get(consentKey(one)), one));
  if (news.length === 0) return;
  touch();
  const fragment = openFragment(workspace, component, entry);
  const { dossier, limits } = tellConsents(fragment.dossier, news);
  fragment.dossier = dossier;
  for (const limit of limits) workspace.effects.push({ kind: "limit", limit });
  if (entry.profile !== null) forgetSummary(component, entry.profile);
}
