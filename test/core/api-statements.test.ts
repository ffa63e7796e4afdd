// What agents note and ask for, and what is done at a person's request: in effect at the position it is answered with.

import assert from "node:assert/strict";
import { test } from "node:test";
import { topicNames } from "#services/config/topics.ts";
import { INES, LEO, MARIE, PAUL, ZOE } from "#services/demo/cast.ts";
import { publishErasure } from "#services/wire/erasure.ts";
import { tellStory } from "#services/demo/story.ts";
import { operatorTopic } from "#services/wire/ruling.ts";
import { expectAnswer, openTestApi, playWeek, serveStage, type TestApi } from "#support/api.ts";

let api: TestApi;
serveStage(playWeek, (opened) => void (api = opened));

const marie = { namespace: "customer", value: MARIE.account.customer };
const paul = { namespace: "customer", value: PAUL.account.customer };
const leo = { namespace: "customer", value: LEO.app.customer };
const ines = { namespace: "customer", value: INES.account.customer };
/** As a note names its author. */
const agentId = () => `key ${api.keys.agent.split("_")[1]}`;
const RESTRICTION = "6a1d5e0c-3c1b-4f7e-8f0e-2b9a4c7d1e5f";
const NEVER = "0b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3c";
const ID = "0b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b";

test("a note is on the profile at its position, with its author, once however often it is sent; masked it says nothing (S58)", async () => {
  const agent = api.as(api.keys.agent);
  const body = { id: ID, identifier: marie, text: "wants the blue one" };
  const { position, profiles } = expectAnswer(await agent.note({ body }));
  expectAnswer(await agent.note({ body }));
  const query = { "at-least": position };
  const { notes, profileId, pastContacts } = await viewMarie(agent, query);
  assert.equal(profiles[0]?.profileId, profileId);
  assert.deepEqual(
    notes.map(({ type, text, eventId }) => [type, text, eventId.split(".")[0]]),
    [["note-added", `${agentId()}: wants the blue one`, ID]],
  );
  assert.ok(pastContacts.some(({ eventId }) => eventId === notes[0]?.eventId));
  assert.deepEqual((await viewMarie(api.as(api.keys.reader))).notes[0]?.text, "***");
});

test("another command under an id that was used is carried out, and not taken for the first (I3)", async () => {
  const officer = api.as(api.keys.privacy);
  const objected = async (purpose: string) => {
    const correction = { kind: "objection", purpose } as const;
    const { position } = expectAnswer(
      await officer.correct({ body: { id: ID, identifier: marie, correction, reason: "r" } }),
    );
    return (await viewMarie(api.as(api.keys.agent), { "at-least": position })).optOuts.map((one) => one.purpose);
  };
  assert.ok((await objected("profiling")).includes("profiling"));
  const purposes = await objected("statistics");
  assert.ok(purposes.includes("profiling") && purposes.includes("statistics"), String(purposes));
});

async function viewMarie(client: ReturnType<TestApi["as"]>, query: { "at-least"?: string } = {}) {
  const { profiles } = expectAnswer(await client.viewCaller({ body: { phone: MARIE.phone.phone }, query }));
  const [view] = profiles;
  assert.ok(view !== undefined);
  return view;
}

test("what an agent asks for is a command event with its author, on the profile (S101)", async () => {
  const type = "cancellation-requested" as const;
  const agent = api.as(api.keys.agent);
  const { orders } = await viewMarie(agent);
  const orderId = orders[0]?.orderId ?? "";
  const body = { identifier: marie, type, orderId, text: "she no longer wants it" };
  const { position } = expectAnswer(await agent.note({ body }));
  const { notes } = await viewMarie(agent, { "at-least": position });
  const text = `${agentId()}: order ${orderId}: she no longer wants it`;
  assert.ok(notes.some((note) => note.type === type && note.text === text));
  const another = expectAnswer(await agent.viewForService({ body: paul })).orders[0]?.orderId ?? "nobody's";
  const refused = await agent.note({ body: { ...body, orderId: another } });
  assert.ok(
    !refused.ok &&
      refused.problem.code === "request-refused" &&
      refused.problem.detail?.startsWith("unknown-order: no order of hers"),
  );
});

