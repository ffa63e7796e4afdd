// The demo's automation: what it would send for a transition or a signal, decided by the record alone. A voucher is for
// what people do: artefacts (late data, merges, imports of history, replays) and retractions never pay.

import type { SegmentTransition } from "#core/effect.ts";

export const VOUCHER_MINOR = 3_000;

export type Move = Pick<
  SegmentTransition,
  "kind" | "transitionId" | "profileId" | "from" | "to" | "nature" | "reachable" | "valueTier" | "credit"
>;

/** The costly channel: for whoever becomes an ambassador, and may be reached there. */
export function deservesVoucher({ kind, from, to, nature, reachable }: Move): boolean {
  return (
    kind === "transition" &&
    nature === "behaviour" &&
    from === "multi-buyer" &&
    to === "ambassador" &&
    reachable.includes("sms")
  );
}

/** The channel with most of the credit; null: no touch led there. */
export function leadingChannel({ credit }: Move): string | null {
  return credit.toSorted((a, b) => b.timeDecay - a.timeDecay)[0]?.channel ?? null;
}
