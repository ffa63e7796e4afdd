// What must hold of everything that was said, whatever was said: versions, chains of transitions, aliases (O2, I6).

import { deepEqual, equal, ok } from "node:assert/strict";
import { CREDIT_MODELS, WHOLE } from "#core/credit.ts";
import type { Output, SegmentTransition } from "#core/effect.ts";
import type { Hash } from "#core/identifier.ts";
import { profileId } from "#core/profile.ts";
import { configuration } from "./histories.ts";
import type { OraclePeople } from "./oracle.ts";
import { Moves } from "./oracle-moves.ts";
import { Retractions } from "./oracle-retractions.ts";

/** Outputs in the order in which they were committed; what a merge moves can be told where each event was a commit alone. */
export function checkStream(
  outputs: readonly Output[],
  oracle: OraclePeople,
  hash: Hash,
  isEachAlone = false,
): { retracted: number; moved: number } {
  const living = new Map(oracle.profiles.map((profile) => [profile.profileId, profile]));
  const versions = new Map<string, number>();
  const segments = new Map<string, string | null>();
  const transitions = new Set<string>();
  const states = new Map<string, Output & { kind: "profile-state" }>();
  const aliases = new Map<string, string>();
  const moves = new Moves(hash);
  const retractions = new Retractions(configuration.rules.ladder.map(({ segment }) => segment));
  for (const output of outputs) {
    switch (output.kind) {
      case "profile-changed":
        equal(output.version, (versions.get(output.profileId) ?? 0) + 1, "versions grow by one");
        versions.set(output.profileId, output.version);
        ok(output.changes.length > 0, "something changed");
        break;
      case "transition":
        checkTransition(output, transitions, segments);
        retractions.add(output);
        break;
      case "retraction":
        noteId(output, transitions);
        retractions.add(output);
        break;
      case "identity-changed":
        if (isEachAlone) moves.add(output);
        // A change of id alone makes no transition: the segment goes on under the new one.
        if (output.change !== "alias" || output.otherProfileId === null) break;
        equal(segments.get(output.profileId) ?? null, null, "an id that comes back was at rest");
        segments.set(output.profileId, segments.get(output.otherProfileId) ?? null);
        segments.set(output.otherProfileId, null);
        retractions.rename(output.otherProfileId, output.profileId);
        break;
      case "profile-state":
        states.set(output.profileId, output);
        if (isEachAlone) moves.read(output.profileId, output.state);
        break;
      case "alias":
        if (output.profileId === null) aliases.delete(output.oldProfileId);
        else aliases.set(output.oldProfileId, output.profileId);
        break;
      case "profile-erased":
        equal(segments.get(output.profileId) ?? null, null, "whoever is erased is in no segment");
        retractions.erase(output.profileId);
        break;
      case "signal":
        break;
    }
  }
  retractions.finish();
  for (const [id, segment] of segments) equal(segment, living.get(id)?.segment ?? null, "the last transition is true");
  for (const { profileId: id, segment } of oracle.profiles) equal(segments.get(id), segment, "everybody was told of");
  checkStates(states, living);
  checkAliases(aliases, oracle, hash, new Set([...segments.keys(), ...versions.keys()]));
  return { retracted: retractions.count, moved: moves.count };
}

function noteId({ transitionId }: SegmentTransition, transitions: Set<string>): void {
  ok(!transitions.has(transitionId), "transition ids are unique");
  transitions.add(transitionId);
}

function checkTransition(
  move: SegmentTransition,
  transitions: Set<string>,
  segments: Map<string, string | null>,
): void {
  noteId(move, transitions);
  checkPassage(move);
  const { profileId: id, from, to } = move;
  equal(from, segments.get(id) ?? null, "from is where the last one went");
  ok(from !== to, "a transition moves");
  segments.set(id, to);
}

/** What a transition carries is of one piece. */
function checkPassage({
  to,
  nature,
  cause,
  touches,
  credit,
  decisive,
  facts,
  timeInFormerMs,
  from,
}: SegmentTransition): void {
  equal(nature, ["event", "schedule"].includes(cause) ? "behaviour" : "artefact");
  equal(timeInFormerMs === null, from === null, "time in the former segment");
  for (const model of CREDIT_MODELS) {
    const whole = credit.reduce((sum, one) => sum + one[model], 0);
    equal(whole, touches.length === 0 ? 0 : WHOLE, "credit adds up");
  }
  for (const path of decisive) ok(path in facts, "what decided is a fact");
  if (to === null) equal(touches.length, 0, "the end of a profile has no touches");
}

/** profile-state is compacted: what it says last is what readers keep. */
function checkStates(
  states: ReadonlyMap<string, Output & { kind: "profile-state" }>,
  living: ReadonlyMap<string, OraclePeople["profiles"][number]>,
): void {
  for (const [id, { state }] of states) {
    if (!living.has(id)) equal(state, null, "who is no more has a tombstone");
  }
  for (const [id, profile] of living) {
    const state = states.get(id)?.state;
    ok(state, "everybody's state was said");
    equal(state.segment, profile.segment);
    const { orders, validOrders, spentMinor } = profile;
    deepEqual(
      { ...state.orders, spentMinor: { ...state.orders.spentMinor } },
      { count: orders.length, valid: validOrders, spentMinor },
    );
  }
}

/** I6: an id that is no more resolves, in one hop, to whoever holds its naming identifier; nobody else's id resolves. */
function checkAliases(
  aliases: ReadonlyMap<string, string>,
  oracle: OraclePeople,
  hash: Hash,
  ids: ReadonlySet<string>,
): void {
  const holders = new Map<string, string>();
  const told = new Set<string>();
  for (const profile of oracle.profiles) {
    const isPerson = profile.identifiers.some(({ state }) => state === "owned");
    for (const { key, state } of profile.identifiers) {
      const id = profileId(hash, key);
      // Shown on profiles of people: a contested shareable one, which nobody holds.
      if (told.has(id) || oracle.givenUp.has(key) || (isPerson && state === "contested")) holders.delete(id);
      else holders.set(id, profile.profileId);
      told.add(id);
    }
  }
  for (const id of ids) {
    const holder = holders.get(id);
    equal(aliases.get(id), holder === id ? undefined : holder, "an id resolves in one hop");
  }
}
