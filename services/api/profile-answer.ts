// A profile as it is answered: masked for whoever has not `profile:pii`.

import { mask } from "#services/wire/mask.ts";
import type { FoundProfile } from "#services/wire/lookup.ts";
import type { ProfileAnswer } from "./answer.ts";
import { formatPosition } from "./position.ts";
import type { Caller } from "./role.ts";

/** Too short to leave a letter of it. */
const SHORT = 3;

export function maySee({ scopes }: Caller): boolean {
  return scopes.has("profile:pii");
}

export function maskValue(value: string): string {
  return value.length <= SHORT ? "*".repeat(value.length) : mask(value);
}

export function describeInstant(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** Who it is, as of when, and in which segment: what every answer about a profile begins with. */
export function answerHeader({ profile, version, segmentSince, watermarks, position }: FoundProfile, caller: Caller) {
  const { profileId, segment } = profile;
  return {
    profileId,
    version,
    position: formatPosition(position),
    masked: !maySee(caller),
    watermarks: watermarks.map(({ source, upToMs }) => ({ source, upTo: describeInstant(upToMs) })),
    segment: segment === null ? null : { name: segment, since: describeInstant(segmentSince) },
  };
}

export function answerProfile(found: FoundProfile, caller: Caller, requestedId: string | null = null): ProfileAnswer {
  const { profile, firstAt, lastAt, claimedOnly } = found;
  const { profileId, identifiers, view } = profile;
  const isOpen = maySee(caller);
  return {
    ...answerHeader(found, caller),
    requestedId: requestedId === profileId ? null : requestedId,
    claimedOnly,
    firstSeen: describeInstant(firstAt),
    lastSeen: describeInstant(lastAt),
    identifiers: identifiers.map(({ namespace, value, state }) => ({
      namespace,
      value: isOpen ? value : maskValue(value),
      state,
    })),
    traits: Object.entries(view.traits).map(([name, { value, source, at }]) => ({
      name,
      // A number may be a year of birth: without the scope it is not shown at all.
      value: isOpen ? value : typeof value === "string" ? maskValue(value) : null,
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
