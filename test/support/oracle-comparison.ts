// The engine's people and the oracle's in one shape, sorted, so that they can be compared.

import { compareText } from "#core/comparison.ts";
import type { Score } from "#core/score.ts";
import type { People } from "#services/wire/profile-reader.ts";
import type { OraclePeople } from "./oracle.ts";
import type { OracleOrder } from "./oracle-orders.ts";

export interface ComparablePeople {
  readonly unattributedOrders: number;
  readonly profiles: readonly unknown[];
}

export function comparePeople(people: People): ComparablePeople {
  return {
    unattributedOrders: people.unattributedOrders,
    profiles: people.profiles.map(({ profileId, identifiers, segment, audiences, scores: told, view }) => {
      const scores = plainScores(told);
      const traits = Object.entries(view.traits).map(([name, { value, source, at }]) => [
        name,
        { value, source, at: Date.parse(at) },
      ]);
      const { orders, counters, traits: _traits, ...dossier } = view;
      return comparable({ profileId, identifiers, segment, audiences, scores, orders, counters, traits, dossier });
    }),
  };
}

export function compareOracle({ unattributedOrders, profiles }: OraclePeople): ComparablePeople {
  return {
    unattributedOrders,
    profiles: profiles.map(
      ({ profileId, identifiers, segment, audiences, scores, orders, counters, traits, dossier }) =>
        comparable({
          profileId,
          identifiers,
          segment,
          audiences,
          scores,
          orders,
          counters,
          traits: Object.entries(traits),
          dossier,
        }),
    ),
  };
}

/** Those that were stored are of classes of their own. */
export function plainScores(scores: readonly Score[]): Score[] {
  return scores.map((one) => ({ ...one, terms: one.terms.map((term) => ({ ...term })) }));
}

function comparable(profile: {
  profileId: string;
  identifiers: readonly { namespace: string; value: string; state: string }[];
  segment: string | null;
  audiences: readonly string[];
  scores: readonly Score[];
  orders: readonly OracleOrder[];
  counters: Readonly<Record<string, number>>;
  traits: readonly (readonly unknown[])[];
  dossier: Readonly<Record<string, unknown>>;
}) {
  return {
    ...profile,
    dossier: Object.fromEntries(Object.entries(profile.dossier).toSorted(([a], [b]) => compareText(a, b))),
    identifiers: profile.identifiers.map((i) => `${i.namespace}:${i.value} ${i.state}`).toSorted(compareText),
    orders: profile.orders
      .map(({ orderId, status, source, currency, totalMinor, lines }) => {
        const sold = lines.map((line) => [line.productId, line.quantity, line.unitPriceMinor]);
        return JSON.stringify([orderId, status, source, currency, totalMinor, sold]);
      })
      .toSorted(compareText),
    counters: Object.entries(profile.counters).toSorted(([a], [b]) => compareText(a, b)),
    traits: profile.traits.toSorted(([a], [b]) => compareText(String(a), String(b))),
  };
}
