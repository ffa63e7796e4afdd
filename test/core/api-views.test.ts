// What each team is answered of the demo's people: the agent on the line, marketing, service, product, and the timeline.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openStage } from "#services/cli/stage.ts";
import { MARIE } from "#services/demo/cast.ts";
import { expectAnswer, openTestApi, playWeek, serveStage, type TestApi } from "#support/api.ts";
import { tell } from "#support/fold-events.ts";

let api: TestApi;
serveStage(playWeek, (opened) => void (api = opened));

const marie = { namespace: "phone", value: MARIE.phone.phone };

test("one call by her number: since when she is a customer, open cases, past contacts, orders of every channel (S7, S88)", async () => {
  const { profiles } = expectAnswer(await api.as(api.keys.agent).viewCaller({ body: { phone: marie.value } }));
  const [view] = profiles;
  assert.equal(view?.customerSince, "2026-03-02T12:24:00.000Z");
  assert.deepEqual(
    view?.cases.map(({ caseId, status, motive }) => [caseId, status, motive]),
    [["Q-310", "open", "delivery"]],
  );
  assert.deepEqual(
    view?.pastContacts.map(({ type, caseId, motive }) => [type, caseId, motive]),
    [
      ["case-opened", "Q-310", "delivery"],
      ["called", null, null],
    ],
  );
  assert.deepEqual([...new Set(view?.orders.map(({ source }) => source))].toSorted(), ["app", "store", "web"]);
  assert.ok(view?.contacts.some(({ kind, primary }) => kind === "email" && primary));
});

test("every past contact tells its motive: of two calls about one case each its own, also when later events are many (S7)", async () => {
  const stage = await openStage();
  const her = { customer: "C-1" };
  const about = (motive: string) => ({ case: { caseId: "Q-1", motive, channel: "phone" } });
  const visits = Array.from({ length: 60 }, (_, n) => tell("web", 10 + n, "product-added", her));
  const events = [
    tell("crm", 1, "identified", { ...her, phone: "06 39 98 00 77" }),
    tell("call-centre", 2, "called", her, about("late")),
    tell("call-centre", 3, "case-closed", her, { case: { caseId: "Q-1" } }),
    tell("call-centre", 4, "called", her, about("still late")),
    ...visits,
    tell("store", 80, "store-visited", her),
    tell("crm", 81, "identified", { customer: "C-other" }),
  ];
  await stage.play(events.at(-1)?.recordedAt ?? 0, events);
  const calls = await openTestApi(stage);
  const ask = async (key: string) => {
    const { profiles } = expectAnswer(await calls.as(key).viewCaller({ body: { phone: "06 39 98 00 77" } }));
    return profiles[0]?.pastContacts.map(({ type, eventId, caseId, motive }) => [type, eventId, caseId, motive]);
  };
  const visited = ["store-visited", "store-80", null, null];
  assert.deepEqual(await ask(calls.keys.agent), [
    visited,
    ["called", "call-centre-4", "Q-1", "still late"],
    ["called", "call-centre-2", "Q-1", "late"],
  ]);
  assert.deepEqual(await ask(calls.keys.reader), [
    visited,
    ["called", "call-centre-4", "Q-1", null],
    ["called", "call-centre-2", "Q-1", null],
  ]);
  await calls.close();
  await stage.close();
  stage.remove();
});

test("every answer says up to when each source has told what happened: of files what they told, of others the time", async () => {
  const { watermarks } = expectAnswer(await api.as(api.keys.agent).lookUp({ body: marie }));
  const upTo = new Map(watermarks.map((one) => [one.source, one.upTo]));
  assert.equal(upTo.get("store"), "2026-03-06T19:58:00.000Z");
  assert.equal(upTo.get("web"), "2026-03-07T12:00:00.001Z");
  assert.equal(upTo.size, api.stage.loaded.configuration.sources.length);
});

test("marketing sees consents, reach and tastes, and no order; product what was bought, and not by whom (S3, S12)", async () => {
  const client = api.as(api.keys.agent);
  const marketing = expectAnswer(await client.viewForMarketing({ body: marie }));
  assert.deepEqual(
    marketing.consents.map(({ purpose, channel, granted }) => [purpose, channel, granted]),
    [
      ["marketing", "sms", true],
      ["newsletter", "email", true],
    ],
  );
  assert.deepEqual(marketing.cadence, { orders: 5, medianDays: 0 });
  assert.ok(!("orders" in marketing));
  const product = expectAnswer(await client.viewForProduct({ body: marie }));
  assert.deepEqual(
    product.products.map(({ productId }) => productId),
    ["JKT-22", "JKT-31", "MAT-01", "STOVE-01", "TENT-02"],
  );
  const text = JSON.stringify(product);
  for (const value of [MARIE.email.email, MARIE.phone.phone, "Lefort"]) assert.ok(!text.includes(value), value);
  const service = expectAnswer(await client.viewForService({ body: marie }));
  assert.deepEqual([service.cases[0]?.status, service.orders.length], ["open", 5]);
});

test("without profile:pii a view shows no address, no search and no motive in words", async () => {
  const reader = api.as(api.keys.reader);
  const texts = [
    await reader.viewCaller({ body: { phone: marie.value } }),
    await reader.viewForMarketing({ body: marie }),
    await reader.viewForService({ body: marie }),
    await reader.viewForProduct({ body: marie }),
  ].map((reply) => JSON.stringify(expectAnswer<object>(reply)));
  const searched = expectAnswer(await api.as(api.keys.agent).viewForProduct({ body: marie })).searches;
  assert.ok(searched.length > 0);
  const hidden = [MARIE.email.email, "+33639980017", "Lefort", '"delivery"', ...searched.map(({ query }) => query)];
  for (const text of texts) {
    assert.ok(text.includes('"masked":true') && text.includes('"claimedOnly":false'));
    for (const value of hidden) assert.ok(!text.includes(value), value);
  }
});

test("the timeline page by page is the whole timeline, each line once", async () => {
  const client = api.as(api.keys.agent);
  const { profileId } = expectAnswer(await client.lookUp({ body: marie }));
  const whole = expectAnswer(await client.viewForService({ body: marie })).timeline;
  assert.ok(whole.length > 5);
  const { watermarks } = expectAnswer(await client.readTimeline({ params: { id: profileId }, query: {} }));
  assert.deepEqual(
    watermarks.map(({ source }) => source),
    expectAnswer(await client.readProfile({ params: { id: profileId } })).watermarks.map(({ source }) => source),
  );
  for (const limit of [1, 2, 3, 50]) {
    const lines: unknown[] = [];
    let before: string | null = null;
    do {
      const query: Record<string, string> = { limit: String(limit), ...(before === null ? {} : { before }) };
      const page = expectAnswer(await client.readTimeline({ params: { id: profileId }, query }));
      assert.ok(page.lines.length <= limit);
      lines.push(...page.lines);
      before = page.next;
    } while (before !== null);
    assert.deepEqual(lines, whole);
  }
});
