// A component: where the state of some connected identifiers lives. One home (the shard of its id) changes it.
// Its state is plain JSON-like data, so that any store can keep it and any codec can write it.

import type { Stamp } from "./comparison.ts";
import { bareRecord } from "./comparison.ts";
import type { Assurance } from "./configuration.ts";
import type { Fragment } from "./fragment.ts";
import type { Carried, ComponentId, EventItem, Status } from "./item.ts";
import type { ProfileRecord } from "./profile.ts";

/** One identifier that lives here. */
export interface Entry {
  readonly namespace: string;
  readonly value: string;
  readonly birth: ComponentId;
  /** Earliest record that asserted it, and earliest that did so with `authenticated` or better (null: weak). */
  first: Stamp;
  firstAuthenticated: Stamp | null;
  /** Raised each time what other homes are told of it changes. */
  statusVersion: number;
  status: Status | null;
  /** Naming key of the profile that it belongs to; null before the first weighing, and for a contested shareable one. */
  profile: string | null;
  /** Of a contested shareable identifier: a member of each person that claims it, on whose profiles it is shown. */
  claimants: readonly string[];
  state: "owned" | "contested" | "quarantined";
  /** True until every far end of its ties has told its status, and a far owner's home has been joined. */
  pending: boolean;
  fragment: Fragment | null;
  /** How many orders are listed under it (parts `l/<key>/<n>`). */
  ordersListed: number;
}

/** That two identifiers were asserted together; kept per (pair, source, assurance) with its earliest record. */
export interface Evidence {
  readonly a: string;
  readonly b: string;
  readonly source: string;
  readonly assurance: Assurance;
  stamp: Stamp;
}

/** The far end of a tie. */
export interface FarEnd {
  readonly namespace: string;
  readonly birth: ComponentId;
  /** 0: no status has arrived yet. */
  version: number;
  status: Status | null;
}

export interface Component {
  readonly id: ComponentId;
  readonly forward?: undefined;
  /** Births that live here: its own and those of every component that it has absorbed. */
  readonly held: Record<ComponentId, true>;
  readonly identifiers: Record<string, Entry>;
  readonly evidence: Record<string, Evidence>;
  readonly far: Record<string, FarEnd>;
  /** What the home of a far end was last told: `<local key> <far key>` to a status version. */
  readonly told: Record<string, number>;
  /** By naming key: the identifier that a profile's id is made of. Dead ones stay, so that versions go on. */
  readonly profiles: Record<string, ProfileRecord>;
  /** Orders that live here without a local owner. */
  readonly looseOrders: Record<string, true>;
  /** Items that overtook the hand-over that they need. */
  parked: Carried<EventItem>[];
  /** Chunks of hand-overs under way, by the component that they come from. */
  readonly arriving: Record<ComponentId, { readonly key: string; readonly value: unknown }[]>;
  /** Joins asked for and not yet handed over, so that they are asked for once. */
  readonly asked: Record<ComponentId, true>;
}

/** What is left of an absorbed component. */
export interface Forwarder {
  readonly id: ComponentId;
  readonly forward: ComponentId;
}

export function createComponent(id: ComponentId): Component {
  const held = bareRecord<true>();
  held[id] = true;
  return {
    id,
    held,
    identifiers: bareRecord(),
    evidence: bareRecord(),
    far: bareRecord(),
    told: bareRecord(),
    profiles: bareRecord(),
    looseOrders: bareRecord(),
    parked: [],
    arriving: bareRecord(),
    asked: bareRecord(),
  };
}

export function componentPart(id: ComponentId): string {
  return `c/${id}`;
}
