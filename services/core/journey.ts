// What happened, the latest of it: searches, touches that attribution reads, and the timeline. Whoever only looks leaves
// no line there: views are counted by type, and would push out calls, orders and complaints.

import type { ChannelEvent } from "./event.ts";
import { cutText, NONE_TOLD, type LatestRules, type Telling, type Told } from "./facet.ts";
import type { Registry } from "./registry.ts";

export const SEARCH_RULES: LatestRules = { max: 16, limit: "searches" };
export const TOUCH_RULES: LatestRules = { max: 32, limit: "touches" };
export const TIMELINE_RULES: LatestRules = { max: 50, limit: "timeline" };

export interface Search extends Told {
  readonly query: string;
  readonly results: number | null;
}

export interface Touch extends Told {
  readonly channel: string;
  readonly campaignId: string | null;
  readonly medium: string | null;
}

export interface TimelineLine extends Told {
  readonly type: string;
}

export interface Journey {
  readonly searches: readonly Search[];
  readonly touches: readonly Touch[];
  readonly timeline: readonly TimelineLine[];
}

export const NO_JOURNEY: Journey = { searches: NONE_TOLD, touches: NONE_TOLD, timeline: NONE_TOLD };

const VIEWING_TYPES: ReadonlySet<string> = new Set(["page-viewed", "product-viewed", "cart-viewed"]);

/** Counted by type, no line of the timeline, and not in the mix of channels. */
export function isViewing(type: string): boolean {
  return VIEWING_TYPES.has(type);
}

export function readJourney(telling: Telling, event: ChannelEvent): Journey {
  const { told, type, limits } = telling;
  const { search } = event;
  const touch = readTouch(telling, event);
  return {
    searches:
      search === null || search === undefined
        ? NONE_TOLD
        : [{ ...told, query: cutText(search.query, limits), results: search.results ?? null }],
    touches: touch === null ? NONE_TOLD : [touch],
    timeline: isViewing(type) ? NONE_TOLD : [{ ...told, type: cutText(type, limits) }],
  };
}

/** What a source says brought the person, or a message that she clicked. */
function readTouch({ told, type, channel, limits }: Telling, { touch, message }: ChannelEvent): Touch | null {
  const cut = (text: string | null | undefined) => (typeof text === "string" ? cutText(text, limits) : null);
  if (touch !== null && touch !== undefined)
    return {
      ...told,
      channel: cutText(touch.channel, limits),
      campaignId: cut(touch.campaignId),
      medium: cut(touch.medium),
    };
  if (type !== "message-clicked") return null;
  return {
    ...told,
    channel: cut(message?.channel) ?? channel,
    campaignId: cut(message?.campaignId),
    medium: "message",
  };
}

export interface JourneyView {
  readonly searches: readonly Omit<Search, "eventId">[];
  readonly touches: readonly Omit<Touch, "eventId">[];
  /** source and eventId name the record. */
  readonly timeline: readonly (TimelineLine & { readonly channel: string })[];
}

export function viewTouches({ touches }: Pick<Journey, "touches">): JourneyView["touches"] {
  return touches.map(({ at, channel, campaignId, medium, source }) => ({ at, channel, campaignId, medium, source }));
}

/** The latest first. */
export function viewJourney(registry: Registry, { searches, touches, timeline }: Journey): JourneyView {
  return {
    searches: searches.map(({ at, query, results, source }) => ({ at, query, results, source })),
    touches: viewTouches({ touches }),
    timeline: timeline.map(({ at, type, source, eventId }) => {
      const channel = registry.sources.get(source)?.channel ?? source;
      return { at, type, channel, source, eventId };
    }),
  };
}
