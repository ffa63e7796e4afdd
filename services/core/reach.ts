// The channels on which a person may be reached: no restriction of her data, consent to the purpose, and a contact point to
// which messages do not bounce. A channel's own refusal stands until that channel is granted; a general one also ends what was granted before.

import type { ReachRule } from "./configuration.ts";
import type { ConsentView } from "./consent.ts";
import type { ContactView } from "./contact.ts";

/** In the order in which they are declared. */
export function listReachable(
  { purpose, channels }: ReachRule,
  consents: readonly ConsentView[],
  contacts: readonly ContactView[],
): string[] {
  if (isRestricted(consents)) return [];
  return Object.entries(channels)
    .filter(([channel, kind]) => isGranted(consents, purpose, channel) && isReached(contacts, kind))
    .map(([channel]) => channel);
}

/** The purpose that stands for every one: refused, she is only kept. It sorts before words, so none of those drives it out. */
export const EVERY_PURPOSE = "*";

/** Until it is granted again, with a proof. */
export function isRestricted(consents: readonly ConsentView[]): boolean {
  return consents.some(({ purpose, channel, granted }) => purpose === EVERY_PURPOSE && channel === null && !granted);
}

function isGranted(consents: readonly ConsentView[], purpose: string, channel: string): boolean {
  const find = (name: string | null) => consents.find((one) => one.purpose === purpose && one.channel === name);
  const general = find(null);
  const own = find(channel);
  if (own === undefined) return general?.granted === true;
  return own.granted && !(general?.granted === false && general.at >= own.at);
}

function isReached(contacts: readonly ContactView[], kind: string): boolean {
  return contacts.some((contact) => contact.kind === kind && contact.verification !== "bounced");
}
