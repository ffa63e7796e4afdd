// Who is due to be forgotten, over the API: the same that `weft privacy due` lists, page by page.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { listDue } from "#services/wire/retention.ts";
import { expectAnswer, playWeek, serveStage, type TestApi } from "#support/api.ts";

const DAY_MS = 86_400_000;
const retention = {
  rules: [{ purpose: "news", whom: "prospects" as const, afterMs: DAY_MS }],
  contacts: ["page-viewed"],
};

describe("who is due to be forgotten", () => {
  let api: TestApi;
  serveStage(playWeek, (opened) => void (api = opened), {
    change: ({ loaded }) => ({ loaded: { ...loaded, deployment: { ...loaded.deployment, retention } } }),
  });

  async function listPages(limit: number) {
    const pages = [];
    for (let from: string | null = "0"; from !== null; ) {
      const page: Awaited<ReturnType<typeof readPage>> = await readPage(limit, from);
      pages.push(page);
      from = page.next;
    }
    return pages;
  }

  async function readPage(limit: number, from: string) {
    return expectAnswer(await api.as(api.keys.privacy).listDue({ query: { limit: String(limit), from } }));
  }

  it("is told shard by shard, in pages of any size the same", async () => {
    const { shards } = api.surroundings.loaded.deployment.engine;
    const expected: string[] = [];
    for await (const { profileId, purpose } of listDue({ ...api.surroundings, shards }, retention))
      expected.push(`${profileId} ${purpose}`);
    ok(expected.length > 3);
    for (const limit of [1, 2, 500]) {
      const pages = await listPages(limit);
      const told = pages.flatMap(({ due }) => due.map(({ profileId, purpose }) => `${profileId} ${purpose}`));
      deepEqual(told.toSorted(), expected.toSorted(), `pages of ${limit}`);
      ok(pages.every(({ due }) => due.length <= limit));
      equal(new Set(pages.map(({ shard }) => shard)).size, shards);
      for (const { asOf, due } of pages)
        ok(due.every(({ since, dueAt }) => Date.parse(dueAt) - Date.parse(since) === DAY_MS && dueAt <= asOf));
    }
  });

  it("is no personal value, and is asked of a shard that there is", async () => {
    const text = JSON.stringify(await listPages(500));
    ok(!text.includes("@") && !text.includes("+33"));
    const reply = await api.as(api.keys.privacy).listDue({ query: { from: "9999" } });
    ok(!reply.ok);
    equal(reply.problem.code, "malformed-request");
  });

  it("is asked one shard at a time, and whoever comes fifth is told to wait", async () => {
    const asked = Array.from({ length: 8 }, () => api.as(api.keys.privacy).listDue({ query: {} }));
    const replies = await Promise.all(asked);
    const refused = replies.flatMap((reply) => (reply.ok ? [] : [reply.problem.code]));
    deepEqual(
      refused,
      Array.from({ length: 4 }, () => "too-many-requests"),
    );
  });
});
