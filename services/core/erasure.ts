// Erasure (G1): what a request to forget a person says, and what it does to events at the door. A request names identifiers
// by their keys alone. An identifier that was hers begins a new *life*: what happened after the request is kept under
// another key, as if it were another identifier, so it makes a new profile under a new id; what happened before stays under
// the erased key, where it is evidence without facts. So who is who among everybody else is weighed over the same evidence
// as before, and nothing is handed to anybody.

import { compareText } from "./comparison.ts";
import { isAuthenticated } from "./configuration.ts";
import type { AcceptedEvent } from "./acceptance.ts";
import { isWithoutFacts, type AcceptedIdentifier } from "./declaration.ts";
import type { Hash } from "./identifier.ts";
import { mailboxKey } from "./mailbox.ts";
import type { KeptObjection, Objection } from "./objection.ts";
import type { Registry } from "./registry.ts";

/** The source that requests are told by. */
export const PRIVACY = "privacy";

export interface ErasureRequest {
  readonly requestId: string;
  /** When it was recorded. */
  readonly at: number;
  /** Known identifiers and devices of hers: keys of their first life. What comes later begins a new one. */
  readonly own: readonly string[];
  /** So are her orders. */
  readonly orders: readonly string[];
  /** Weak identifiers that only claims had tied to her: keys. They are whose they are, without what was claimed before. */
  readonly claimed: readonly string[];
  /** Contested identifiers with a claim of hers: keys. The claim stays, as nobody's; the facts from before go. */
  readonly shared: readonly string[];
  /** What she had refused, and keys of what reached her (objection.ts). */
  readonly objections: readonly Objection[];
  readonly contacts: readonly string[];
}

/** own: nothing under this key counts. claimed, shared: nothing that was recorded or happened up to an instant. */
export type ErasureKind = "own" | "claimed" | "shared";

/** The key of an identifier in one of its lives. */
export function lifeKey(hash: Hash, key: string, life: number): string {
  return life === 0 ? key : hash(`life\n${key}\n${life}`);
}

/** From when on an event counts as one of before a request: it was on record, or had happened. */
export function instantOf(recordedAt: number, occurredAt: number): number {
  return Math.min(recordedAt, occurredAt);
}

interface Ended {
  readonly at: number;
  readonly requestId: string;
}

/** All requests: every resolver knows those that were recorded before the events that it resolves. */
export class Erasures {
  readonly #requests = new Set<string>();
  /** By the key of the first life: how its lives ended, in order. */
  readonly #ended = new Map<string, Ended[]>();
  readonly #claimed = new Map<string, number>();
  readonly #shared = new Map<string, number>();
  /** By key: the requests that list it as claimed or shared, in the order of their topic. */
  readonly #rotated = new Map<string, string[]>();
  /** By the key of a contact's first life, or of its mailbox. */
  readonly #kept = new Map<string, KeptObjection[]>();

