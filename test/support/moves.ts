// A move between segments as readers of the topic are told it, for tests of readers.

import type { SegmentTransition } from "#core/effect.ts";
import { NO_PASSAGE } from "#core/passage.ts";

const AT_MS = 1_772_000_000_000;

export function someMove(change: Partial<SegmentTransition>): SegmentTransition {
  return {
    kind: "transition",
    transitionId: "p.1",
    retracts: null,
    profileId: "p",
    from: null,
    to: null,
    cause: "event",
    nature: "behaviour",
    by: { source: "web", eventId: "e", at: AT_MS, occurredAt: AT_MS, backfill: false, traceparent: null },
    rule: "true",
    ruleVersion: "1",
    previousSince: null,
    timeInFormerMs: null,
    ...NO_PASSAGE,
    ...change,
  };
}
