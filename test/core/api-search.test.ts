// Who is meant by what is on a receipt, a card or an envelope: exactly those, few of them, and only for who may see values.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { test } from "node:test";
import { bears, type NameAndPlace } from "#services/api/directory.ts";
import { Follower } from "#services/api/follower.ts";
import { Gate } from "#services/api/outage.ts";
import { MARIE, NADIA, PAUL } from "#services/demo/cast.ts";
import { expectAnswer, openTestApi, playWeek, serveStage, type TestApi } from "#support/api.ts";

let api: TestApi;
serveStage(playWeek, (opened) => void (api = opened));

const by = {
  order: (number: string) => ({ by: "order", number }) as const,
  card: (number: string) => ({ by: "card", number }) as const,
  name: (lastName: string, postcode: string, firstName?: string) =>
    ({ by: "name", lastName, postcode, ...(firstName === undefined ? {} : { firstName }) }) as const,
};
type Body = ReturnType<(typeof by)[keyof typeof by]>;

async function search(body: Body, client = api.as(api.keys.agent)): Promise<string[]> {
  const answer = await client.search({ body });
  if (answer.status === 404) return [];
  return expectAnswer(answer).profiles.map(({ profileId }) => profileId);
}

async function idOf(customer: string): Promise<string> {
  const body = { namespace: "customer", value: customer };
  return expectAnswer(await api.as(api.keys.agent).lookUp({ body })).profileId;
}

async function correct(customer: string, told: Readonly<Record<string, string | null>>): Promise<void> {
  const traits = Object.entries(told).map(([name, value]) => ({ name, value }));
  const identifier = { namespace: "customer", value: customer };
  const officer = api.as(api.keys.privacy);
  const correction = { kind: "traits", traits } as const;
  const { position } = expectAnswer(await officer.correct({ body: { identifier, correction, reason: "r" } }));
  expectAnswer(await officer.lookUp({ body: identifier, query: { "at-least": position } }));
}

test("an order, from whichever source, and a loyalty card lead to whose they are", async () => {
  const marie = await idOf(MARIE.account.customer);
  const { orders } = expectAnswer(
    await api.as(api.keys.agent).lookUp({ body: { namespace: "card", value: MARIE.card.card } }),
  );
  assert.equal(orders.length, 5);
  for (const { orderId } of orders) assert.deepEqual(await search(by.order(orderId)), [marie], orderId);
  assert.deepEqual(await search(by.card(` ${MARIE.card.card} `)), [marie]);
  for (const body of [by.order("S-0000"), by.card("2099999999"), by.order("__proto__"), by.order("S-7024/")])
    assert.deepEqual(await search(body), [], JSON.stringify(body));
});

test("a name at a postcode leads to who bears it there now, however it is written, and to nobody else", async () => {
  const [marie, nadia, paul] = await Promise.all([MARIE, NADIA, PAUL].map(({ account }) => idOf(account.customer)));
  await correct(MARIE.account.customer, { postcode: "44000" });
  assert.deepEqual(await search(by.name("lefort", "44000")), [marie]);
  await correct(MARIE.account.customer, { lastName: "Lefort-Œuvré" });
  await correct(NADIA.account.customer, { lastName: "d'Été", firstName: "Nadia", postcode: "75011" });
  await correct(PAUL.account.customer, {
    lastName: "D ETE",
    firstName: "Paul",
    address: "3 rue de la Paix, 75011 Paris",
  });
  for (const lastName of ["Lefort-Œuvré", "LEFORT OEUVRE", "lefortoeuvré"])
    assert.deepEqual(await search(by.name(lastName, "44 000")), [marie], lastName);
  assert.deepEqual(await search(by.name("Lefort", "44000")), []);
  assert.deepEqual(await search(by.name("Lefort-Œuvré", "44100")), []);
  assert.deepEqual(new Set(await search(by.name("D’été", "75011"))), new Set([nadia, paul]));
  assert.deepEqual(await search(by.name("d'ete", "75011", "PAUL")), [paul]);
});

test("whom the directory names is looked at before she is told: it says only who may be meant", async () => {
  const file = join(api.stage.folder, "stale-directory.sqlite");
  const own = await openTestApi(api.stage, { api: { directoryFile: file } });
  const asked = by.name("d'ete", "75011", "PAUL");
  const found = await search(asked, own.as(own.keys.agent));
  assert.equal(found.length, 1);
  const marie = await idOf(MARIE.account.customer);
  const sqlite = new DatabaseSync(file);
  // As a row stands of somebody who has another name since, and whose profile has not been published yet.
  const copy = sqlite.prepare("INSERT INTO people SELECT key, ? FROM people WHERE profile = ?");
  assert.ok(copy.run(marie, found[0] ?? "").changes > 0);
  sqlite.close();
  assert.deepEqual(await search(asked, own.as(own.keys.agent)), found);
  await own.close();
});

