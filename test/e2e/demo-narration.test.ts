// The narrator says what the records say: other records, other lines; none, no story.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogRecord } from "#ports/log.ts";
import { nameTopics } from "#services/config/topics.ts";
import { answer } from "#services/demo/answer.ts";
import { Chronicle } from "#services/demo/chronicle.ts";
import { Narrator } from "#services/demo/narration.ts";
import type { Question } from "#services/demo/question.ts";
import { tellStory } from "#services/demo/story.ts";
import { createTraffic } from "#services/demo/traffic.ts";

const topics = nameTopics("");
const AT = Date.UTC(2026, 2, 3, 20, 5);
const scenes = tellStory();

function findQuestion<Ask extends Question["ask"]>(ask: Ask): Extract<Question, { ask: Ask }> {
  const found = scenes.flatMap(({ questions }) => questions).find((question) => question.ask === ask);
  assert.ok(found !== undefined);
  return found as Extract<Question, { ask: Ask }>;
}

function chronicleOf(records: readonly (readonly [topic: string, value: object])[]): Chronicle {
  const chronicle = new Chronicle(topics);
  for (const [topic, value] of records) {
    const { profileId } = value as { profileId: string };
    const record: LogRecord = {
      topic,
      partition: 0,
      offset: 0,
      timestampMs: AT,
      key: profileId,
      value: null,
      headers: {},
    };
    chronicle.add(record, value);
  }
  return chronicle;
}

const narrate = (chronicle: Chronicle, question: Parameters<typeof answer>[1]) =>
  new Narrator((_, text) => text)
    .narrate(answer(chronicle, question, AT))
    .join(" ")
    .replaceAll(/\s+/g, " ");

test("that a typed address joined nobody is read from the records, and so is the opposite", () => {
  const typed = findQuestion("apart");
  const cause = { causeEventId: typed.about.event.eventId, causeSource: "web" };
  const changed = { profileId: "web-profile", at: AT, version: 4, segment: "one-buyer", changes: [], ...cause };
  const held = {
    profileId: "card-profile",
    segment: "one-buyer",
    identifiers: [{ namespace: typed.namespace, value: typed.value, state: "owned" }],
    traits: {},
  };
  const apart = chronicleOf([
    [topics.profileChanged, changed],
    [topics.profileState, held],
  ]);
  assert.match(narrate(apart, typed), /no identity changes; the address stays with card-p/);
  const joined = chronicleOf([
    [topics.profileChanged, changed],
    [topics.profileState, { ...held, profileId: "web-profile" }],
    [
      topics.identityChanged,
      { profileId: "web-profile", otherProfileId: "card-profile", at: AT, kind: "merged", eventId: cause.causeEventId },
    ],
  ]);
  assert.match(narrate(joined, typed), /1 identity change; the address is on this profile already/);
});

test("a signal that came twice would be told twice, and one that did not come ends the demo", () => {
  const asked = findQuestion("reminded");
  const state = {
    profileId: "paul",
    segment: "prospect",
    identifiers: [{ namespace: asked.namespace, value: asked.value, state: "owned" }],
    traits: { firstName: { value: "Somebody Else" } },
  };
  const signal = {
    signal: "abandoned-cart",
    profileId: "paul",
    at: AT,
    dueAt: AT,
    activityAt: AT - 86_400_000,
    certainty: "source-late",
    facts: { "cart.currency": '"EUR"', "cart.totalMinor": "123456" },
  };
  const twice = chronicleOf([
    [topics.profileState, state],
    [topics.profileSignal, { ...signal, signalId: "a" }],
    [topics.profileSignal, { ...signal, signalId: "b" }],
  ]);
  assert.match(narrate(twice, asked), /Somebody Else: 2 abandoned-cart, 1,234\.56 EUR/);
  assert.match(narrate(twice, asked), /certainty source-late: a channel is late/);
  assert.throws(() => narrate(chronicleOf([[topics.profileState, state]]), asked), { code: "demo-broken" });
});

test("the story is the same each time, in scenes where each person uses one channel", () => {
  assert.deepEqual(tellStory(), scenes);
  for (const { events, fromMs, toMs } of scenes) {
    const used = new Map<string, Set<string>>();
    for (const { source, event, recordedAt } of events) {
      assert.ok(recordedAt >= fromMs && recordedAt <= toMs, event.eventId);
      const person = JSON.stringify(event.identifiers[0] ?? event.eventId);
      used.set(person, (used.get(person) ?? new Set()).add(source));
    }
    for (const [person, sources] of used) assert.equal(sources.size, 1, person);
  }
});

test("passers-by share nothing with the people of the story, and a seed gives the same ones", () => {
  const traffic = createTraffic(scenes, 300, 7);
  assert.deepEqual(createTraffic(scenes, 300, 7), traffic);
  assert.notDeepEqual(createTraffic(scenes, 300, 8), traffic);
  const names = (events: readonly (typeof traffic)[number][number][]) =>
    events.flatMap(({ source, event }) => [
      `${source} ${event.eventId}`,
      ...(event.order ? [`${source} order ${event.order.orderId}`] : []),
      ...event.identifiers.map(({ namespace, value }) => `${namespace} ${value}`),
    ]);
  const theirs = new Set(names(traffic.flat()));
  const ours = names(scenes.flatMap(({ events }) => events));
  assert.deepEqual(
    ours.filter((name) => theirs.has(name)),
    [],
  );
  assert.ok(traffic.flat().length > 1_000);
});
