// What the API answers over the demo's week: look-ups, aliases, the agent's view, explanations, rulings and positions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { HUGO, LANDLINE, MARIE, NADIA, PAUL } from "#services/demo/cast.ts";
import { expectAnswer, openTestApi, playWeek, serveStage, type TestApi } from "#support/api.ts";

let api: TestApi;
serveStage(playWeek, (opened) => void (api = opened), { limits: { waitMs: 3000 } });

const phone = { namespace: "phone", value: MARIE.phone.phone };
const MISS = { namespace: "phone", value: "06 39 98 99 99" };

test("a look-up says who it is, in which version, and where the shard stood (S3)", async () => {
  const marie = expectAnswer(await api.as(api.keys.agent).lookUp({ body: phone }));
  assert.equal(marie.segment?.name, "ambassador");
  assert.equal(marie.segment.since, "2026-03-06T12:15:00.000Z");
  assert.equal(marie.firstSeen, "2026-03-02T09:14:00.000Z");
  assert.ok(marie.version > 0 && /^\d+\.\d+$/.test(marie.position));
  assert.deepEqual([marie.masked, marie.claimedOnly, marie.requestedId], [false, false, null]);
  assert.ok(marie.identifiers.some(({ value }) => value === MARIE.email.email));
  assert.equal(marie.orders.length, 5);
  assert.deepEqual([...new Set(marie.orders.map(({ source }) => source))].toSorted(), ["app", "store", "web"]);
});

test("without profile:pii the same call answers masked, and nothing of a person is left", async () => {
  const open = expectAnswer(await api.as(api.keys.agent).lookUp({ body: phone }));
  const masked = expectAnswer(await api.as(api.keys.reader).lookUp({ body: phone }));
  assert.equal(masked.masked, true);
  assert.equal(masked.profileId, open.profileId);
  assert.equal(masked.identifiers.length, open.identifiers.length);
  const text = JSON.stringify(masked);
  const values = [...open.identifiers, ...open.traits].map(({ value }) => String(value));
  assert.ok(values.length > 5);
  // Numbers of orders are no person's values, and stand in the orders too.
  for (const value of values.filter((one) => !open.orders.some(({ orderId }) => orderId === one)))
    assert.ok(!text.includes(`"${value}"`), value);
  // Of few words a first letter, or the length, would tell which.
  assert.deepEqual(new Set(masked.traits.map(({ value }) => value)), new Set(["***"]));
});

test("an old id leads in one hop to the profile that it went into, and the answer says so (I6)", async () => {
  const client = api.as(api.keys.agent);
  const marie = expectAnswer(await client.lookUp({ body: phone }));
  const same = expectAnswer(await client.readProfile({ params: { id: marie.profileId } }));
  // The shard's time may have gone on in between.
  assert.deepEqual({ ...same, position: marie.position, watermarks: marie.watermarks }, marie);
  // As the demo tells: the visitor of Monday morning, and the buyer of the till.
  const former = ["N7tDF2RcFSPtYFJ1t8hUEl", "_6zAUiI4ClbmVF9Ei30Ue7"];
  for (const id of former) {
    const found = expectAnswer(await client.readProfile({ params: { id } }));
    assert.deepEqual([found.profileId, found.requestedId], [marie.profileId, id]);
  }
});

test("nobody is nobody, whatever was asked, and looks like what one may not see", async () => {
  const bodies = new Set<string>();
  const note = async (work: Promise<{ readonly ok: boolean; readonly status: number; readonly problem?: object }>) => {
    const { ok, status, problem } = await work;
    assert.deepEqual([ok, status], [false, 404]);
    bodies.add(JSON.stringify({ ...problem, requestId: "" }));
  };
  const [agent, reader, none] = [api.as(api.keys.agent), api.as(api.keys.reader), "AAAAAAAAAAAAAAAAAAAAAA"];
  for (const body of [MISS, { namespace: "phone", value: "x" }]) await note(agent.lookUp({ body }));
  await note(agent.readProfile({ params: { id: none } }));
  await note(agent.viewCaller({ body: { phone: MISS.value } }));
  await note(agent.explain({ body: { identifiers: [phone, MISS] } }));
  // A reader may not ask why: whether there is somebody or not.
  await note(reader.explain({ body: { identifiers: [phone] } }));
  await note(reader.explain({ body: { identifiers: [MISS] } }));
  assert.equal(bodies.size, 1, [...bodies].join("\n"));
});

