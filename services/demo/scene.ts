// A scene: a stretch of time in which each person uses one channel, so that the order of the log is the same in every
// run. Its events go in together; then the questions are put to the records that came out.

import type { ChannelEvent, IdentifierClaim } from "#core/event.ts";
import { DAY_MS, on } from "./moment.ts";
import type { Question } from "./question.ts";

export interface StoryEvent {
  readonly source: string;
  readonly recordedAt: number;
  readonly event: ChannelEvent;
}

export interface Scene {
  readonly fromMs: number;
  readonly toMs: number;
  readonly events: readonly StoryEvent[];
  readonly questions: readonly Question[];
  /** Sources that passers-by may use meanwhile, each person one of them. */
  readonly open: readonly string[];
}

export type Parts = Partial<Omit<ChannelEvent, "eventId" | "type" | "occurredAt" | "identifiers">>;

/** Values by namespace. The first one keys the record, so that one visitor's events stay in order. */
export type Named = Readonly<Record<string, string>>;

export function claim(named: Named): IdentifierClaim[] {
  return Object.entries(named).map(([namespace, value]) => ({ namespace, value }));
}

export function order(orderId: string, totalMinor: number, productId: string): Parts {
  return {
    order: { orderId, currency: "EUR", totalMinor, lines: [{ productId, quantity: 1, unitPriceMinor: totalMinor }] },
  };
}

export function cart(totalMinor: number, productId: string): Parts {
  return { cart: { currency: "EUR", totalMinor, lines: [{ productId, quantity: 1, unitPriceMinor: totalMinor }] } };
}

export function traits(values: Readonly<Record<string, string>>): Parts {
  return { traits: values };
}

/** The till's file arrives in the small hours: what occurred yesterday is recorded now. */
const FILE_TIME = "05:30";

export class SceneWriter {
  readonly scenes: Scene[] = [];
  #events: StoryEvent[] = [];
  #count = 0;

  /** `send("web", "Mon 09:14", "page-viewed", …)`. */
  send(source: string, moment: string, type: string, named: Named, parts: Parts = {}): StoryEvent {
    return this.#record(source, on(moment), on(moment), type, named, parts);
  }

  /** A sale in the store, told by the file of the next morning. */
  sell(moment: string, named: Named, parts: Parts): StoryEvent {
    const recordedAt = on(`${moment.slice(0, 3)} ${FILE_TIME}`) + DAY_MS;
    return this.#record("store", on(moment), recordedAt, "order-placed", named, parts);
  }

  /** The same event once more, as a sender does that has missed the answer. */
  repeat(first: StoryEvent, moment: string): StoryEvent {
    const again = { ...first, recordedAt: on(moment) };
    this.#events.push(again);
    return again;
  }

  /** Ends a scene: everything sent since the last one. */
  play(from: string, to: string, open: readonly string[], questions: readonly Question[] = []): void {
    this.scenes.push({ fromMs: on(from), toMs: on(to), events: this.#events, questions, open });
    this.#events = [];
  }

  #record(
    source: string,
    occurredAt: number,
    recordedAt: number,
    type: string,
    named: Named,
    parts: Parts,
  ): StoryEvent {
    this.#count += 1;
    const eventId = `story-${String(this.#count).padStart(2, "0")}`;
    const recorded = { source, recordedAt, event: { eventId, type, occurredAt, identifiers: claim(named), ...parts } };
    this.#events.push(recorded);
    return recorded;
  }
}
