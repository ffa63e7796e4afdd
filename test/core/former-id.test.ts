// An id that a profile bore before, and that lives on its own again: a tablet that one person logs in on, and then another
// one. From then on what is told under it is nobody's but its own (I1, I6).

import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { openStage, type Stage } from "#services/cli/stage.ts";
import type { ChannelEvent } from "#core/event.ts";
import { expectAnswer, listFormerIds, openTestApi, type TestApi } from "#support/api.ts";
import { tell } from "#support/fold-events.ts";
import { StreamReader } from "#support/stream-reader.ts";

const TABLET = { cookie: "k-tablet" };
const FILLED = { cart: { cartId: "cart-9", lines: [] } } as unknown as Partial<ChannelEvent>;
const BOUGHT = {
  order: {
    orderId: "O-1",
    currency: "EUR",
    totalMinor: 100,
    lines: [{ productId: "p", quantity: 1, unitPriceMinor: 100 }],
  },
} as unknown as Partial<ChannelEvent>;

async function play(stage: Stage, ...steps: ReturnType<typeof tell>[]): Promise<void> {
  for (const one of steps) await stage.play(one.recordedAt, [one]);
}

/** C-1 is on the tablet. */
async function openTablet(): Promise<{ stage: Stage; api: TestApi; her: string; former: string }> {
  const stage = await openStage();
  await play(
    stage,
    tell("web", 1, "page-viewed", TABLET),
    tell("web", 2, "identified", { customer: "C-1", ...TABLET }),
  );
  const api = await openTestApi(stage);
  const her = await idOf(api, "customer", "C-1");
  const [former = ""] = await listFormerIds(api.surroundings, her);
  return { stage, api, her, former };
}

/** And C-2, who parts them. */
const secondLogin = tell("web", 4, "identified", { customer: "C-2", ...TABLET });

async function idOf(api: TestApi, namespace: string, value: string): Promise<string> {
  return expectAnswer(await api.as(api.keys.privacy).lookUp({ body: { namespace, value } })).profileId;
}

async function movesOf(api: TestApi, id: string) {
  return expectAnswer(await api.as(api.keys.privacy).readTransitions({ params: { id } })).transitions;
}

async function close({ stage, api }: { stage: Stage; api: TestApi }): Promise<void> {
  await api.close();
  await stage.close();
  stage.remove();
}

test("of a former id a history has what it went through until it went on as hers, and nothing later", async () => {
  const { stage, api, her, former } = await openTablet();
  await play(
    stage,
    secondLogin,
    tell("web", 6, "product-added", TABLET, FILLED),
    tell("crm", 9, "identified", { customer: "C-other" }),
  );
  assert.equal(await idOf(api, "cookie", TABLET.cookie), former, "it lives on its own again");
  assert.deepEqual(
    (await movesOf(api, her)).map(({ eventId }) => eventId),
    ["web-2", "web-1"],
  );
  assert.deepEqual(
    (await movesOf(api, former)).map(({ eventId }) => eventId),
    ["web-6", "web-4", "web-1"],
  );
  await close({ stage, api });
});

test("an erasure takes nothing from what an id went through once it was its own again (G1)", async () => {
  const { stage, api, former } = await openTablet();
  await play(stage, secondLogin);
  const body = { identifier: { namespace: "customer", value: "C-1" }, reason: "r" };
  assert.equal(expectAnswer(await api.as(api.keys.privacy).erase({ body })).state, "effective");
  const later = 60 * 24 * 400;
  await play(
    stage,
    tell("web", later, "product-added", TABLET, FILLED),
    tell("crm", later + 1, "identified", { customer: "C-other" }),
  );
  assert.deepEqual(
    (await movesOf(api, former)).slice(0, 2).map(({ source, eventId }) => [source, eventId]),
    [
      ["web", `web-${later}`],
      ["web", "web-4"],
    ],
  );
  await close({ stage, api });
});

test("a stream that follows a former id leaves her once it lives on its own again", async () => {
  const { stage, api, her, former } = await openTablet();
  const base = await api.app.listen({ host: "127.0.0.1", port: 0 });
  const stream = await StreamReader.open(base, api.keys.agent, { query: `?profileId=${former}` });
  await play(
    stage,
    secondLogin,
    tell("web", 6, "product-added", TABLET, FILLED),
    tell("web", 8, "order-placed", { customer: "C-1" }, BOUGHT),
    tell("web", 9, "product-added", TABLET, FILLED),
    tell("crm", 10, "identified", { customer: "C-other" }),
  );
  const eventOf = (data: unknown) => {
    const { causeEventId, eventId } = data as { causeEventId?: string; eventId?: string };
    return causeEventId ?? eventId;
  };
  await stream.next(({ data }) => eventOf(data) === "web-9");
  await delay(300);
  const told = stream.events.map(({ data }) => [(data as { profileId: string }).profileId, eventOf(data)]);
  assert.ok(told.some(([id, event]) => id === former && event === "web-6"));
  assert.deepEqual(
    told.filter(([id, event]) => id === her && event !== "web-4"),
    [],
  );
  await stream.close();
  await close({ stage, api });
});
