// A duplicate is the same (source, eventId). Copies usually come close together (a producer that tried again), and are
// dropped here before they travel; what this window has forgotten, the anchor's own window and the order know.
// A copy that was recorded earlier than the first passes: evidence counts from its earliest record (I1). A record that is
// evidence of something else, or is kept under something else, is no copy: of several under one id the one that was read
// first counts, for what has been added up cannot be taken out of a sum again (SPEC.md, section 8).

import type { AcceptedEvent } from "#core/acceptance.ts";
import { markText } from "#core/event-window.ts";

export const RECENT_EVENTS_MAX = 200_000;

interface Seen {
  readonly recordedAt: number;
  readonly said: number;
}

export class RecentEvents {
  #young = new Map<string, Seen>();
  #old = new Map<string, Seen>();

  /** What a batch sees, its own events included; they are kept only once it is resolved. */
  open(): RecentBatch {
    return new RecentBatch((key) => this.#young.get(key) ?? this.#old.get(key));
  }

  /** To be called when the batch cannot fail any more: one that is tried again would find its own events otherwise. */
  keep(batch: RecentBatch): void {
    for (const [key, seen] of batch.fresh) {
      this.#young.set(key, seen);
      if (this.#young.size < RECENT_EVENTS_MAX / 2) continue;
      this.#old = this.#young;
      this.#young = new Map();
    }
  }
}

export class RecentBatch {
  readonly fresh = new Map<string, Seen>();
  readonly #find: (key: string) => Seen | undefined;

  constructor(find: (key: string) => Seen | undefined) {
    this.#find = find;
  }

  /**
   * True where a copy recorded no later than this one has been seen, or a record of the id that says something else;
   * otherwise remembers it. By the keys of the door, before anybody's life ends (erasure.ts).
   */
  isDuplicate(accepted: AcceptedEvent): boolean {
    const { source, recordedAt, event } = accepted;
    const key = `${source}\n${event.eventId}`;
    const said = markSaid(accepted);
    const seen = this.fresh.get(key) ?? this.#find(key);
    if (seen !== undefined && (seen.recordedAt <= recordedAt || seen.said !== said)) return true;
    this.fresh.set(key, { recordedAt, said });
    return false;
  }
}

/** What an event is evidence of, and under what its facts are kept. */
function markSaid({ event, anchor, order, identifiers }: AcceptedEvent): number {
  let text = `${event.type}\n${anchor}\n${order?.key ?? ""}`;
  for (const { key, assurance } of identifiers) text += `\n${key} ${assurance}`;
  return markText(text);
}
