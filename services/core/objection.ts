// Objections that outlive an erasure (Art. 21): of whoever was erased it is kept to what she had said no, under keys of the
// addresses and numbers that reached her. Whoever is told under one of these anew, by a source that knows, has refused it
// since the erasure, until she consents later than that.

import { compareText } from "./comparison.ts";
import type { Component, Entry } from "./component.ts";
import { CONSENT_RULES, consentKey, type Consent } from "./consent.ts";
import { type Dossier, tellConsents } from "./dossier.ts";
import { PRIVACY } from "./erasure.ts";
import { listRegisters, type Registers } from "./facet.ts";
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
  dossier: Pick<Dossier, "consents"> | null,
  entries: readonly Entry[],
): { readonly objections: readonly Objection[]; readonly contacts: readonly string[] } {
  const refused = listRegisters(dossier?.consents ?? new Map<string, Consent>()).filter(({ granted }) => !granted);
  if (refused.length === 0) return { objections: [], contacts: [] };
  const isContact = ({ namespace }: Entry) => {
    const found = registry.namespaces.get(namespace);
    return found?.contact === true || registry.namespaces.get(found?.digestOf ?? "")?.contact === true;
  };
  const keys = entries
    .filter(isContact)
    .flatMap((entry) => [firstKey(registry, entry), mailboxKey(registry, entry) ?? []].flat());
  return {
    objections: refused.map(({ purpose, channel }) => ({ purpose, channel })),
    contacts: [...new Set(keys)].sort(compareText),
  };
}

/** They are kept where what the identifier brings is kept, so they go where it goes. */
export function keepObjections(
  workspace: Workspace,
  component: Component,
  entry: Entry,
  kept: readonly KeptObjection[],
  touch: () => void,
): void {
  const known: Registers<Consent> = entry.fragment?.dossier?.consents ?? new Map<string, Consent>();
  const news = kept
    .map(({ requestId, at, purpose, channel }): Consent => {
      return { at, source: PRIVACY, eventId: requestId, purpose, channel, granted: false, proof: null };
    })
    .filter((one) => {
      const present = known.get(consentKey(one));
      return present === undefined || CONSENT_RULES.join(present, one) !== present;
    });
  if (news.length === 0) return;
  touch();
  const fragment = openFragment(workspace, component, entry);
  const { dossier, limits } = tellConsents(fragment.dossier, news);
  fragment.dossier = dossier;
  for (const limit of limits) workspace.effects.push({ kind: "limit", limit });
  if (entry.profile !== null) forgetSummary(component, entry.profile);
}
