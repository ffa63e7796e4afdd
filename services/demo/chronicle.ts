// What the output topics say, read back: every record kept, and the few questions that the narrator has. Offsets and
// partitions are forgotten on purpose: they may differ from run to run, what the records say may not.

import { compareTransitions, placeOfTransition } from "#core/transition-id.ts";
import type { LogRecord } from "#ports/log.ts";
import type { TopicNames } from "#services/config/topics.ts";

interface Placed {
  readonly profileId: string;
  readonly at: number;
}

export interface ChangeRecord extends Placed {
  readonly version: number;
  readonly segment: string;
  readonly changes: readonly { readonly path: string; readonly before: string | null; readonly after: string | null }[];
  readonly causeEventId: string | null;
  readonly causeSource: string | null;
}

export interface TransitionRecord extends Placed {
  readonly kind: string;
  readonly transitionId: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
  readonly eventId: string | null;
  readonly source: string | null;
  readonly occurredAt: number | null;
  readonly facts: Readonly<Record<string, string>>;
}

export interface IdentityRecord extends Placed {
  readonly changeId: string;
  readonly kind: string;
  readonly otherProfileId: string | null;
  readonly eventId: string | null;
  readonly source: string | null;
  readonly identifiers: readonly { readonly namespace: string; readonly key: string }[];
}

export interface SignalRecord extends Placed {
  readonly signalId: string;
  readonly signal: string;
  readonly dueAt: number;
  readonly activityAt: number;
  readonly certainty: string;
  readonly facts: Readonly<Record<string, string>>;
}

export interface StateRecord {
  readonly profileId: string;
  readonly segment: string;
  readonly identifiers: readonly (Identifier & { readonly state: string })[];
  readonly traits: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Identifier {
  readonly namespace: string;
  readonly value: string;
}

export interface Letter {
  readonly topic: string;
  readonly at: number;
  /** The event inside, where its bytes can be read at all. */
  readonly event: { readonly eventId: string; readonly identifiers: readonly Identifier[] } | null;
  readonly reason: string;
  readonly bytes: number;
}

export class Chronicle {
  readonly changes: ChangeRecord[] = [];
  readonly transitions: TransitionRecord[] = [];
  readonly identity: IdentityRecord[] = [];
  readonly signals: SignalRecord[] = [];
  readonly letters: Letter[] = [];
  /** profile-state, the latest record of each key; null: a tombstone. */
  readonly states = new Map<string, StateRecord | null>();
  readonly #names = new Map<string, string>();
  readonly #holders = new Map<string, Set<string>>();
  readonly #topics: TopicNames;

  constructor(topics: TopicNames) {
    this.#topics = topics;
  }

  /** `value` as the codec gives it; null for a tombstone, and for a dead letter that nobody can read. */
  add(record: LogRecord, value: unknown): void {
    const names = this.#topics;
    switch (record.topic) {
      case names.profileChanged:
        return void this.changes.push(value as ChangeRecord);
      case names.segmentTransition:
        if ((value as TransitionRecord).kind === "transition") this.transitions.push(value as TransitionRecord);
        return;
      case names.identityChanged:
        return void this.identity.push(value as IdentityRecord);
      case names.profileSignal:
        return void this.signals.push(value as SignalRecord);
      case names.profileState:
        return this.#addState(record.key ?? "", value as StateRecord | null);
      default:
        this.letters.push({
          topic: record.topic,
          at: record.timestampMs,
          event: value as Letter["event"],
          reason: record.headers["weft.reason"] ?? "",
          bytes: record.value?.length ?? 0,
        });
    }
  }

  #addState(profileId: string, state: StateRecord | null): void {
    this.states.set(profileId, state);
    const name = state?.traits["firstName"]?.value;
    if (typeof name === "string") this.#names.set(profileId, name);
    for (const { namespace, value } of state?.identifiers ?? []) {
      const key = `${namespace}\n${value}`;
      this.#holders.set(key, (this.#holders.get(key) ?? new Set()).add(profileId));
    }
  }

  /** The first name that the profile has, or had before it went into another one. */
  nameOf(profileId: string): string | null {
    return this.#names.get(profileId) ?? null;
  }

  /** The living profile that shows the identifier, and in which state. */
  holderOf(namespace: string, value: string): { profileId: string; state: string } | null {
    for (const [profileId, state] of this.states) {
      const held = state?.identifiers.find((one) => one.namespace === namespace && one.value === value);
      if (held !== undefined) return { profileId, state: held.state };
    }
    return null;
  }

  /** Names of all who have ever shown it, by name. */
  everHeldBy(namespace: string, value: string): string[] {
    const names = [...(this.#holders.get(`${namespace}\n${value}`) ?? [])].map((profileId) => this.nameOf(profileId));
    return [...new Set(names.filter((name) => name !== null))].sort();
  }

  /** The transitions that an event caused, each profile's in its order. */
  movesBy(eventId: string): TransitionRecord[] {
    return this.transitions.filter((record) => record.eventId === eventId).sort(compareTransitions);
  }

  /** The last transition of the same profile before this one. */
  moveBefore({ profileId, transitionId }: TransitionRecord): TransitionRecord | null {
    const place = placeOfTransition(transitionId);
    return (
      this.transitions.find(
        (one) => one.profileId === profileId && placeOfTransition(one.transitionId) === place - 1,
      ) ?? null
    );
  }

  identityBy(eventId: string): IdentityRecord[] {
    return this.identity.filter((record) => record.eventId === eventId);
  }

  signalsOf(profileId: string): SignalRecord[] {
    return this.signals.filter((record) => record.profileId === profileId);
  }

  /** Output records about the profile recorded at or after the instant. */
  countSince(profileId: string, atMs: number): number {
    const all: readonly Placed[] = [...this.changes, ...this.transitions, ...this.identity, ...this.signals];
    return all.filter((record) => record.profileId === profileId && record.at >= atMs).length;
  }
}
