// Records that answers are made of, found or missed. Where those that a question is about are not there, the demo has
// failed, and says so rather than tell a story that did not happen.

import type { ChangeRecord, Chronicle, TransitionRecord } from "./chronicle.ts";
import { formatIso } from "./moment.ts";
import type { Amounts, FactChange } from "./question.ts";
import type { StoryEvent } from "./scene.ts";

/** The records do not hold what the story needs. */
export class StoryBroken extends Error {
  readonly code = "demo-broken";
}

export function findMove(chronicle: Chronicle, { event }: StoryEvent): TransitionRecord {
  const [move] = chronicle.movesBy(event.eventId);
  if (move === undefined) throw new StoryBroken(`no transition came of ${event.eventId}`);
  return move;
}

export function findChange(chronicle: Chronicle, eventId: string): ChangeRecord {
  const changed = chronicle.changes.find((record) => record.causeEventId === eventId);
  if (changed === undefined) throw new StoryBroken(`no profile changed with ${eventId}`);
  return changed;
}

export function findHolder(
  chronicle: Chronicle,
  namespace: string,
  value: string,
): { profileId: string; state: string } {
  const holder = chronicle.holderOf(namespace, value);
  if (holder === null) throw new StoryBroken(`no profile holds the ${namespace} that the story asks for`);
  return holder;
}

export function describeCause(
  chronicle: Chronicle,
  { profileId, at, source, eventId }: { profileId: string; at: number; source: string | null; eventId: string | null },
) {
  return { at: formatIso(at), source, eventId, person: chronicle.nameOf(profileId), profileId };
}

export function describeMove(chronicle: Chronicle, move: TransitionRecord) {
  const former = chronicle.moveBefore(move)?.facts ?? {};
  const changes: FactChange[] = Object.entries(move.facts)
    .filter(([path, text]) => former[path] !== text)
    .map(([path, text]) => ({ path, before: parseFact(former[path]), after: parseFact(text) }));
  return {
    ...describeCause(chronicle, move),
    occurredAt: move.occurredAt === null ? null : formatIso(move.occurredAt),
    from: move.from,
    to: move.to,
    cause: move.cause,
    changes,
  };
}

export function parseFact(text: string | undefined): unknown {
  return text === undefined ? null : JSON.parse(text);
}

export function readAmounts(move: TransitionRecord, path: string): Amounts {
  return (parseFact(move.facts[path]) ?? {}) as Amounts;
}
