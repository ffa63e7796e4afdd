// How an anchor recognises an event that comes again: the marks of its latest records. The window is a function of the
// set of events, never of the order in which they came.

import type { EventItem } from "./item.ts";

/** A duplicate is recognised while its first copy is among this many latest records of its anchor. */
export const DUPLICATE_WINDOW_EVENTS = 256;

/** Mark of an event to its record time. */
export type EventWindow = Map<number, number>;

/**
 * How an event is recognised again: (source, eventId) through two lanes of FNV-1a, 53 bits. Not keyed and not for
 * strangers: it only tells apart the 256 events of one window.
 */
export function eventMark(item: EventItem): number {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  const add = (text: string): void => {
    for (let i = 0; i < text.length; i += 1) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x85ebca6b) ^ (b >>> 13);
    }
  };
  add(item.source);
  add("\n");
  add(item.eventId);
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}

/** Marks an event as folded; of too many, the earliest recorded leaves. */
export function rememberEvent(window: EventWindow, mark: number, recordedAt: number): void {
  window.set(mark, recordedAt);
  if (window.size <= DUPLICATE_WINDOW_EVENTS) return;
  let oldest = mark;
  let oldestAt = recordedAt;
  for (const [other, at] of window) {
    if (at > oldestAt || (at === oldestAt && other >= oldest)) continue;
    oldest = other;
    oldestAt = at;
  }
  window.delete(oldest);
}
