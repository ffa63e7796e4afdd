// Questions about who is one person: recognised at a log-in, kept apart, sharing a device, merged.

import type { Chronicle } from "./chronicle.ts";
import { describeCause, findChange, findHolder, findMove, StoryBroken } from "./evidence.ts";
import type { Asked, Fact } from "./question.ts";
import type { StoryEvent } from "./scene.ts";

export function answerRecognised(chronicle: Chronicle, { event }: StoryEvent): Fact {
  const [change] = chronicle.identityBy(event.eventId);
  if (change === undefined) throw new StoryBroken(`no identity change came of ${event.eventId}`);
  const { profileId, otherProfileId, kind, at, source, eventId } = change;
  const before = new Set(
    chronicle.changes
      .filter((record) => record.profileId === otherProfileId)
      .flatMap(({ changes }) => changes.map(({ path }) => path)),
  );
  const after = chronicle.changes.filter((record) => record.profileId === profileId).flatMap(({ changes }) => changes);
  const identifiers = (chronicle.states.get(profileId)?.identifiers ?? [])
    .filter(({ namespace, value }) => !before.has(`identifiers.${namespace}.${value}`))
    .map(({ namespace, value }) => ({ namespace, value }));
  return {
    fact: "recognised",
    ...describeCause(chronicle, { profileId, at, source, eventId }),
    kind,
    formerProfileId: otherProfileId,
    identifiers,
    known: after.some((one) => one.path === "profile.known" && one.after === "true"),
  };
}

export function answerApart(chronicle: Chronicle, { about, namespace, value }: Asked<"apart">): Fact {
  const { eventId } = about.event;
  const { profileId, at } = findChange(chronicle, eventId);
  return {
    fact: "apart",
    ...describeCause(chronicle, { profileId, at, source: about.source, eventId }),
    identityChanges: chronicle.identityBy(eventId).length,
    namespace,
    value,
    holder: chronicle.holderOf(namespace, value)?.profileId ?? null,
  };
}

export function answerShared(chronicle: Chronicle, { about, namespace, value }: Asked<"shared">): Fact {
  const { eventId } = about.event;
  // The device, on its own now, may move as well; it has no name.
  const moves = chronicle.movesBy(eventId);
  const { profileId, at } = moves.find((one) => chronicle.nameOf(one.profileId) !== null) ?? findMove(chronicle, about);
  const kinds: Record<string, number> = {};
  for (const { kind } of chronicle.identityBy(eventId)) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return {
    fact: "shared",
    ...describeCause(chronicle, { profileId, at, source: about.source, eventId }),
    identityChanges: kinds,
    namespace,
    value,
    state: findHolder(chronicle, namespace, value).state,
    holders: chronicle.everHeldBy(namespace, value),
  };
}

export function answerMerged(chronicle: Chronicle, { event }: StoryEvent): Fact {
  const change = chronicle.identityBy(event.eventId).find(({ kind }) => kind === "merged");
  if (change === undefined) throw new StoryBroken(`nothing merged with ${event.eventId}`);
  const { profileId, otherProfileId, at, source, eventId, identifiers } = change;
  return {
    fact: "merged",
    ...describeCause(chronicle, { profileId, at, source, eventId }),
    absorbedProfileId: otherProfileId,
    namespaces: [...new Set(identifiers.map(({ namespace }) => namespace))].sort(),
    moves: chronicle
      .movesBy(event.eventId)
      .map((move) => ({ profileId: move.profileId, from: move.from, to: move.to, cause: move.cause })),
  };
}
