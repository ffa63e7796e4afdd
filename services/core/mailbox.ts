// Mailboxes: what addresses have in common that a provider delivers to one person, so that who types ana.b+shop@gmail.com
// may be the ana.b@gmail.com whom the shop knows. A mailbox is a weak extra identifier of a namespace of its own (`foldOf`):
// the door adds it to an event, always claimed, and it is tied to addresses alone. So it never becomes known, unites no
// two known people (I5), names no profile and is on none by itself; no output lists it.

import validator from "validator";
import { compareText } from "./comparison.ts";
import type { AcceptedIdentifier } from "./declaration.ts";
import { identifierKey } from "./identifier.ts";
import type { Registry } from "./registry.ts";

interface Named {
  readonly namespace: string;
  readonly value: string;
}

/** Left as they are: an address at Yahoo may have a dash, and the domains of Yandex are not folded alike. */
const FOLDING = { yahoo_remove_subaddress: false, yandex_convert_yandexru: false };

/**
 * The mailbox of a normalised address in one spelling: at Gmail without dots, there and at Outlook and iCloud without what
 * follows a plus. Null at every other provider: there an address is a mailbox by itself.
 */
export function foldAddress(address: string): string | null {
  const probe = `a.b+c${address.slice(address.lastIndexOf("@"))}`;
  if (validator.normalizeEmail(probe, FOLDING) === probe) return null;
  return validator.normalizeEmail(address, FOLDING) || null;
}

export function isMailbox({ namespaces }: Registry, { namespace }: Pick<Named, "namespace">): boolean {
  return namespaces.get(namespace)?.foldOf !== undefined;
}

function mailboxOf({ folds }: Registry, { namespace, value }: Named): Named | null {
  const name = folds.get(namespace);
  const mailbox = name === undefined ? null : foldAddress(value);
  return name === undefined || mailbox === null ? null : { namespace: name, value: mailbox };
}

/** Null: it is a mailbox by itself, or no address. */
export function mailboxKey(registry: Registry, named: Named): string | null {
  const mailbox = mailboxOf(registry, named);
  return mailbox === null ? null : identifierKey(registry, mailbox.namespace, mailbox.value);
}

/** The mailboxes of the addresses among the identifiers of an event, by key. */
export function listMailboxes(registry: Registry, identifiers: readonly AcceptedIdentifier[]): AcceptedIdentifier[] {
  if (registry.folds.size === 0) return [];
  const mailboxes = new Map<string, AcceptedIdentifier>();
  for (const identifier of identifiers) {
    const mailbox = mailboxOf(registry, identifier);
    if (mailbox === null) continue;
    const key = identifierKey(registry, mailbox.namespace, mailbox.value);
    mailboxes.set(key, { ...mailbox, key, assurance: "claimed" });
  }
  return [...mailboxes.values()].sort((a, b) => compareText(a.key, b.key));
}

/** A mailbox is evidence with the addresses of the event, and with nothing else that it names. Values may be erased. */
export function isTied(registry: Registry, one: Pick<Named, "namespace">, other: Pick<Named, "namespace">): boolean {
  const { namespaces } = registry;
  const [mine, theirs] = [namespaces.get(one.namespace)?.foldOf, namespaces.get(other.namespace)?.foldOf];
  return (mine === undefined || mine === other.namespace) && (theirs === undefined || theirs === one.namespace);
}