test("an objection is a refusal for the agent to see, and a correction outranks every source (G2)", async (t) => {
  // The log's clock stands at the end of the week, and a grant of its future is none.
  t.mock.timers.enable({ apis: ["Date"], now: Math.max(...tellStory().map(({ fromMs }) => fromMs)) });
  const officer = api.as(api.keys.privacy);
  const correct = async (correction: Parameters<typeof officer.correct>[0]["body"]["correction"]) =>
    expectAnswer(await officer.correct({ body: { identifier: marie, correction, reason: "request 7" } })).position;
  await correct({ kind: "objection", purpose: "profiling" });
  const position = await correct({ kind: "traits", traits: [{ name: "firstName", value: "Marie-Anne" }] });
  const view = await viewMarie(officer, { "at-least": position });
  assert.ok(view.optOuts.some(({ purpose, channel }) => purpose === "profiling" && channel === null));
  assert.equal(view.traits.find(({ name }) => name === "firstName")?.value, "Marie-Anne");
  // The clock stands still here, and of a tie the refusal holds: another purpose.
  const consent = await correct({ kind: "consent", purpose: "surveys", proof: "form 8" });
  const query = { "at-least": consent };
  const { consents } = expectAnswer(await officer.viewForMarketing({ body: marie, query }));
  assert.ok(consents.some(({ purpose, granted }) => purpose === "surveys" && granted));
  const { optOuts } = expectAnswer(await officer.viewForService({ body: marie, query }));
  for (const refused of [optOuts, (await viewMarie(officer, query)).optOuts])
    assert.ok(refused.length > 0 && refused.every(({ purpose, granted }) => purpose !== "surveys" && !granted));
});

test("who is restricted is shown so, and to marketing neither reached nor scored, until it is lifted (G2)", async () => {
  const officer = api.as(api.keys.privacy);
  const correct = async (correction: Parameters<typeof officer.correct>[0]["body"]["correction"], id?: string) =>
    expectAnswer(await officer.correct({ body: { id, identifier: marie, correction, reason: "request 5" } })).position;
  const viewed = async (position: string) =>
    expectAnswer(await officer.viewForMarketing({ body: marie, query: { "at-least": position } }));
  const restricted = await viewed(await correct({ kind: "restriction" }, RESTRICTION));
  assert.deepEqual(
    [restricted.restrictions.map(({ restrictionId }) => restrictionId), restricted.contacts, restricted.scores],
    [[RESTRICTION], [], []],
  );
  const lifting = { kind: "lifting", restrictionId: ID } as const;
  const refused = await officer.correct({ body: { identifier: marie, correction: lifting, reason: "request 6" } });
  assert.ok(!refused.ok && refused.problem.detail?.startsWith("unknown-restriction: "));
  const free = await viewed(await correct({ kind: "lifting", restrictionId: RESTRICTION }));
  assert.deepEqual(free.restrictions, []);
  assert.ok(free.contacts.length > 0);
  await correct({ kind: "lifting", restrictionId: RESTRICTION });
});

test("who is erased is nobody, and the receipt has no personal value; a second request finds nobody (G1)", async () => {
  const officer = api.as(api.keys.privacy);
  const { profileId } = expectAnswer(await officer.lookUp({ body: paul }));
  const receipt = expectAnswer(await officer.erase({ body: { identifier: paul, reason: "request 9" } }));
  assert.deepEqual([receipt.state, receipt.profileId], ["effective", profileId]);
  const soonest = Date.parse(receipt.deadlines.find(({ place }) => place === "store")?.by ?? "") - Date.now();
  assert.ok(soonest > 0 && soonest <= 60_000 && receipt.deadlines.some(({ place }) => place === "profile-state"));
  assert.ok(receipt.identifiers > 1 && !JSON.stringify(receipt).includes(PAUL.account.customer));
  assert.equal((await officer.lookUp({ body: paul })).status, 404);
  assert.equal((await officer.readProfile({ params: { id: profileId } })).status, 404);
  const again = await officer.erase({ body: { identifier: paul, reason: "request 9" } });
  assert.ok(
    !again.ok && again.problem.code === "request-refused" && again.problem.detail?.startsWith("unknown-identifier: "),
  );
  expectAnswer(await officer.lookUp({ body: marie }));
});

