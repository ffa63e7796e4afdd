// A store or a log that hangs: readers are told so at once, commands are refused before anything is written, and all goes on
// when it is back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { LogError } from "#ports/log.ts";
import { StoreBehind, StoreUnavailable } from "#ports/store.ts";
import type { ApiSurroundings } from "#services/api/services.ts";
import { LEO, MARIE } from "#services/demo/cast.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { isIndexWhole } from "#services/wire/index-keeper.ts";
import type { Stage } from "#services/cli/stage.ts";
import { openTestApi, playWeek, shareStage, type TestApi } from "#support/api.ts";

const CALL_MS = 200;
const customer = { namespace: "customer", value: MARIE.account.customer };
const card = { namespace: "card", value: MARIE.card.card };

let stage: Stage;
shareStage(playWeek, (opened) => void (stage = opened));

/** The work of the real thing, once it is let through. */
class Valve {
  #open = Promise.resolve();
  #release: () => void = () => {};

  close(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#open = promise;
    this.#release = resolve;
  }

  open(): void {
    this.#release();
  }

  async through<T>(work: () => Promise<T>): Promise<T> {
    await this.#open;
    return work();
  }
}

const openWith = (change: (surroundings: ApiSurroundings) => Partial<ApiSurroundings>) =>
  openTestApi(stage, { change, limits: { callMs: CALL_MS, waitMs: 100 } });

function countRulings(api: TestApi): Promise<number> {
  return api.surroundings.log
    .endOffsets(["weft.operator"])
    .then((ends) => [...ends.values()].reduce((a, b) => a + b, 0));
}

test("while the store hangs readers get 503 with Retry-After, all but the first at once, and commands are refused", async () => {
  const valve = new Valve();
  const api = await openWith(({ store }) => ({
    store: { ...store, survey: (shard, keys) => valve.through(() => store.survey(shard, keys)) },
  }));
  const client = api.as(api.keys.operator);
  const written = await countRulings(api);
  assert.equal((await client.lookUp({ body: customer })).status, 200);
  valve.close();
  const tookMs: number[] = [];
  for (let i = 0; i < 20; i += 1) {
    const askedAt = performance.now();
    const reply = await client.lookUp({ body: customer });
    tookMs.push(performance.now() - askedAt);
    assert.ok(
      !reply.ok && reply.status === 503 && reply.problem.code === "store-unavailable" && reply.retryAfter === 5,
    );
  }
  const [first = 0, ...others] = tookMs;
  assert.ok(
    first >= CALL_MS && Math.max(...others) < CALL_MS,
    `one call has hung, nobody waited for it twice: ${tookMs.join()}`,
  );
  const command = await client.rule({ body: { verdict: "apart", identifiers: [customer, card], reason: "r" } });
  assert.deepEqual([command.ok, command.status], [false, 503]);
  assert.equal((await client.readReadiness({})).status, 503);
  assert.equal((await client.readHealth({})).status, 200, "the process lives");
  valve.open();
  await new Promise((done) => setTimeout(done, 10));
  assert.equal((await client.lookUp({ body: customer })).status, 200);
  assert.equal(await countRulings(api), written);
  await api.close();
});

test("a store that says that it is away or behind is told as what it is", async () => {
  for (const [error, code] of [
    [new StoreUnavailable("Redis at x: away"), "store-unavailable"],
    [new StoreBehind("shard 1 is being folded anew"), "store-behind"],
  ] as const) {
    const api = await openWith(({ store }) => ({
      store: { ...store, standing: () => Promise.reject(error), survey: () => Promise.reject(error) },
    }));
    const client = api.as(api.keys.agent);
    for (const reply of [await client.lookUp({ body: customer }), await client.readReadiness({})])
      assert.ok(!reply.ok && reply.status === 503 && reply.problem.code === code && reply.retryAfter === 5);
    await api.close();
  }
});

test("whom an index that has lost something does not name is told to ask again, not that nobody is meant (S2)", async () => {
  const lost = openMemoryIndex();
  const api = await openWith(({ hash }) => ({
    index: new ComponentIndex(lost, hash),
    isIndexWhole: () => isIndexWhole(lost),
  }));
  const client = api.as(api.keys.operator);
  const ask = async () => {
    const asked = [
      client.lookUp({ body: customer }),
      client.viewCaller({ body: { phone: MARIE.phone.phone } }),
      client.readProfile({ params: { id: "A".repeat(22) } }),
      client.explain({ body: { identifiers: [customer] } }),
      client.search({ body: { by: "order", number: "1" } }),
      client.rule({ body: { verdict: "apart", identifiers: [customer, card], reason: "r" } }),
    ];
    return (await Promise.all(asked)).map((reply) => (reply.ok ? null : reply.problem.code));
  };
  const [nobody, behind] = ["not-found", "store-behind"];
  assert.deepEqual(new Set(await ask()), new Set([behind]));
  await lost.moveMarks(await lost.readMarks(), "claim-r1-1");
  assert.deepEqual(new Set(await ask()), new Set([behind]), "nor while it is being put back");
  await lost.moveMarks(await lost.readMarks(), "r1-1:0,0,0,0,0");
  assert.deepEqual(await ask(), [...Array.from({ length: 5 }, () => nobody), "ruling-refused"]);
  await api.close();
});

test("a log that is away refuses commands with nothing written; one that goes away in between says that nobody knows", async () => {
  let failing: "ends" | "append" | null = "ends";
  const fail = () => Promise.reject(new LogError("log-unavailable", "Kafka is away"));
  let appended = 0;
  const api = await openWith(({ log }) => ({
    log: {
      ...log,
      endOffsets: (topics) => (failing === "ends" ? fail() : log.endOffsets(topics)),
      append: (records) => {
        appended += 1;
        return failing === "append" ? fail() : log.append(records);
      },
    },
  }));
  const client = api.as(api.keys.operator);
  const id = "5b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b";
  const rule = () => client.rule({ body: { id, verdict: "linked", identifiers: [customer, card], reason: "r" } });
  const away = await rule();
  assert.ok(!away.ok && away.status === 503 && away.problem.code === "log-unavailable");
  assert.equal(appended, 0);
  assert.equal((await client.lookUp({ body: customer })).status, 200, "readers do not need the log");
  failing = "append";
  const unknown = await rule();
  assert.ok(!unknown.ok && unknown.status === 503 && unknown.problem.code === "outcome-unknown");
  assert.match(unknown.problem.detail ?? "", new RegExp(id));
  failing = null;
  const again = await rule();
  assert.deepEqual([again.ok, again.status], [true, 202]);
  await api.close();
});

test("an erasure that is on the log is answered as written, though the store goes away while it is waited for", async () => {
  let isAway = false;
  const fail = () => Promise.reject(new StoreUnavailable("Redis at x: away"));
  const api = await openWith(({ log, store }) => ({
    log: {
      ...log,
      async append(records) {
        isAway = true;
        return await log.append(records);
      },
    },
    store: {
      ...store,
      standing: (shard) => (isAway ? fail() : store.standing(shard)),
      survey: (shard, keys) => (isAway ? fail() : store.survey(shard, keys)),
    },
  }));
  const identifier = { namespace: "customer", value: LEO.app.customer };
  const erased = await api.as(api.keys.privacy).erase({ body: { identifier, reason: "r" } });
  assert.ok(erased.ok && erased.status === 202, JSON.stringify(erased));
  assert.equal(erased.body.state, "written");
  await api.close();
});
