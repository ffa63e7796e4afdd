// What a transition carries beside the move: the facts that decided it, the touches since the last one with their credit,
// the person's value tier and where she may be reached. Read off the profile as it is at that place in the recorded
// order, so it is a function of that order like the move itself (O2).

import { sortedEntries } from "./comparison.ts";
import type { Component } from "./component.ts";
import type { PassageRules } from "./configuration.ts";
import { creditChannels, type ChannelCredit } from "./credit.ts";
import { viewConsentsOf } from "./dossier-view.ts";
import type { Engine } from "./engine.ts";
import { viewTouches, NO_JOURNEY, type JourneyView } from "./journey.ts";
import type { Cause, ProfileRecord } from "./profile.ts";
import { listReachable } from "./reach.ts";
import { viewContactsOf, type Facts, type ProfileView } from "./view.ts";

export interface Passage {
  /** The facts that the rules read, as JSON texts. */
  readonly facts: Readonly<Record<string, string>>;
  /** Those that made the rule true whatever the others are, and on the way down the former one false: none can be left out. */
  readonly decisive: readonly string[];
  /** That occurred since the last transition's touches and up to this one's event; the earliest first. */
  readonly touches: readonly PassageTouch[];
  readonly credit: readonly ChannelCredit[];
  readonly valueTier: string | null;
  /** Channels, by consent. */
  readonly reachable: readonly string[];
}

export type PassageTouch = JourneyView["touches"][number];

/** Of a profile that went into another one: nothing is known of it any more. */
export const NO_PASSAGE: Passage = {
  facts: {},
  decisive: [],
  touches: [],
  credit: [],
  valueTier: null,
  reachable: [],
};

/** To be called before the move: `record` is still in the segment that it leaves. */
export function describePassage(
  { registry, ladder }: Engine,
  component: Component,
  naming: string,
  record: ProfileRecord,
  view: ProfileView,
  to: string,
  by: Cause,
): Passage {
  const { passages } = registry.configuration.rules;
  const touches = listTouches(viewTouches(view.dossier ?? NO_JOURNEY), record.touchedUpTo, touchTime(by));
  const consents = viewConsentsOf(registry, view.dossier);
  return {
    facts: describeFacts(view.facts, ladder.readsTime),
    decisive: ladder.findDecisive(view.facts, record.evaluatedAsOf, record.segment, to),
    touches,
    credit: creditChannels(touches, passages.halfLifeMs),
    valueTier: findValueTier(passages, view.facts),
    // Contact points take work, and nobody without a consent is reached.
    reachable:
      consents.length === 0
        ? []
        : listReachable(passages.reach, consents, viewContactsOf(registry, component, naming, view, [])),
  };
}

/** Up to where touches have their share in a move: when its event occurred, or time had passed. */
export function touchTime({ occurredAt, at }: Cause): number {
  return occurredAt ?? at;
}

function listTouches(touches: JourneyView["touches"], after: number | null, upTo: number): PassageTouch[] {
  return touches.filter(({ at }) => at <= upTo && (after === null || at > after)).toReversed();
}

/** The first that what was spent in one currency reaches. */
function findValueTier({ valueTiers }: PassageRules, { orders }: Facts): string | null {
  const spentMinor = Math.max(0, ...orders.spentMinor.values());
  return valueTiers.find((tier) => spentMinor >= tier.spentMinor)?.tier ?? null;
}

function describeFacts({ profile, orders, scores }: Facts, withTimes: boolean): Record<string, string> {
  const times = {
    "profile.firstAt": String(profile.firstAt),
    "profile.lastAt": String(profile.lastAt),
    "orders.latestAt": String(orders.latestAt),
  };
  return {
    ...(withTimes ? times : {}),
    ...Object.fromEntries(
      Object.entries(scores ?? {}).map(([name, value]) => [`scores.${name}`, JSON.stringify(value)]),
    ),
    "profile.known": String(profile.known),
    "profile.contactPoints": String(profile.contactPoints),
    "profile.checkouts": String(profile.checkouts),
    "profile.cartsFilled": String(profile.cartsFilled),
    "orders.valid": String(orders.valid),
    "orders.spentMinor": JSON.stringify(Object.fromEntries(sortedEntries(orders.spentMinor))),
  };
}
