// Which transitions have to be retracted, recomputed from the transitions alone: at each correction the whole past of the
// profile is read again. A move still holds at an instant if the profile has been at its rung or above ever since; of
// several to one rung it is the first of them.

import { deepEqual, ok } from "node:assert/strict";
import type { SegmentTransition } from "#core/effect.ts";

export class Retractions {
  readonly #heightOf: (segment: string | null) => number;
  readonly #moves = new Map<string, SegmentTransition[]>();
  readonly #ends = new Map<string, SegmentTransition>();
  /** Told after the latest move of a profile. */
  readonly #told = new Map<string, SegmentTransition[]>();
  /** Profiles whose latest move has not been checked yet: its retractions may still come. */
  readonly #open = new Set<string>();
  count = 0;

  /** ladder: the highest first. */
  constructor(ladder: readonly string[]) {
    this.#heightOf = (segment) => ladder.length - (segment === null ? ladder.length : ladder.indexOf(segment));
  }

  add(output: SegmentTransition): void {
    const { profileId, kind } = output;
    if (kind === "retraction") {
      this.#told.set(profileId, [...(this.#told.get(profileId) ?? []), output]);
      this.count += 1;
      return;
    }
    this.#check(profileId);
    this.#open.add(profileId);
    this.#moves.set(profileId, [...(this.#moves.get(profileId) ?? []), output]);
    if (output.to === null) {
      this.#moves.delete(profileId);
      if (["merge", "backfill"].includes(output.cause)) this.#ends.set(profileId, output);
    }
  }

  /** The same profile under another id. */
  rename(from: string, to: string): void {
    this.#check(from);
    this.#check(to);
    this.#moves.set(to, this.#moves.get(from) ?? []);
    this.#moves.delete(from);
    this.#ends.delete(to);
    this.#ends.delete(from);
  }

  /** Nothing of what was said of it is taken back any more. */
  erase(profileId: string): void {
    this.#check(profileId);
    this.#moves.delete(profileId);
    this.#ends.delete(profileId);
  }

  finish(): void {
    for (const profileId of [...this.#open, ...this.#told.keys()]) this.#check(profileId);
  }

  #check(profileId: string): void {
    const told = this.#told.get(profileId) ?? [];
    this.#told.delete(profileId);
    const moves = this.#moves.get(profileId) ?? [];
    const correction = moves.at(-1);
    if (!this.#open.delete(profileId) || correction === undefined) {
      deepEqual(told, [], "retractions follow a move");
      return;
    }
    const end = correction.from === null ? this.#ends.get(profileId) : undefined;
    const held = this.#listHeld(moves.slice(0, -1), correction.to);
    const may = [...(end === undefined ? [] : [end]), ...held];
    const must = may.filter((one) => mustGo(one, correction));
    const names = told.map(({ retracts }) => retracts);
    for (const { retracts, from, to } of told) {
      const retracted = may.find(({ transitionId }) => transitionId === retracts);
      ok(retracted, "what is retracted was said, held until now, and is above where the profile is now");
      deepEqual([from, to], [retracted.from, retracted.to]);
    }
    // Whether the facts of a backfill or its evidence moved the profile is not said: no more than may be.
    if (correction.cause === "backfill") return;
    if (end !== undefined && correction.cause !== "split") {
      // Born again, or split off while pending.
      deepEqual(
        names.filter((name) => name !== end.transitionId),
        [],
      );
    } else
      deepEqual(
        names,
        must.map(({ transitionId }) => transitionId),
      );
    if (correction.from === null) this.#ends.delete(profileId);
  }

  #listHeld(moves: readonly SegmentTransition[], to: string | null): SegmentTransition[] {
    const held = new Map<string | null, SegmentTransition>();
    for (const [place, move] of moves.entries()) {
      const height = this.#heightOf(move.to);
      const since = moves.slice(place + 1).every((later) => this.#heightOf(later.to) >= height);
      if (since && height > this.#heightOf(to) && !held.has(move.to)) held.set(move.to, move);
    }
    return [...held.values()].toReversed();
  }
}

function mustGo(move: SegmentTransition, { cause, by }: SegmentTransition): boolean {
  if (cause !== "late-data") return cause === "split";
  return move.by.occurredAt !== null && (by.occurredAt ?? Infinity) < move.by.occurredAt;
}
