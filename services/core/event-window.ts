// How an anchor recognises an event that comes again: the marks of its latest records. The window is a function of the
// set of events, never of the order in which they came.

import { isAnchorAuthenticated } from "./facet.ts";
import type { EventItem } from "./item.ts";

/**
 * A duplicate is recognised while its first copy is among this many latest records of its anchor, claimed and
 * authenticated ones apart: so no flood of claims makes it forget what others know of (I5).
 */
export const DUPLICATE_WINDOW_EVENTS = 256;

/** Mark of an event to its record time; what was claimed is marked below zero. */
export type EventWindow = Map<number, number>;

/**
 * How an event is recognised again: (source, eventId) through two lanes of FNV-1a, 53 bits. Not keyed and not for
 * strangers: it only tells apart the 256 events of one window.
 */
export function eventMark(item: EventItem): number {
  const mark = markOf(item.source, item.eventId);
  return isAnchorAuthenticated(item) ? mark : claimMark(mark);
}

function markOf(source: string, eventId: string): number {
  return markText(`${source}\n${eventId}`);
}

export function markText(text: string): number {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b) ^ (b >>> 13);
  }
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}

/** The mark of the same event, had it been claimed, and the converse. */
function claimMark(mark: number): number {
  return -1 - mark;
}

/** When the event was folded, or a copy of it with another assurance; undefined: not lately. */
export function recallEvent(window: EventWindow, mark: number): number | undefined {
  return window.get(mark) ?? window.get(claimMark(mark));
}

/** Whether the event, or a copy of it with another assurance, is in it. */
export function hasFolded(window: EventWindow, source: string, eventId: string): boolean {
  return recallEvent(window, markOf(source, eventId)) !== undefined;
}

/** Whether an authenticated event of about that instant is in it, or has been and so much has come since that it left. */
export function hasPassed(window: EventWindow, source: string, eventId: string, recordedAt: number): boolean {
  if (window.has(markOf(source, eventId))) return true;
  const authenticated = [...window].filter(([mark]) => mark >= 0);
  return authenticated.length === DUPLICATE_WINDOW_EVENTS && authenticated.every(([, at]) => at > recordedAt);
}

/** Marks an event as folded; of too many of its kind, the earliest recorded leaves. */
export function rememberEvent(window: EventWindow, mark: number, recordedAt: number): void {
  window.set(mark, recordedAt);
  if (window.size <= DUPLICATE_WINDOW_EVENTS) return;
  let oldest = mark;
  let oldestAt = recordedAt;
  let alike = 0;
  for (const [other, at] of window) {
    if (other < 0 !== mark < 0) continue;
    alike += 1;
    if (at > oldestAt || (at === oldestAt && other >= oldest)) continue;
    oldest = other;
    oldestAt = at;
  }
  if (alike > DUPLICATE_WINDOW_EVENTS) window.delete(oldest);
}
