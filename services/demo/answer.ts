// Questions of the story put to the chronicle. An answer is made of records; where those that a question is about are
// not there, the demo has failed, and says so rather than tell a story that did not happen.

import type { Lookup } from "#services/wire/lookup.ts";
import type { Chronicle, TransitionRecord } from "./chronicle.ts";
import { formatIso, on } from "./moment.ts";
import type { Amounts, Fact, FactChange, Question } from "./question.ts";
import type { StoryEvent } from "./scene.ts";

/** The records do not hold what the story needs. */
export class StoryBroken extends Error {
  readonly code = "demo-broken";
}

type Asked<Ask extends Question["ask"]> = Extract<Question, { readonly ask: Ask }>;
export type LookUp = Asked<"looked-up">;

export function answer(chronicle: Chronicle, question: Exclude<Question, LookUp>, atMs: number): Fact {
  switch (question.ask) {
    case "arrived":
      return answerArrived(chronicle, question.about);
    case "moved":
      return { fact: "moved", ...describeMove(chronicle, findMove(chronicle, question.about)) };
    case "recognised":
      return answerRecognised(chronicle, question.about);
    case "apart":
      return answerApart(chronicle, question);
    case "shared":
      return answerShared(chronicle, question);
    case "merged":
      return answerMerged(chronicle, question.about);
    case "promoted":
      return answerPromoted(chronicle, question.about);
    case "repeated":
      return answerRepeated(chronicle, question.about);
    case "refused":
      return answerRefused(chronicle, question.about);
    case "awaited": {
      const holders = question.values.map((value) => findHolder(chronicle, question.namespace, value));
      const signals = holders.reduce((sum, { profileId }) => sum + chronicle.signalsOf(profileId).length, 0);
      const people = holders.map(({ profileId }) => chronicle.nameOf(profileId));
      return { fact: "awaited", at: formatIso(atMs), people, signals };
    }
    case "spared":
      return answerSpared(chronicle, question.about);
    case "reminded":
      return answerReminded(chronicle, question);
  }
}

export function answerLookUp({ at, namespace, value }: LookUp, lookup: Lookup): Fact {
  const asked = { fact: "looked-up", at: formatIso(on(at)), source: "call-centre", namespace, value } as const;
  if (!lookup.found) {
    const { reason } = lookup;
    return { ...asked, found: false, reason, person: null, city: null, segment: null, orders: 0, orderedMinor: {} };
  }
  const { segment, view } = lookup.profile;
  const trait = (name: string) => (view.traits[name] === undefined ? null : String(view.traits[name].value));
  const orderedMinor: Record<string, number> = {};
  for (const { currency, totalMinor } of view.orders)
    orderedMinor[currency] = (orderedMinor[currency] ?? 0) + totalMinor;
  const person = [trait("firstName"), trait("lastName")].filter((name) => name !== null).join(" ");
  return {
    ...asked,
    found: true,
    reason: null,
    person: person === "" ? null : person,
    city: trait("city"),
    segment,
    orders: view.orders.length,
    orderedMinor,
  };
}

function answerArrived(chronicle: Chronicle, about: StoryEvent): Fact {
  const move = findMove(chronicle, about);
  const identifiers = (chronicle.states.get(move.profileId)?.identifiers ?? []).map(({ namespace, value }) => ({
    namespace,
    value,
  }));
  const { changes: _changes, ...described } = describeMove(chronicle, move);
  return { fact: "arrived", ...described, identifiers, spentMinor: readAmounts(move, "orders.spentMinor") };
}

