// Live changes: as they happen, masked or not, and on from where a reader was.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { OPERATOR } from "#core/configuration.ts";
import { rulingType } from "#core/ruling.ts";
import { createKey, writeKeyFile } from "#services/api/api-key.ts";
import { type AuditEntry, readTrail } from "#services/api/audit.ts";
import { on } from "#services/demo/moment.ts";
import { expectAnswer, listFormerIds, openTestApi, playWeek, serveStage, type TestApi } from "#support/api.ts";
import { tell } from "#support/fold-events.ts";
import { type StreamEvent, StreamReader } from "#support/stream-reader.ts";

let api: TestApi;
let base: string;
let hour = 0;
serveStage(playWeek, async (opened) => {
  api = opened;
  base = await api.app.listen({ host: "127.0.0.1", port: 0 });
});

/** An hour later each time. */
async function play(
  identifiers: Readonly<Record<string, string>>,
  traits: Record<string, string> = {},
  source = "crm",
  type = "traits-changed",
): Promise<void> {
  hour += 1;
  const { event } = tell(source, 0, type, identifiers, { traits });
  const atMs = on("Sat 13:00") + hour * 3_600_000;
  await api.stage.play(atMs, [
    { source, recordedAt: atMs, event: { ...event, eventId: `move-${hour}`, occurredAt: atMs } },
  ]);
}

const move = (customer: string, city: string): Promise<void> => play({ customer }, { city });

async function find(customer: string): Promise<string> {
  const body = { namespace: "customer", value: customer };
  return expectAnswer(await api.as(api.keys.agent).lookUp({ body })).profileId;
}

const profileOf = ({ data }: StreamEvent): string => (data as { readonly profileId: string }).profileId;

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
  const profileId = await find("C-1002");
  const reader = await open(api.keys.agent, { query: `?profileId=${profileId}` });
  await move("C-1001", "Metz");
  await move("C-1002", "Dijon");
  await reader.next((one) => cityOf(one) === '"Dijon"');
  assert.deepEqual(new Set(reader.events.map(profileOf)), new Set([profileId]));
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

test("an id that is not of this stream is refused, and so are more streams than one key may have, or all", async () => {
  for (const lastEventId of ["x", "1.2.3~0", "1.2.3~zzzzzzzz", `${"1.".repeat(5000)}~0`]) {
    const headers = { authorization: `Bearer ${api.keys.agent}`, "last-event-id": lastEventId };
    const refused = await api.app.inject({ url: "/changes", headers });
    assert.equal(refused.statusCode, 400, lastEventId);
  }
  const readers = await Promise.all(Array.from({ length: 4 }, () => open(api.keys.admin)));
  const tooMany = await api.app.inject({ url: "/changes", headers: { authorization: `Bearer ${api.keys.admin}` } });
  assert.deepEqual([tooMany.statusCode, tooMany.headers["retry-after"]], [503, "30"]);
  const { bytes } = api.stage.loaded.deployment.identityKey;
  const others = Array.from({ length: 16 }, () => createKey(bytes, "reader"));
  writeKeyFile(
    api.keysFile,
    others.map(({ kept }) => kept),
  );
  await delay(1_100);
  const all = others.flatMap(({ key }) => [key, key, key, key]).slice(readers.length);
  readers.push(...(await Promise.all(all.map((key) => open(key)))));
  assert.equal(readers.length, 64);
  await assert.rejects(open(api.keys.agent), /refused: 503 .*too-many-streams/s, "of all keys");
  await Promise.all(readers.map((reader) => reader.close()));
  const deadline = Date.now() + 10_000;
  for (;;) {
    const reader = await open(api.keys.admin).catch(() => null);
    await reader?.close();
    if (reader !== null) break;
    assert.ok(Date.now() < deadline, "a closed stream makes room");
  }
});

const TYPED = { email: "typed.x@example.com" };
const NANCY = { email: "nancy.x@example.com" };

test("by an id that a profile bore before its stream is followed, and on where it goes into another", async () => {
  await play(NANCY, { city: "Nancy" });
  const body = { namespace: "email", value: NANCY.email };
  const { profileId: former } = expectAnswer(await api.as(api.keys.agent).lookUp({ body }));
  const early = await open(api.keys.agent, { query: `?profileId=${former}` });
  await play({ customer: "C-1001", ...NANCY });
  const living = await find("C-1001");
  assert.notEqual(living, former);
  const late = await open(api.keys.agent, { query: `?profileId=${former}` });
  await move("C-1002", "Tours");
  await move("C-1001", "Calais");
  for (const reader of [early, late]) {
    const event = await reader.next((one) => cityOf(one) === '"Calais"');
    assert.equal(profileOf(event), living);
    assert.ok(reader.events.every((one) => [living, former].includes(profileOf(one))));
    await reader.close();
  }
  const streams = readTrail(api.auditFile)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEntry)
    .filter(({ route, profileIds }) => route === "GET /changes" && profileIds.length > 0);
  assert.deepEqual(
    new Set(streams.slice(-3).map(({ profileIds }) => profileIds.join(" "))),
    new Set([former, `${former} ${living}`, living]),
    "the trail says who was shown, and from when on",
  );
});