test("who is erased is in no search and not in the file, which holds keyed hashes alone (G1, G2)", async () => {
  const file = join(api.stage.folder, "directory.sqlite");
  const own = await openTestApi(api.stage, { api: { directoryFile: file } });
  const marie = by.name("Lefort-Œuvré", "44000");
  assert.equal((await search(marie, own.as(own.keys.agent))).length, 1);
  const rows = () => {
    const sqlite = new DatabaseSync(file, { readOnly: true });
    const all = sqlite.prepare("SELECT key, profile FROM people").all();
    sqlite.close();
    return all as { key: string; profile: string }[];
  };
  const profile = await idOf(MARIE.account.customer);
  assert.ok(rows().some((row) => row.profile === profile));
  for (const { key } of rows()) assert.match(key, /^[A-Za-z0-9_-]{22}$/);
  const identifier = { namespace: "customer", value: MARIE.account.customer };
  const officer = own.as(own.keys.privacy);
  assert.equal(expectAnswer(await officer.erase({ body: { identifier, reason: "r" } })).state, "effective");
  for (const body of [marie, by.card(MARIE.card.card), by.order("A-2001")])
    assert.deepEqual(await search(body, own.as(own.keys.agent)), [], JSON.stringify(body));
  assert.deepEqual(
    rows().filter((row) => row.profile === profile),
    [],
  );
  await own.close();
});

test("at most ten are told, and that there are more; without profile:pii the answer is that of nobody", async () => {
  const own = await openTestApi(api.stage);
  const [agent, analyst] = [own.as(own.keys.agent), own.as(own.keys.analyst)];
  const asked = by.card(NADIA.card.card);
  assert.equal((await agent.search({ body: asked })).status, 200);
  const told = await Promise.all(
    [analyst.search({ body: asked }), agent.search({ body: by.card("2099999999") })].map(async (one) => await one),
  );
  const bodies = told.map((one) => (one.ok ? one.status : { ...one.problem, requestId: "" }));
  assert.deepEqual(bodies[0], bodies[1]);
  assert.ok(!own.logged.join("").includes(NADIA.card.card));
  await own.close();
});

test("a name is compared without case, accents and signs, with its postcode, alone or with each first name", () => {
  const named = {
    traits: {
      family_name: { value: "x" },
      lastName: { value: "Nguyễn" },
      firstName: { value: "Zoé" },
      postcode: { value: 1000 },
    },
    contacts: [
      { kind: "postal", value: "10115 TOWER, 12 RUE X, 69001 LYON" },
      { kind: "email", value: "a 75001 b@x.fr" },
    ],
  };
  const cases: readonly (readonly [NameAndPlace, boolean])[] = [
    [{ lastName: "NGUYEN", postcode: "69001" }, true],
    [{ lastName: "nguyễn", postcode: "1000", firstName: "zoe" }, true],
    [{ lastName: "nguyễn", postcode: "10115" }, false],
    [{ lastName: "nguyễn", postcode: "75001" }, false],
    [{ lastName: "nguyễn", postcode: "69001", firstName: "Léo" }, false],
    [{ lastName: "x", postcode: "69001" }, false],
    [{ lastName: "", postcode: "69001" }, false],
  ];
  for (const [asked, expected] of cases) assert.equal(bears(named, asked), expected, JSON.stringify(asked));
});

test("a file that follows topics reads on every 20 s, though nobody asks, so that who was erased is gone from it in a minute (G1)", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let readings = 0;
  const read = async () => void (readings += 1);
  const follower = new Follower(new Gate("directory-behind", 1_000), read);
  const settle = () => new Promise(setImmediate);
  await settle();
  const counted = [readings];
  for (let i = 0; i < 3; i += 1) {
    t.mock.timers.tick(20_000);
    await settle();
    counted.push(readings);
  }
  assert.deepEqual(counted, [1, 2, 3, 4]);
  await follower.close();
  t.mock.timers.tick(60_000);
  await settle();
  assert.equal(readings, 4, "nothing reads once it is closed");
});