test("what is wrong with a request is said by place, with what would be right, and without its values", async () => {
  const agent = api.as(api.keys.agent);
  const namespaces = [...api.surroundings.engine.registry.namespaces.keys()].sort();
  const misspelt = { namespace: "mobile", value: "secretvalue" };
  const faults = async (work: Promise<{ readonly ok: boolean; readonly problem?: object }>) => {
    const { problem } = (await work) as { problem: { code: string; errors: { path: string; message: string }[] } };
    assert.equal(problem.code, "malformed-request");
    assert.ok(!JSON.stringify(problem).includes("secretvalue"));
    return problem.errors.map(({ path, message }) => `${path}: ${message}`);
  };
  const known = `none of ${namespaces.join(", ")}`;
  assert.deepEqual(await faults(agent.lookUp({ body: misspelt })), [`body.namespace: ${known}`]);
  const both = { identifiers: [phone, misspelt] };
  assert.deepEqual(await faults(agent.explain({ body: both })), [`body.identifiers.1.namespace: ${known}`]);
  const query = { "at-least": "secretvalue" };
  assert.deepEqual(await faults(agent.lookUp({ body: phone, query })), [
    "query.at-least: a position of an earlier answer",
  ]);
  const extra = { ...phone, secretvalue: 1 } as typeof phone;
  assert.deepEqual(await faults(agent.lookUp({ body: extra })), [
    "body: a key that is not known here: see /openapi.json",
  ]);
});

test("an agent sees by the caller's phone who calls, since when, and what was bought anywhere (S7)", async () => {
  const view = expectAnswer(await api.as(api.keys.agent).viewCaller({ body: { phone: "06.39.98.00.17" } }));
  const [marie] = view.profiles;
  assert.equal(view.profiles.length, 1);
  assert.deepEqual([marie?.segment?.name, marie?.orders.length], ["ambassador", 5]);
  assert.ok(marie?.traits.some(({ name, value }) => name === "lastName" && value === "Lefort"));
  assert.ok(marie?.counters.some(({ name }) => name === "called"));
});

test("a number that two share shows both, and a look-up by it nobody", async () => {
  const client = api.as(api.keys.agent);
  const { profiles } = expectAnswer(await client.viewCaller({ body: { phone: LANDLINE.phone } }));
  const names = profiles.map(({ traits }) => traits.find(({ name }) => name === "firstName")?.value);
  assert.deepEqual(new Set(names), new Set(["Claire", "Yann"]));
  const found = await client.lookUp({ body: { namespace: "phone", value: LANDLINE.phone } });
  assert.equal(found.status, 404);
});

test("a link and a refusal are explained by their evidence, masked without profile:pii (I7)", async () => {
  const identifiers = [phone, { namespace: "customer", value: MARIE.account.customer }];
  const [open, masked] = [api.as(api.keys.agent), api.as(api.keys.analyst)];
  const link = expectAnswer(await open.explain({ body: { identifiers } }));
  assert.ok(link.one && link.links.length > 0 && link.links.every(({ meaning }) => meaning !== ""));
  assert.ok(JSON.stringify(link).includes("C-1001"));
  const hidden = JSON.stringify(expectAnswer(await masked.explain({ body: { identifiers } })));
  assert.ok(!hidden.includes("C-1001") && !hidden.includes("+33639980017"));
  const two = [HUGO.account, NADIA.account].map(({ customer }) => ({ namespace: "customer", value: customer }));
  const apart = expectAnswer(await open.explain({ body: { identifiers: two } }));
  assert.ok(!apart.one && apart.obstacle === "no-evidence" && apart.change !== "");
  assert.ok(apart.profiles.every(({ version, position }) => version > 0 && /^\d+\.\d+$/.test(position)));
});

test("a position that the shard has reached is answered, one that it does not reach is 503 with Retry-After", async () => {
  const short = await openTestApi(api.stage, { limits: { waitMs: 50 } });
  const client = short.as(short.keys.agent);
  const { position } = expectAnswer(await client.lookUp({ body: phone }));
  assert.equal((await client.lookUp({ body: phone, query: { "at-least": position } })).status, 200);
  const [shard = "0"] = position.split(".");
  const late = await client.lookUp({ body: phone, query: { "at-least": `${shard}.999999999` } });
  assert.ok(!late.ok && late.problem.code === "position-not-reached" && late.retryAfter === 1);
  for (const bad of ["9999.1", "x", "1", "1.-1", `r.${"0".repeat(36)}.a.b`]) {
    const refused = await client.lookUp({ body: phone, query: { "at-least": bad } });
    assert.ok(!refused.ok && refused.problem.code === "malformed-request", bad);
  }
  await short.close();
});

