// Whether somebody has bought at a source: yes, no, or not known yet, because what the source has told does not reach far
// enough. A source of files is complete up to the latest occurredAt recorded from it, a live one up to the shard's time.

import type { Configuration } from "./configuration.ts";
import type { OrderView } from "./order.ts";

/** How far a source is known to have told all that happened; null: it has told nothing yet. */
export interface Watermark {
  readonly source: string;
  readonly upToMs: number | null;
}

export interface PurchaseAnswer {
  readonly source: string;
  readonly bought: "yes" | "no" | "not-known-yet";
  /** Instant of the latest valid order within the span. */
  readonly latestAt: number | null;
  /** Null: it has told nothing yet. */
  readonly completeUpTo: number | null;
}

/** Of which instants it is asked, both counted in. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** For each source trusted for orders; watermarks: up to when each source has told. */
export function answerPurchases(
  { sources }: Configuration,
  watermarks: readonly Watermark[],
  orders: readonly OrderView[],
  { from, to }: Span,
): PurchaseAnswer[] {
  return sources
    .filter(({ trustedForOrders }) => trustedForOrders)
    .map(({ name }) => {
      const within = orders.filter((one) => one.valid && one.source === name && one.at >= from && one.at <= to);
      const completeUpTo = watermarks.find(({ source }) => source === name)?.upToMs ?? null;
      return {
        source: name,
        bought: within.length > 0 ? "yes" : (completeUpTo ?? -1) >= to ? "no" : "not-known-yet",
        latestAt: within.length === 0 ? null : Math.max(...within.map(({ at }) => at)),
        completeUpTo,
      };
    });
}
