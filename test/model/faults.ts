// Faults of the protocol, planted where the messages pass: in what a stitcher is given, in what it sends, and in whether
// it may ask the index for a join. The product's code stays as it is. Each is one that the protocol's sketch names, or the
// nearest that this product can have; the last but one the design does.

import type { Component, Forwarder } from "#core/component.ts";
import type { Carried } from "#core/item.ts";

type Peek = (id: string) => Component | Forwarder | null;

export interface Fault {
  /** What the stitcher is given in place of the item. */
  readonly deliver?: (carried: Carried, peek: Peek) => readonly Carried[];
  /** What leaves the stitcher of this shard in place of the item. */
  readonly send?: (carried: Carried, shard: number) => readonly Carried[];
  /** Homes do not join anything. */
  readonly isWithoutJoins?: boolean;
}

export const FAULTS = {
  "homes ask for no joins": { isWithoutJoins: true },
  /** Each by a count of what it has sent; they have been up for different times. */
  "statuses are numbered by worker, not by identifier": {
    send: ({ item, event }, shard) => [
      { item: item.kind === "status" ? { ...item, version: item.version + 100 * shard } : item, event },
    ],
  },
  /** What has not arrived yet is taken for arrived: the item says that it was born here. */
  "an event that overtakes a hand-over is not parked": {
    deliver: ({ item, event }, peek) => {
      if (item.kind !== "event") return [{ item, event }];
      const home = peek(item.component);
      if (home?.forward !== undefined) return [{ item, event }];
      const held = home?.held ?? new Set([item.component]);
      const identifiers = item.identifiers.map((identifier) => {
        return !identifier.local || held.has(identifier.birth) ? identifier : { ...identifier, birth: item.component };
      });
      return [{ item: { ...item, identifiers }, event }];
    },
  },
  /**
   * The sketch's forwarder asks for a join of both. The product's tells the later of the two targets to be absorbed by the
   * earlier: both are ancestors (ARCHITECTURE.md, 9).
   */
  "a forwarder does not answer a second, different absorb": {
    deliver: ({ item, event }, peek) => {
      if (item.kind !== "absorb") return [{ item, event }];
      const forward = peek(item.component)?.forward;
      return forward === undefined || forward === item.into ? [{ item, event }] : [];
    },
  },
  "whoever waits for a hand-over does not ask for it": {
    send: ({ item, event }) => (item.kind === "absorb" ? [] : [{ item, event }]),
  },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;
