// Live changes: as they happen, masked or not, and on from where a reader was.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createKey, writeKeyFile } from "#services/api/api-key.ts";
import { on } from "#services/demo/moment.ts";
import type { StagedEvent } from "#services/cli/stage.ts";
import { expectAnswer, openTestApi, playWeek, serveStage, type TestApi } from "#support/api.ts";
import { type StreamEvent, StreamReader } from "#support/stream-reader.ts";

let api: TestApi;
let base: string;
let hour = 0;
serveStage(playWeek, async (opened) => {
  api = opened;
  base = await api.app.listen({ host: "127.0.0.1", port: 0 });
});

/** Her city, an hour later each time. */
async function move(customer: string, city: string): Promise<void> {
  hour += 1;
  const recordedAt = on("Sat 13:00") + hour * 3_600_000;
  const event: StagedEvent = {
    source: "crm",
    recordedAt,
    event: {
      eventId: `move-${hour}`,
      type: "traits-changed",
      occurredAt: recordedAt,
      identifiers: [{ namespace: "customer", value: customer }],
      traits: { city },
    },
  };
  await api.stage.play(recordedAt, [event]);
}

function cityOf({ data }: StreamEvent): unknown {
  const { changes = [] } = data as { readonly changes?: readonly { readonly path: string; readonly after: string }[] };
  return changes.find(({ path }) => path === "traits.city")?.after;
}

const open = (key: string, options: { readonly query?: string; readonly lastEventId?: string } = {}) =>
  StreamReader.open(base, key, options);

test("what changes is told as it happens, with the position at which a look-up has it", async () => {
  const reader = await open(api.keys.agent);
  await move("C-1001", "Rennes");
  const event = await reader.next((one) => cityOf(one) === '"Rennes"');
  assert.equal(event.event, "profile-changed");
  assert.match(event.id, /^\d+\.\d+\.\d+~[0-9a-z.]+$/);
  const { profileId, position, version } = event.data as { profileId: string; position: string; version: number };
  const body = { namespace: "customer", value: "C-1001" };
  const found = expectAnswer(await api.as(api.keys.agent).lookUp({ body, query: { "at-least": position } }));
  assert.deepEqual([found.profileId, found.version], [profileId, version]);
  assert.ok(found.traits.some(({ name, value }) => name === "city" && value === "Rennes"));
  await reader.close();
});

test("who was away gets, after the last id, everything that has happened since, once and in order", async () => {
  const reader = await open(api.keys.agent);
  await move("C-1001", "Brest");
  const { id } = await reader.next((one) => cityOf(one) === '"Brest"');
  await reader.close();
  for (const city of ["Paris", "Lille", "Lyon"]) await move("C-1001", city);
  const again = await open(api.keys.agent, { lastEventId: id });
  await move("C-1001", "Nice");
  await again.next((one) => cityOf(one) === '"Nice"');
  const cities = again.events.map(cityOf).filter((city) => city !== undefined);
  assert.deepEqual(cities, ['"Paris"', '"Lille"', '"Lyon"', '"Nice"']);
  assert.equal(new Set(again.events.map((one) => one.id)).size, again.events.length);
  await again.close();
});

test("one profile's stream tells of nobody else", async () => {
  const body = { namespace: "customer", value: "C-1002" };
  const { profileId } = expectAnswer(await api.as(api.keys.agent).lookUp({ body }));
  const reader = await open(api.keys.agent, { query: `?profileId=${profileId}` });
  await move("C-1001", "Metz");
  await move("C-1002", "Dijon");
  await reader.next((one) => cityOf(one) === '"Dijon"');
  assert.deepEqual(
    new Set(reader.events.map(({ data }) => (data as { profileId: string }).profileId)),
    new Set([profileId]),
  );
  await reader.close();
});

test("without profile:pii the stream holds no value of a trait, and of no identifier", async () => {
  const [reader, all] = [await open(api.keys.reader), await open(api.keys.agent)];
  await api.stage.play(on("Sat 13:00") + 90 * 3_600_000, [
    {
      source: "crm",
      recordedAt: on("Sat 13:00") + 90 * 3_600_000,
      event: {
        eventId: "secret-1",
        type: "traits-changed",
        occurredAt: on("Sat 13:00") + 90 * 3_600_000,
        identifiers: [
          { namespace: "customer", value: "C-1001" },
          { namespace: "email", value: "secret.address@example.com" },
        ],
        traits: { city: "Secretville", born: 1984 },
      },
    },
  ]);
  hour = 90;
  await all.next((one) => cityOf(one) === '"Secretville"');
  assert.ok(JSON.stringify(all.events).includes("secret.address"), "there is something to hide");
  const hidden = await reader.next((one) => JSON.stringify(one.data).includes("traits.born"));
  assert.ok(JSON.stringify(hidden.data).includes("identifiers.email.s"));
  for (const value of ["ecret.address", "ecretville", "1984"]) assert.ok(!reader.text.includes(value), value);
  await Promise.all([reader.close(), all.close()]);
});

test("an id that is not of this stream is refused, and so are more streams than one key may have", async () => {
  for (const lastEventId of ["x", "1.2.3~0", "1.2.3~zzzzzzzz", `${"1.".repeat(5000)}~0`]) {
    const headers = { authorization: `Bearer ${api.keys.agent}`, "last-event-id": lastEventId };
    const refused = await api.app.inject({ url: "/changes", headers });
    assert.equal(refused.statusCode, 400, lastEventId);
  }
  const readers = await Promise.all(Array.from({ length: 4 }, () => open(api.keys.admin)));
  const tooMany = await api.app.inject({ url: "/changes", headers: { authorization: `Bearer ${api.keys.admin}` } });
  assert.deepEqual([tooMany.statusCode, tooMany.headers["retry-after"]], [503, "30"]);
  await Promise.all(readers.map((reader) => reader.close()));
  const deadline = Date.now() + 10_000;
  for (;;) {
    const reader = await open(api.keys.admin).catch(() => null);
    await reader?.close();
    if (reader !== null) break;
    assert.ok(Date.now() < deadline, "a closed stream makes room");
  }
});

test("a key that is taken back loses its stream", async () => {
  const { key, kept } = createKey(api.stage.loaded.deployment.identityKey.bytes, "reader");
  writeKeyFile(api.keysFile, [kept]);
  const quick = await openTestApi(api.stage, { limits: { heartbeatMs: 100 } });
  const url = await quick.app.listen({ host: "127.0.0.1", port: 0 });
  const reader = await StreamReader.open(url, key, {});
  writeKeyFile(quick.keysFile, []);
  await reader.ended;
  await quick.close();
});
