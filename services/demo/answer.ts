// Questions of the story put to the chronicle: who arrived, moved, ordered, was reminded or spared. An answer is made of
// records alone.

import type { Lookup } from "#services/wire/lookup.ts";
import type { ChangeRecord, Chronicle, TransitionRecord } from "./chronicle.ts";
import {
  describeCause,
  describeMove,
  findChange,
  findHolder,
  findMove,
  parseFact,
  readAmounts,
  StoryBroken,
} from "./evidence.ts";
import { answerApart, answerMerged, answerRecognised, answerShared } from "./identity-answer.ts";
import { formatIso, on } from "./moment.ts";
import type { Asked, Fact, Question } from "./question.ts";
import type { StoryEvent } from "./scene.ts";

export type LookUp = Asked<"looked-up">;

export function answer(chronicle: Chronicle, question: Exclude<Question, LookUp>, atMs: number): Fact {
  switch (question.ask) {
    case "arrived":
      return answerArrived(chronicle, question.about);
    case "moved":
      return { fact: "moved", ...describeMove(chronicle, findMove(chronicle, question.about)) };
    case "ordered":
      return answerOrdered(chronicle, question.about);
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
    case "carted":
      return answerCarted(chronicle, question);
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

function answerOrdered(chronicle: Chronicle, { event }: StoryEvent): Fact {
  const changed = findChange(chronicle, event.eventId);
  const { profileId, at, segment, changes, causeSource: source } = changed;
  const after = (path: string) => parseFact(changes.find((change) => change.path === path)?.after ?? undefined);
  const spentMinor: Record<string, number> = {};
  for (const { path } of changes) {
    const [, currency] = /^orders\.spentMinor\.(\w+)$/.exec(path) ?? [];
    if (currency !== undefined) spentMinor[currency] = Number(after(path));
  }
  return {
    fact: "ordered",
    ...describeCause(chronicle, { profileId, at, source, eventId: event.eventId }),
    segment,
    validOrders: Number(after("orders.valid")),
    spentMinor,
    transitions: chronicle.movesBy(event.eventId).length,
  };
}

function answerCarted(chronicle: Chronicle, { namespace, values }: Asked<"carted">): Fact {
  const records = values.map((value) => {
    const { profileId } = findHolder(chronicle, namespace, value);
    const last = chronicle.changes.findLast(
      (record) => record.profileId === profileId && countAdded(record.changes) > 0,
    );
    if (last === undefined) throw new StoryBroken(`${profileId} has put nothing into a cart`);
    return last;
  });
  return {
    fact: "carted",
    at: formatIso(Math.max(...records.map(({ at }) => at))),
    source: records[0]?.causeSource ?? null,
    people: records.map(({ profileId }) => chronicle.nameOf(profileId)),
    added: records.reduce((sum, { changes }) => sum + countAdded(changes), 0),
  };
}

function countAdded(changes: ChangeRecord["changes"]): number {
  const change = changes.find(({ path }) => path === "counters.product-added");
  return change === undefined ? 0 : Number(change.after ?? 0) - Number(change.before ?? 0);
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
  const letter = chronicle.letters.find((one) => one.event?.eventId === event.eventId);
  if (letter === undefined) throw new StoryBroken(`no dead letter holds ${event.eventId}`);
  const { topic, at, reason, bytes } = letter;
  const identifiers = (letter.event?.identifiers ?? []).map(({ namespace, value }) => ({ namespace, value }));
  return { fact: "refused", at: formatIso(at), source, identifiers, topic, reason, bytes };
}

function answerSpared(chronicle: Chronicle, about: StoryEvent): Fact {
  const move = findMove(chronicle, about);
  const { changes: _changes, ...described } = describeMove(chronicle, move);
  return {
    fact: "spared",
    ...described,
    card:
      chronicle.states.get(move.profileId)?.identifiers.find(({ namespace }) => namespace === "card")?.value ?? null,
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

function countAlike(chronicle: Chronicle, { profileId, from, to }: TransitionRecord): number {
  return chronicle.transitions.filter((one) => one.profileId === profileId && one.from === from && one.to === to)
    .length;
}