test("an id that nobody has is refused like one that is looked up", async () => {
  const headers = { authorization: `Bearer ${api.keys.agent}` };
  const id = "A".repeat(22);
  const answers = [`/changes?profileId=${id}`, `/profiles/${id}`].map((url) => api.app.inject({ url, headers }));
  const [streamed, found] = (await Promise.all(answers)).map((answer) => answer.json<{ requestId: string }>());
  assert.deepEqual({ ...streamed, requestId: "" }, { ...found, requestId: "" });
});

test("who is erased is in no stream any more, under no id that was hers; that her profile ended is told (G1)", async () => {
  const live = await open(api.keys.agent);
  await move("C-1003", "Pau");
  const { id: lastEventId } = await live.next((one) => cityOf(one) === '"Pau"');
  await play({ email: "secret.mail@example.com" }, { city: "Secretville" });
  await play({ customer: "C-1001", email: "secret.mail@example.com" }, { city: "Secretburg" });
  // Typed, and by that alone hers.
  await play(TYPED, { city: "Secretdorf" }, "web");
  const { profileId: typed } = expectAnswer(
    await api.as(api.keys.agent).lookUp({ body: { namespace: "email", value: TYPED.email } }),
  );
  await play({ customer: "C-1001", ...TYPED }, {}, "web");
  await move("C-1003", "Dax");
  const hers = await find("C-1001");
  const ids = [hers, ...(await listFormerIds(api.surroundings, hers))];
  const before = await open(api.keys.agent, { lastEventId });
  await before.next((one) => cityOf(one) === '"Dax"');
  const told = new Set(before.events.map(profileOf));
  assert.ok(told.has(typed), "there was something under what was typed");
  assert.ok(ids.filter((id) => told.has(id)).length > 1 && before.text.includes("secret.mail"), "there was something");
  const body = { identifier: { namespace: "customer", value: "C-1001" }, reason: "r" };
  assert.equal(expectAnswer(await api.as(api.keys.privacy).erase({ body })).state, "effective");
  // Somebody else's by now.
  await play({ customer: "C-1003", ...TYPED });
  await move("C-1003", "Albi");
  const after = await open(api.keys.agent, { lastEventId });
  await after.next((one) => cityOf(one) === '"Albi"');
  await live.next((one) => cityOf(one) === '"Albi"');
  for (const word of ["secret.mail", "Secret"]) assert.ok(!after.text.includes(word), word);
  const isHers = (one: StreamEvent) => ids.includes(profileOf(one));
  const isEnd = ({ data }: StreamEvent) => (data as { readonly cause?: string }).cause === "erasure";
  assert.equal((await api.as(api.keys.agent).readProfile({ params: { id: typed } })).status, 200);
  assert.ok(after.events.filter(isHers).every(isEnd));
  for (const { events } of [after, live]) assert.ok(events.some((one) => profileOf(one) === hers && isEnd(one)));
  assert.deepEqual(after.events.map(cityOf).filter(Boolean), ['"Dax"', '"Albi"'], "everybody else is told of");
  await Promise.all([live, before, after].map((reader) => reader.close()));
});

test("whom only a link named that was taken back is in no stream any more, under no id that was theirs (I2)", async () => {
  const named = { "crm-contact": "unsaid.contact", email: "unsaid.mail@example.com" };
  const rule = (verdict: "linked" | "lifted") => play(named, {}, OPERATOR, rulingType(verdict));
  const live = await open(api.keys.agent);
  await move("C-1002", "Laon");
  const { id: lastEventId } = await live.next((one) => cityOf(one) === '"Laon"');
  await rule("linked");
  const told = await live.next((one) => JSON.stringify(one.data).includes("unsaid"));
  await rule("lifted");
  assert.equal((await api.as(api.keys.agent).readProfile({ params: { id: profileOf(told) } })).status, 404);
  await move("C-1002", "Sens");
  const after = await open(api.keys.agent, { lastEventId });
  await after.next((one) => cityOf(one) === '"Sens"');
  assert.ok(!after.text.includes("unsaid") && !after.text.includes(profileOf(told)));
  await Promise.all([live, after].map((reader) => reader.close()));
});

test("a key that may see no values any more loses the stream that shows them", async () => {
  const { key, kept } = createKey(api.stage.loaded.deployment.identityKey.bytes, "agent");
  writeKeyFile(api.keysFile, [kept]);
  const quick = await openTestApi(api.stage, { limits: { heartbeatMs: 100 } });
  const url = await quick.app.listen({ host: "127.0.0.1", port: 0 });
  const reader = await StreamReader.open(url, key, {});
  writeKeyFile(quick.keysFile, [{ ...kept, role: "reader" }]);
  await reader.ended;
  const again = await StreamReader.open(url, key, {});
  await move("C-1003", "Secretown");
  await again.next(({ data }) => JSON.stringify(data).includes("traits.city"));
  assert.ok(!again.text.includes("Secretown"));
  await again.close();
  await quick.close();
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