  /** A request that is known already changes nothing. */
  add({ requestId, at, own, orders, claimed, shared, objections, contacts }: ErasureRequest): void {
    if (this.#requests.has(requestId)) return;
    this.#requests.add(requestId);
    for (const key of [...own, ...orders]) {
      const ended = this.#ended.get(key) ?? [];
      this.#ended.set(key, ended);
      ended.push({ at, requestId });
      ended.sort((a, b) => a.at - b.at || compareText(a.requestId, b.requestId));
    }
    for (const [keys, latest] of [
      [claimed, this.#claimed],
      [shared, this.#shared],
    ] as const)
      for (const key of keys) {
        latest.set(key, Math.max(at, latest.get(key) ?? 0));
        this.#rotated.set(key, [...(this.#rotated.get(key) ?? []), requestId]);
      }
    for (const key of contacts) {
      const kept = objections.map((objection) => ({ requestId, at, ...objection }));
      this.#kept.set(key, [...(this.#kept.get(key) ?? []), ...kept]);
    }
  }

  get isEmpty(): boolean {
    return this.#requests.size === 0;
  }

  /** The key that the request erases: that of the life which it ends. */
  erasedKey(hash: Hash, key: string, requestId: string): string {
    const life = (this.#ended.get(key) ?? []).findIndex((ended) => ended.requestId === requestId);
    return lifeKey(hash, key, Math.max(0, life));
  }

  /** Lives of the key that are over with the request, without those between two requests of one instant: nothing is in them. */
  livesUpTo(key: string, requestId: string): number[] {
    const ended = this.#ended.get(key) ?? [];
    const last = ended.findIndex((end) => end.requestId === requestId);
    return ended.slice(0, last + 1).flatMap(({ at }, life) => (at === ended[life - 1]?.at ? [] : [life]));
  }

  /**
   * How often what is said of it was put under another key (keyName); upTo: with that request, if it is one of those. What is
   * resolved after a request is so, whenever it happened: nothing of hers is among it that is to be forgotten.
   */
  rotation(key: string, upTo: string | null = null): number {
    const requests = this.#rotated.get(key) ?? [];
    const place = upTo === null ? -1 : requests.indexOf(upTo);
    return place < 0 ? requests.length : place + 1;
  }

  /** Of an identifier that is told under its first key at an instant; null: none. */
  #objectionsOf(registry: Registry, identifier: AcceptedIdentifier, at: number): readonly KeptObjection[] | null {
    if (this.#kept.size === 0 || !isAuthenticated(identifier.assurance)) return null;
    const keys = new Set([identifier.key, mailboxKey(registry, identifier) ?? identifier.key]);
    const kept = [...keys].flatMap((key) => this.#kept.get(key) ?? []).filter((one) => one.at < at);
    return kept.length === 0 ? null : kept;
  }

  /** The event as it counts: under the keys of its time, and without facts where these are erased. */
  apply(registry: Registry, accepted: AcceptedEvent): AcceptedEvent {
    if (this.isEmpty) return accepted;
    const { hash } = registry;
    const at = instantOf(accepted.recordedAt, accepted.event.occurredAt);
    const renamed = new Map<string, string>();
    const live = (identifier: AcceptedIdentifier): AcceptedIdentifier => {
      const ended = this.#ended.get(identifier.key) ?? [];
      const life = ended.filter((end) => end.at < at).length;
      const key = lifeKey(hash, identifier.key, life);
      renamed.set(identifier.key, key);
      const isClaimed = !isAuthenticated(identifier.assurance) && (this.#claimed.get(key) ?? -1) >= at;
      const erased = life < ended.length ? "own" : isClaimed ? "claimed" : null;
      const named = { ...identifier, key, rotation: this.rotation(key) };
      if (erased !== null) return { ...named, value: "", erased };
      if ((this.#shared.get(key) ?? -1) >= at) return named;
      return { ...named, objections: this.#objectionsOf(registry, identifier, at) };
    };
    const identifiers = accepted.identifiers.map(live);
    const order = accepted.order === null ? null : live(accepted.order);
    const rename = (key: string): string => renamed.get(key) ?? key;
    const anchor = rename(accepted.anchor);
    const told = [...identifiers, ...(order === null ? [] : [order])].find(({ key }) => key === anchor);
    const isErased = (one: AcceptedIdentifier | null | undefined) => (one?.erased ?? null) !== null;
    const isAnchorErased = isErased(told) || (this.#shared.get(anchor) ?? -1) >= at;
    const suppressed = isAnchorErased && !isWithoutFacts(accepted);
    const { ruling } = accepted;
    return {
      ...accepted,
      identifiers,
      order: suppressed || isErased(order) ? null : order,
      group: suppressed ? null : accepted.group,
      anchor,
      ruling: ruling && { ...ruling, one: rename(ruling.one), other: rename(ruling.other) },
      suppressed,
    };
  }
}
