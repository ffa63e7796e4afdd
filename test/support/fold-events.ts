// Events folded by the engine alone, one after the other, as most tests of the rule want them.

import type { Configuration } from "#core/configuration.ts";
import type { ChannelEvent } from "#core/event.ts";
import { NO_HOLDS, type Holds } from "#core/hold.ts";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { readComponents } from "#services/wire/part.ts";
import { configuration, hash } from "./histories.ts";

export const START_MS = Date.UTC(2026, 2, 2);

/** What a source tells in a minute after the start, of now; its event id is `<source>-<minute>`. */
export function tell(
  source: string,
  minute: number,
  type: string,
  names: Readonly<Record<string, string>>,
  more: Partial<ChannelEvent> = {},
): FoldEvent {
  const recordedAt = START_MS + minute * 60_000;
  const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
  const event = { eventId: `${source}-${minute}`, type, occurredAt: recordedAt, identifiers, ...more };
  return { source, recordedAt, event };
}

export async function foldBatches(
  batches: readonly (readonly FoldEvent[])[],
  told: Configuration = configuration,
  holds: Holds = NO_HOLDS,
): Promise<Fold> {
  const fold = new Fold({ configuration: told, hash, holds });
  for (const batch of batches) await fold.add(batch);
  return fold;
}

export function foldEach(events: readonly FoldEvent[], told?: Configuration): Promise<Fold> {
  return foldBatches(
    events.map((event) => [event]),
    told,
  );
}

/** What looks people up in a fold, by the ids of their profiles too: its own index knows no such names. */
export async function lookInto({ engine, store }: Fold) {
  const index = new ComponentIndex(openMemoryIndex(), hash);
  for await (const { key, value } of store.scan(0, "c/")) {
    const proposal = index.propose();
    for (const component of await readComponents((keys) => store.load(0, keys), [value]))
      for (const identifier of component.identifiers.keys()) proposal.setBirth(identifier, key.slice(2));
    await index.settle(proposal);
  }
  return { engine, index, store, shards: 1 };
}