test("a split is in effect at the position that it is answered with, and lifting it gives all back (I2)", async () => {
  const client = api.as(api.keys.operator);
  const email = { namespace: "email", value: MARIE.email.email };
  const customer = { namespace: "customer", value: MARIE.account.customer };
  // The clock stands still here, and of two rulings of one instant the greater id holds.
  const rule = async (verdict: "apart" | "lifted", reason: string) => {
    const id = `${verdict === "apart" ? "1" : "2"}b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b`;
    return expectAnswer(await client.rule({ body: { id, verdict, identifiers: [email, customer], reason } }));
  };
  const whole = expectAnswer(await client.lookUp({ body: customer }));

  const split = await rule("apart", "her mother's address");
  assert.equal(split.profiles.length, 2);
  const query = { "at-least": split.position };
  const two = expectAnswer(await client.explain({ body: { identifiers: [email, customer] }, query }));
  assert.ok(!two.one && two.obstacle === "held-apart");

  const lifted = await rule("lifted", "it was hers");
  const back = expectAnswer(await client.lookUp({ body: customer, query: { "at-least": lifted.position } }));
  assert.deepEqual(
    { ...back, version: 0, position: "", segment: null, watermarks: [] },
    { ...whole, version: 0, position: "", segment: null, watermarks: [] },
  );
  const written: string[] = [];
  const { log, codec } = api.stage.runtime.wires;
  for await (const { value } of log.read(["weft.operator"], { from: "start", follow: false })) {
    const decoded = codec.decode(value);
    if (decoded.ok) written.push((decoded.value as { readonly note: string }).note);
  }
  assert.match(written.join("\n"), /^key [a-z0-9]{10}: her mother's address\nkey [a-z0-9]{10}: it was hers$/);
});

test("a refused ruling is 409 with the reason, and the log has nothing of it", async () => {
  const client = api.as(api.keys.operator);
  const count = async () => {
    const ends = await api.stage.runtime.wires.log.endOffsets(["weft.operator"]);
    return [...ends.values()].reduce((sum, end) => sum + end, 0);
  };
  const known = await count();
  const customers = [MARIE.account.customer, PAUL.account.customer].map((value) => ({ namespace: "customer", value }));
  const [marie, paul] = customers as [(typeof customers)[number], (typeof customers)[number]];
  const cases = [
    [marie, paul, /a customer of its own/],
    [marie, marie, /the same identifier/],
    [marie, { namespace: "customer", value: "C-9999" }, /^customer: unknown-identifier$/],
  ] as const;
  for (const [one, other, reason] of cases) {
    const refused = await client.rule({ body: { verdict: "linked", identifiers: [one, other], reason: "r" } });
    assert.ok(!refused.ok && refused.status === 409 && refused.problem.code === "ruling-refused");
    assert.match(refused.problem.detail ?? "", reason);
  }
  assert.equal(await count(), known);
});

test("the same command sent twice counts once", async () => {
  const client = api.as(api.keys.operator);
  const customer = { namespace: "customer", value: NADIA.account.customer as string };
  const card = { namespace: "card", value: NADIA.card.card as string };
  const id = "0b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b";
  const identifiers: [typeof card, typeof card] = [customer, card];
  const body = { id, verdict: "linked" as const, identifiers, reason: "she showed it" };
  const first = expectAnswer(await client.rule({ body }));
  const again = expectAnswer(await client.rule({ body }));
  assert.deepEqual([first.id, again.position], [id, first.position]);
  const query = { "at-least": again.position };
  const nadia = expectAnswer(await client.lookUp({ body: customer, query }));
  const later = expectAnswer(await client.lookUp({ body: customer, query }));
  assert.equal(later.version, nadia.version);
});

test("health, readiness and, for administrators, every shard", async () => {
  const anybody = api.as(null);
  assert.deepEqual(expectAnswer(await anybody.readHealth({})), { status: "ok" });
  assert.deepEqual(expectAnswer(await anybody.readReadiness({})), { ready: true, shards: 4, behind: 0 });
  const { shards } = expectAnswer(await api.as(api.keys.admin).readShards({}));
  assert.deepEqual([shards.length, shards.every(({ standing }) => standing)], [4, true]);
});
