// The automation's way from topics to messages. Before transitions are judged, every change of id that was published
// before them is known: it is committed with them or earlier, so reading its topic up to its present end suffices.

import type { IdentityAlias, ProfileSignal } from "#core/effect.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { readOn } from "#services/report/book.ts";
import type { Move } from "./campaign.ts";
import type { AutomationOutbox, Message } from "./outbox.ts";

export interface AutomationTopics {
  readonly segmentTransition: string;
  readonly profileSignal: string;
  readonly identityAlias: string;
}

/** `send` is given each message once, save for one that was being sent when the process died. */
export async function runAutomation(
  wires: { readonly log: Log; readonly codec: Codec },
  outbox: AutomationOutbox,
  topics: AutomationTopics,
  { follow, signal, send }: { readonly follow: boolean; readonly signal?: AbortSignal; send(message: Message): void },
): Promise<void> {
  const flush = () => {
    const messages = outbox.unsent();
    for (const message of messages) send(message);
    outbox.markSent(messages);
  };
  flush();
  const readAliases = async () =>
    readOn(wires, outbox, [topics.identityAlias], ({ value }) => outbox.takeAlias(value as IdentityAlias), {
      follow: false,
      drop: (oldProfileId) => outbox.dropAlias(oldProfileId),
    });
  await readOn(
    wires,
    outbox,
    [topics.segmentTransition, topics.profileSignal],
    ({ topic, value }) => {
      if (topic === topics.profileSignal) outbox.takeSignal(value as ProfileSignal);
      else outbox.takeMove(value as Move);
    },
    { follow, ...(signal === undefined ? {} : { signal }), before: readAliases, after: flush },
  );
}
