// Faults of the protocol, planted where the messages pass: in what a stitcher is given, in what it sends, and in whether
// it may ask the index for a join. The product's code stays as it is.

import type { Component, Forwarder } from "#core/component.ts";
import type { Carried } from "#core/item.ts";

type Delivered = (carried: Carried, peek: (id: string) => Component | Forwarder | null) => readonly Carried[];

export interface Fault {
  /** What the stitcher is given in place of the item. */
  readonly deliver?: Delivered;
  /** What leaves the stitcher of this shard in place of the item. */
  readonly send?: (carried: Carried, shard: number) => readonly Carried[];
  /** Homes do not join anything. */
  readonly isWithoutJoins?: boolean;
}

export const WITHOUT_JOINS: Fault = { isWithoutJoins: true };

/** Each worker numbers the statuses that it sends by a count of its own; they have been up for different times. */
export const NUMBERED_BY_HOME: Fault = {
  send: ({ item, event }, shard) => [
    { item: item.kind === "status" ? { ...item, version: item.version + 100 * shard } : item, event },
  ],
};

/** What has not arrived yet is taken for arrived: the item says that it was born here. */
export const WITHOUT_PARKING: Fault = {
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
};

/** A forwarder that is to be absorbed by somebody else has nothing to say to that. */
export const WITHOUT_ANSWER: Fault = {
  deliver: ({ item, event }, peek) => {
    const forward = item.kind === "absorb" ? peek(item.component)?.forward : undefined;
    return forward !== undefined && item.kind === "absorb" && forward !== item.into ? [] : [{ item, event }];
  },
};

/** Nobody who waits for a hand-over asks for it. */
export const WITHOUT_ASKING: Fault = {
  send: ({ item, event }) => (item.kind === "absorb" ? [] : [{ item, event }]),
};