function answerRecognised(chronicle: Chronicle, { event }: StoryEvent): Fact {
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

function answerApart(chronicle: Chronicle, { about, namespace, value }: Asked<"apart">): Fact {
  const { eventId } = about.event;
  const changed = chronicle.changes.find((record) => record.causeEventId === eventId);
  if (changed === undefined) throw new StoryBroken(`no profile changed with ${eventId}`);
  const { profileId, at } = changed;
  return {
    fact: "apart",
    ...describeCause(chronicle, { profileId, at, source: about.source, eventId }),
    identityChanges: chronicle.identityBy(eventId).length,
    namespace,
    value,
    holder: chronicle.holderOf(namespace, value)?.profileId ?? null,
  };
}

function answerShared(chronicle: Chronicle, { about, namespace, value }: Asked<"shared">): Fact {
  const { eventId } = about.event;
  const { profileId, at } = findMove(chronicle, about);
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

function answerMerged(chronicle: Chronicle, { event }: StoryEvent): Fact {
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

function answerPromoted(chronicle: Chronicle, about: StoryEvent): Fact {
  const move = findMove(chronicle, about);
  const { changes: _changes, occurredAt: _occurredAt, ...described } = describeMove(chronicle, move);
  return {
    fact: "promoted",
    ...described,
    transitionId: move.transitionId,
    validOrders: Number(move.facts["orders.valid"]),
    spentMinor: readAmounts(move, "orders.spentMinor"),
    count: countAlike(chronicle, move),
  };
}

function answerRepeated(chronicle: Chronicle, { event, recordedAt, source }: StoryEvent): Fact {
  const [move] = chronicle.movesBy(event.eventId);
  if (move === undefined) throw new StoryBroken(`no transition came of ${event.eventId}`);
  return {
    fact: "repeated",
    at: formatIso(recordedAt),
    source,
    eventId: event.eventId,
    person: chronicle.nameOf(move.profileId),
    records: chronicle.countSince(move.profileId, recordedAt),
    transitions: chronicle.movesBy(event.eventId).length,
  };
}

function answerRefused(chronicle: Chronicle, { event, source }: StoryEvent): Fact {
  const letter = chronicle.letters.find(({ eventId }) => eventId === event.eventId);
  if (letter === undefined) throw new StoryBroken(`no dead letter holds ${event.eventId}`);
  const { topic, at, reason, bytes } = letter;
  return { fact: "refused", at: formatIso(at), source, topic, reason, bytes };
}

function answerSpared(chronicle: Chronicle, about: StoryEvent): Fact {
  const move = findMove(chronicle, about);
  const { changes: _changes, ...described } = describeMove(chronicle, move);
  return {
    fact: "spared",
    ...described,
    validOrders: Number(move.facts["orders.valid"]),
    signals: chronicle.signalsOf(move.profileId).length,
  };
}

function answerReminded(chronicle: Chronicle, { namespace, value }: Asked<"reminded">): Fact {
  const { profileId } = findHolder(chronicle, namespace, value);
  const [sent, ...more] = chronicle.signalsOf(profileId);
  if (sent === undefined) throw new StoryBroken(`no signal about ${profileId}`);
  const currency = JSON.parse(sent.facts["cart.currency"] ?? "null") as string | null;
  const totalMinor = JSON.parse(sent.facts["cart.totalMinor"] ?? "null") as number | null;
  return {
    fact: "reminded",
    at: formatIso(sent.at),
    person: chronicle.nameOf(profileId),
    profileId,
    signal: sent.signal,
    signalId: sent.signalId,
    activityAt: formatIso(sent.activityAt),
    dueAt: formatIso(sent.dueAt),
    certainty: sent.certainty,
    cartMinor: currency === null || totalMinor === null ? {} : { [currency]: totalMinor },
    count: 1 + more.length,
  };
}

function findMove(chronicle: Chronicle, { event }: StoryEvent): TransitionRecord {
  const [move] = chronicle.movesBy(event.eventId);
  if (move === undefined) throw new StoryBroken(`no transition came of ${event.eventId}`);
  return move;
}

function findHolder(chronicle: Chronicle, namespace: string, value: string): { profileId: string; state: string } {
  const holder = chronicle.holderOf(namespace, value);
  if (holder === null) throw new StoryBroken(`no profile holds the ${namespace} that the story asks for`);
  return holder;
}

function describeCause(
  chronicle: Chronicle,
  { profileId, at, source, eventId }: { profileId: string; at: number; source: string | null; eventId: string | null },
) {
  return { at: formatIso(at), source, eventId, person: chronicle.nameOf(profileId), profileId };
}

function describeMove(chronicle: Chronicle, move: TransitionRecord) {
  const former = chronicle.moveBefore(move)?.facts ?? {};
  const changes: FactChange[] = Object.entries(move.facts)
    .filter(([path, text]) => former[path] !== text)
    .map(([path, text]) => ({ path, before: parse(former[path]), after: parse(text) }));
  return {
    ...describeCause(chronicle, move),
    occurredAt: move.occurredAt === null ? null : formatIso(move.occurredAt),
    from: move.from,
    to: move.to,
    cause: move.cause,
    changes,
  };
}

function parse(text: string | undefined): unknown {
  return text === undefined ? null : JSON.parse(text);
}

function readAmounts(move: TransitionRecord, path: string): Amounts {
  return (parse(move.facts[path]) ?? {}) as Amounts;
}

function countAlike(chronicle: Chronicle, { profileId, from, to }: TransitionRecord): number {
  return chronicle.transitions.filter((one) => one.profileId === profileId && one.from === from && one.to === to)
    .length;
}
