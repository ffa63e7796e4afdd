// A profile as it is answered: masked for whoever has not `profile:pii`.

import { HIDDEN, mask } from "#services/wire/mask.ts";
import { describeInstant } from "#services/wire/instant.ts";
import { describeWatermarks, type FoundProfile } from "#services/wire/lookup.ts";
import { formatPosition } from "#services/wire/location.ts";
import type { ProfileAnswer } from "./answer.ts";
import type { Caller } from "./role.ts";

export function maySee({ scopes }: Caller): boolean {
  return scopes.has("profile:pii");
}

/** Who it is, and as of when. */
export function answerIdentity({ profile, version, position, watermarks }: FoundProfile) {
  return {
    profileId: profile.profileId,
    version,
    position: formatPosition(position),
    watermarks: describeWatermarks(watermarks),
  };
}

/** With what of it may be seen, and in which segment: what every answer of a whole profile begins with. */
export function answerHeader(found: FoundProfile, caller: Caller) {
  const { profile, segmentSince, claimedOnly } = found;
  const { segment } = profile;
  return {
    ...answerIdentity(found),
    masked: !maySee(caller),
    claimedOnly,
    segment: segment === null ? null : { name: segment, since: describeInstant(segmentSince) },
    restrictions: profile.view.restrictions.map((one) => ({ ...one })),
  };
}

export function answerProfile(found: FoundProfile, caller: Caller, requestedId: string | null = null): ProfileAnswer {
  const { profile, firstAt, lastAt } = found;
  const { profileId, identifiers, view } = profile;
  const isOpen = maySee(caller);
  return {
    ...answerHeader(found, caller),
    requestedId: requestedId === profileId ? null : requestedId,
    firstSeen: describeInstant(firstAt),
    lastSeen: describeInstant(lastAt),
    identifiers: identifiers.map(({ namespace, value, state }) => ({
      namespace,
      value: isOpen ? value : mask(value),
      state,
    })),
    traits: Object.entries(view.traits).map(([name, { value, source, at }]) => ({
      name,
      value: isOpen ? value : HIDDEN,
      source,
      at,
    })),
    orders: answerOrders(found),
    counters: answerCounters(found),
  };
}

export function answerOrders({ profile }: FoundProfile): ProfileAnswer["orders"] {
  return profile.view.orders.map(({ lines, valid: _valid, at: _at, ...order }) => ({
    ...order,
    lines: lines.map((line) => ({ ...line })),
  }));
}

export function answerCounters({ profile }: FoundProfile): ProfileAnswer["counters"] {
  return Object.entries(profile.view.counters).map(([name, count]) => ({ name, count }));
}
