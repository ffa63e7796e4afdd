// A server that is closed while it is asked: what has begun is answered, what waits or comes is sent elsewhere, and only then
// log, store and audit trail close.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiSurroundings } from "#services/api/services.ts";
import type { Stage } from "#services/cli/stage.ts";
import { MARIE } from "#services/demo/cast.ts";
import { openTestApi, playWeek, shareStage, type TestApi } from "#support/api.ts";
import { StreamReader } from "#support/stream-reader.ts";
import { until } from "#support/until.ts";

const IN_FLIGHT = 12;
/** No shard comes there. */
const FAR = "0.999999999999";
const marie = { namespace: "customer", value: MARIE.account.customer };

let stage: Stage;
shareStage(playWeek, (opened) => void (stage = opened));

interface Served {
  readonly api: TestApi;
  readonly base: string;
  post(path: string, body: object): Promise<Response>;
}

async function serve(
  change: (surroundings: ApiSurroundings) => Partial<ApiSurroundings> = () => ({}),
): Promise<Served> {
  const api = await openTestApi(stage, { change, limits: { waitMs: 60_000, callMs: 60_000 } });
  const base = await api.app.listen({ host: "127.0.0.1", port: 0 });
  const headers = { authorization: `Bearer ${api.keys.admin}`, "content-type": "application/json" };
  const post = (path: string, body: object) =>
    fetch(`${base}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { api, base, post };
}

async function expectClosing(response: Response): Promise<void> {
  const { code } = (await response.json()) as { readonly code: string };
  const { status, headers } = response;
  assert.deepEqual(
    [status, code, headers.get("retry-after"), headers.get("connection")],
    [503, "closing", "1", "close"],
  );
}

test("commands in flight are answered and in the log, waiters and newcomers are sent elsewhere, and nothing is a fault", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  let appending = 0;
  const { api, base, post } = await serve(({ log }) => ({
    log: {
      ...log,
      async append(records) {
        appending += 1;
        await opened;
        return await log.append(records);
      },
    },
  }));
  const stream = await StreamReader.open(base, api.keys.admin, {});
  const notes = Array.from({ length: IN_FLIGHT }, (_, n) =>
    post("/notes", { identifier: marie, text: `note ${n} at closing` }),
  );
  const waiters = Array.from({ length: IN_FLIGHT }, () => post(`/profiles/lookup?at-least=${FAR}`, marie));
  await until("all are under way", async () => {
    const lines = readFileSync(api.auditFile, "utf8").split("\n");
    return appending === IN_FLIGHT && lines.length > IN_FLIGHT;
  });
  await sleep(100);
  const closed = api.close();
  for (const waiter of await Promise.all(waiters)) await expectClosing(waiter);
  await expectClosing(await post("/profiles/lookup", marie));
  await expectClosing(await fetch(`${base}/health`));
  open();
  const openedMs = performance.now();
  const positions = new Set<string>();
  for (const answer of await Promise.all(notes)) {
    assert.equal(answer.status, 202);
    positions.add(((await answer.json()) as { readonly position: string }).position);
  }
  assert.equal(positions.size, IN_FLIGHT);
  await closed;
  assert.ok(performance.now() - openedMs < 5_000);
  await stream.ended;
  await assert.rejects(post("/profiles/lookup", marie), { message: "fetch failed" });
  assert.deepEqual(
    api.logged.filter((line) => /fault|ERR_/.test(line)),
    [],
  );
  const next = await openTestApi(stage, { limits: { waitMs: 20_000 } });
  const client = next.as(next.keys.admin);
  for (const position of positions) {
    const found = await client.lookUp({ body: marie, query: { "at-least": position } });
    assert.equal(found.status, 200, position);
  }
  await next.close();
});

test("who waits for a report, a shard's due or an erasure is answered at once", async () => {
  const { api, base, post } = await serve();
  const headers = { authorization: `Bearer ${api.keys.admin}` };
  const asked = ["/reports/matrix", "/privacy/due"].map((path) => fetch(`${base}${path}`, { headers }));
  const erased = post("/privacy/erasures", { identifier: { namespace: "customer", value: "C-none" }, reason: "r" });
  await sleep(30);
  const sinceMs = performance.now();
  await api.close();
  assert.ok(performance.now() - sinceMs < 5_000);
  for (const answer of await Promise.all(asked)) if (answer.status !== 200) await expectClosing(answer);
  assert.ok([409, 503].includes((await erased).status));
});

test("a connection on which half a request has come does not hold the server up", async () => {
  const { api, base } = await serve();
  const socket = connect(Number(new URL(base).port), "127.0.0.1");
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {});
  await new Promise((resolve) => socket.write("POST /notes HTTP/1.1\r\nhost: ", resolve));
  await sleep(100);
  const sinceMs = performance.now();
  await api.close();
  assert.ok(performance.now() - sinceMs < 5_000);
  await ended;
});
