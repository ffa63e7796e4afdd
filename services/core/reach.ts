// The channels on which a person may be reached: consent to the purpose, and a contact point to which messages do not
// bounce. A channel's own refusal stands until that channel is granted; a general one also ends what was granted before.

import type { ReachRule } from "./configuration.ts";
import type { ConsentView } from "./consent.ts";
import type { ContactView } from "./contact.ts";

/** In the order in which they are declared. */
export function listReachable(
  { purpose, channels }: ReachRule,
  consents: readonly ConsentView[],
  contacts: readonly ContactView[],
): string[] {
  return Object.entries(channels)
    .filter(([channel, kind]) => isGranted(consents, purpose, channel) && isReached(contacts, kind))
    .map(([channel]) => channel);
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
