// What the story asks of the records, and the facts that answer. A fact holds only what was read back; its names and
// amounts are those of the records. `--json` prints facts as they stand.

import type { StoryEvent } from "./scene.ts";

/** An identifier as a question: who holds it? */
interface Whose {
  readonly namespace: string;
  readonly value: string;
}

export type Question =
  | {
      readonly ask:
        | "arrived"
        | "moved"
        | "ordered"
        | "recognised"
        | "merged"
        | "promoted"
        | "repeated"
        | "refused"
        | "spared";
      readonly about: StoryEvent;
    }
  | ({ readonly ask: "apart"; readonly about: StoryEvent } & Whose)
  | ({ readonly ask: "shared"; readonly about: StoryEvent } & Whose)
  | ({ readonly ask: "looked-up"; readonly at: string } & Whose)
  | ({ readonly ask: "reminded" } & Whose)
  | { readonly ask: "carted"; readonly namespace: string; readonly values: readonly string[] }
  | { readonly ask: "awaited"; readonly namespace: string; readonly values: readonly string[] };

export type Asked<Ask extends Question["ask"]> = Extract<Question, { readonly ask: Ask }>;

export type Amounts = Readonly<Record<string, number>>;

/** What every fact that an event caused has: when the log learned it, from where, and about whom. */
interface Caused {
  readonly at: string;
  readonly source: string | null;
  readonly eventId: string | null;
  /** First name on the profile, if any. */
  readonly person: string | null;
  readonly profileId: string;
}

export interface FactChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

export interface Move {
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
}

export interface Arrived extends Caused, Move {
  readonly fact: "arrived";
  readonly occurredAt: string | null;
  readonly identifiers: readonly Whose[];
  readonly spentMinor: Amounts;
}

export interface Moved extends Caused, Move {
  readonly fact: "moved";
  readonly occurredAt: string | null;
  /** The facts that the rules read, as far as they differ from those of the transition before. */
  readonly changes: readonly FactChange[];
}

/** An order that moved nobody. */
export interface Ordered extends Caused {
  readonly fact: "ordered";
  readonly segment: string;
  readonly validOrders: number;
  readonly spentMinor: Amounts;
  readonly transitions: number;
}

export interface Recognised extends Caused {
  readonly fact: "recognised";
  readonly kind: string;
  readonly formerProfileId: string | null;
  readonly identifiers: readonly Whose[];
  readonly known: boolean;
}

export interface Apart extends Caused {
  readonly fact: "apart";
  readonly identityChanges: number;
  readonly namespace: string;
  readonly value: string;
  /** The profile that holds the identifier. */
  readonly holder: string | null;
}

export interface Shared extends Caused {
  readonly fact: "shared";
  readonly identityChanges: Readonly<Record<string, number>>;
  readonly namespace: string;
  readonly value: string;
  readonly state: string;
  /** Everybody who has held it, as far as they have names. */
  readonly holders: readonly string[];
}

export interface Merged extends Caused {
  readonly fact: "merged";
  readonly absorbedProfileId: string | null;
  readonly namespaces: readonly string[];
  readonly moves: readonly (Move & { readonly profileId: string })[];
}

export interface Promoted extends Caused, Move {
  readonly fact: "promoted";
  readonly transitionId: string;
  readonly validOrders: number;
  readonly spentMinor: Amounts;
  /** Transitions of this profile between these two segments, in the whole topic. */
  readonly count: number;
}

export interface Repeated extends Omit<Caused, "profileId"> {
  readonly fact: "repeated";
  /** Output records about the person since the copy came. */
  readonly records: number;
  /** Transitions that the event has caused in all. */
  readonly transitions: number;
}

export interface Refused {
  readonly fact: "refused";
  readonly at: string;
  readonly source: string | null;
  readonly identifiers: readonly Whose[];
  readonly topic: string;
  readonly reason: string;
  readonly bytes: number;
}

export interface LookedUp {
  readonly fact: "looked-up";
  readonly at: string;
  readonly source: string;
  readonly namespace: string;
  readonly value: string;
  readonly found: boolean;
  /** Why there is no profile. */
  readonly reason: string | null;
  readonly person: string | null;
  readonly city: string | null;
  readonly segment: string | null;
  readonly orders: number;
  readonly orderedMinor: Amounts;
}

export interface Carted {
  readonly fact: "carted";
  readonly at: string;
  readonly source: string | null;
  readonly people: readonly (string | null)[];
  /** Things put into carts, by all of them. */
  readonly added: number;
}

export interface Awaited {
  readonly fact: "awaited";
  readonly at: string;
  readonly people: readonly (string | null)[];
  readonly signals: number;
}

export interface Reminded {
  readonly fact: "reminded";
  readonly at: string;
  readonly person: string | null;
  readonly profileId: string;
  readonly signal: string;
  readonly signalId: string;
  readonly activityAt: string;
  readonly dueAt: string;
  readonly certainty: string;
  readonly cartMinor: Amounts;
  /** Signals about this profile, in the whole topic. */
  readonly count: number;
}

export interface Spared extends Caused, Move {
  readonly fact: "spared";
  readonly occurredAt: string | null;
  /** The loyalty card on the profile. */
  readonly card: string | null;
  readonly validOrders: number;
  readonly signals: number;
}

export type Fact =
  | Arrived
  | Moved
  | Ordered
  | Recognised
  | Apart
  | Shared
  | Merged
  | Promoted
  | Repeated
  | Refused
  | LookedUp
  | Carted
  | Awaited
  | Reminded
  | Spared;
