// Histories in which operators restrict some of the people, and lift some of that.

import * as fc from "fast-check";
import type { History } from "./histories.ts";
import type { RecordedEvent } from "./oracle.ts";

const RESTRICTION_CHANGED = "restriction-changed";

function say(like: RecordedEvent, eventId: string, recordedAt: number, restrictionId: string, lifted: boolean) {
  const { namespace = "", value = "" } = like.event.identifiers[0] ?? {};
  const event = {
    eventId,
    type: RESTRICTION_CHANGED,
    occurredAt: recordedAt,
    identifiers: [{ namespace, value }],
    restriction: { restrictionId, lifted },
  };
  return { source: "operator", recordedAt, event } satisfies RecordedEvent;
}

function isKnown({ source, event: { identifiers } }: RecordedEvent): boolean {
  const [first] = identifiers;
  return ["crm", "store"].includes(source) && first?.role !== "other" && first?.assurance !== "claimed";
}

export function restricting(told: fc.Arbitrary<History>): fc.Arbitrary<History> {
  const drawn = fc.record({
    whom: fc.nat(),
    place: fc.nat(),
    id: fc.constantFrom("a", "b", "c", "d"),
    lifted: fc.constantFrom(false, false, true),
  });
  return fc.tuple(told, fc.array(drawn, { minLength: 1, maxLength: 6 })).map(([{ scenario, events }, restrictions]) => {
    const all = [...events];
    for (const [number, { whom, place, id, lifted }] of restrictions.entries()) {
      const at = place % (all.length + 1);
      // Nobody states anything of an identifier that the shop does not know.
      const known = all.slice(0, at).filter(isKnown);
      const like = known[whom % known.length];
      const recordedAt = all[at - 1]?.recordedAt ?? 0;
      if (like !== undefined) all.splice(at, 0, say(like, `restriction-${number}`, recordedAt, id, lifted));
    }
    return { scenario, events: all };
  });
}

/** Each is lifted under the identifier that it was told under, so with whomever that is by now. */
export function liftEach(events: readonly RecordedEvent[], recordedAt: number): RecordedEvent[] {
  return events.flatMap((told) => {
    const { type, eventId, restriction } = told.event;
    return type === RESTRICTION_CHANGED
      ? [say(told, `lift-${eventId}`, recordedAt, restriction?.restrictionId ?? "", true)]
      : [];
  });
}