test("a request that is sent again under its id counts once, waits at its position, and is nobody else's (G1)", async () => {
  const officer = api.as(api.keys.privacy);
  const body = { id: ID, identifier: ines, reason: "request 10" };
  const receipt = expectAnswer(await officer.erase({ body }));
  const again = expectAnswer(await officer.erase({ body }));
  assert.deepEqual({ ...again, deadlines: receipt.deadlines }, { ...receipt, profileId: null });
  const places = ({ deadlines }: typeof receipt) => deadlines.map(({ place }) => place);
  assert.deepEqual(places(again), places(receipt));
  expectAnswer(await officer.lookUp({ body: marie, query: { "at-least": receipt.position } }));
  const other = await officer.erase({ body: { ...body, identifier: marie } });
  assert.ok(!other.ok && other.problem.code === "request-refused" && other.problem.detail?.startsWith("id-taken: "));
  const written = api.stage.runtime.wires.log.read([topicNames(api.stage.loaded).privacy], {
    from: "start",
    follow: false,
  });
  const ids: (string | null)[] = [];
  for await (const { key } of written) ids.push(key);
  assert.equal(ids.filter((id) => id?.startsWith(ID)).length, 1);
});

test("nobody is answered at the position of what was never sent, or is under way (G1)", async () => {
  const hasty = await openTestApi(api.stage, { limits: { waitMs: 100 } });
  const officer = hasty.as(hasty.keys.privacy);
  const correction = { kind: "objection", purpose: "surveys" } as const;
  const { position } = expectAnswer(await officer.correct({ body: { identifier: marie, correction, reason: "r" } }));
  const [, , digest, key] = position.split(".");
  const never = `${NEVER}.${digest}`;
  for (const other of [`s.${never}.${key}.${Date.now()}`, `r.${never}.${key}.${key}`, `e.${NEVER}`, "g.999"]) {
    const waited = await officer.lookUp({ body: marie, query: { "at-least": other } });
    assert.ok(!waited.ok && waited.problem.code === "position-not-reached", other);
  }
  // What it is about has no home, so none ever says that it is forgotten.
  const request = {
    requestId: NEVER,
    author: "a",
    reason: "r",
    own: ["A".repeat(22)],
    orders: [],
    claimed: [],
    shared: [],
  };
  const { wires } = api.stage.runtime;
  await publishErasure(wires, topicNames(api.stage.loaded).privacy, { ...request, objections: [], contacts: [] });
  const waited = await officer.lookUp({ body: marie, query: { "at-least": `e.${NEVER}` } });
  assert.ok(!waited.ok && waited.problem.code === "position-not-reached");
  await hasty.close();
});

test("whoever has not the scope writes nothing, and nothing is written about whom nobody knows", async () => {
  const body = { identifier: marie, reason: "r" };
  for (const key of [api.keys.agent, api.keys.operator, api.keys.reader])
    assert.equal((await api.as(key).erase({ body })).status, 403);
  assert.equal((await api.as(api.keys.privacy).note({ body: { identifier: marie, text: "t" } })).status, 403);
  const unknown = { namespace: "customer", value: "C-0000" };
  const refused = await api.as(api.keys.agent).note({ body: { identifier: unknown, text: "t" } });
  assert.ok(!refused.ok && refused.problem.code === "request-refused");
});

test("nothing is stated of what somebody only typed, which would make it known (I5)", async () => {
  const identifier = { namespace: "email", value: ZOE.guest.email };
  const topics = [operatorTopic(api.stage.loaded)];
  const countWritten = async () =>
    [...(await api.surroundings.log.endOffsets(topics)).values()].reduce((sum, end) => sum + end, 0);
  const written = await countWritten();
  const consent = { kind: "consent", purpose: "marketing", proof: "p" } as const;
  for (const refused of [
    await api.as(api.keys.agent).note({ body: { identifier, text: "t" } }),
    await api.as(api.keys.privacy).correct({ body: { identifier, correction: consent, reason: "r" } }),
  ])
    assert.ok(!refused.ok && refused.problem.detail?.startsWith("claimed-only: "), JSON.stringify(refused));
  assert.equal(await countWritten(), written);
});

test("of two requests under one id at once the first is carried out, and the other told that the id is taken (G1)", async () => {
  const officer = api.as(api.keys.privacy);
  const id = ID.replace(/.$/, "d");
  const answers = await Promise.all(
    [leo, marie].map((identifier) => officer.erase({ body: { id, identifier, reason: "request 11" } })),
  );
  assert.equal(answers.filter(({ ok }) => ok).length, 1);
  for (const [place, identifier] of [leo, marie].entries()) {
    const answer = answers[place];
    const { status } = await officer.lookUp({ body: identifier });
    assert.equal(status, answer?.ok === true ? 404 : 200);
    if (answer?.ok === false) assert.match(`${answer.problem.detail}`, /^id-taken: /);
  }
});
