// Role by route by object: whoever may ask is answered about the living, under every id that leads to her; of who was
// erased, of nobody, and of what somebody may not see the answer is one and the same.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Reply } from "#services/api/client.ts";
import { CHANGES, CONTRACT, type RouteContract, ROUTE_NAMES, type RouteName } from "#services/api/contract.ts";
import { type Role, ROLE_NAMES, ROLES, type Scope } from "#services/api/role.ts";
import { MARIE, NADIA } from "#services/demo/cast.ts";
import { on } from "#services/demo/moment.ts";
import { expectAnswer, listFormerIds, playWeek, serveStage, type TestApi } from "#support/api.ts";
import { tell } from "#support/fold-events.ts";

interface Person {
  readonly customer: string;
  readonly phone: string;
  readonly card: string;
}

const LIVING: Person = { ...NADIA.account, ...NADIA.card, phone: "06 39 98 00 55" };
const ERASED: Person = { ...MARIE.account, ...MARIE.card, ...MARIE.phone };
const UNKNOWN: Person = { customer: "C-0000", card: "2099000000", phone: "06 39 98 00 66" };
const UNKNOWN_ID = "A".repeat(22);
const EMAIL = "nadia.x@example.com";
const EXPORT_ID = randomUUID();

type ById = (id: string) => object;
type ByPerson = (person: Person) => object;
const customerOf = ({ customer }: Person) => ({ namespace: "customer", value: customer });

/** Each route by what it takes; null: nothing of anybody. */
const BY_ID: Partial<Readonly<Record<RouteName, ById>>> = {
  readProfile: (id) => ({ params: { id } }),
  readTimeline: (id) => ({ params: { id } }),
  readTransitions: (id) => ({ params: { id } }),
};
const BY_PERSON: Partial<Readonly<Record<RouteName, ByPerson>>> = {
  lookUp: (person) => ({ body: customerOf(person) }),
  search: ({ card }) => ({ body: { by: "card", number: card } }),
  viewCaller: ({ phone }) => ({ body: { phone } }),
  viewForMarketing: (person) => ({ body: customerOf(person) }),
  viewForService: (person) => ({ body: customerOf(person) }),
  viewForProduct: (person) => ({ body: customerOf(person) }),
  explain: (person) => ({ body: { identifiers: [customerOf(person)] } }),
  rule: (person) => ({
    body: {
      verdict: "apart",
      identifiers: [customerOf(person), { namespace: "card", value: person.card }],
      reason: "r",
    },
  }),
  note: (person) => ({ body: { identifier: customerOf(person), text: "t" } }),
  correct: (person) => ({
    body: { identifier: customerOf(person), reason: "r", correction: { kind: "objection", purpose: "p" } },
  }),
  erase: (person) => ({ body: { identifier: customerOf(person), reason: "r" } }),
  exportPerson: (person) => ({ body: { identifier: customerOf(person) } }),
};
const OF_NOBODY: readonly RouteName[] = [
  "readExport",
  "listDue",
  "readRules",
  "applyRules",
  "readReport",
  "readShards",
  "readHealth",
  "readReadiness",
];

let api: TestApi;
let living: { readonly id: string; readonly former: readonly string[] };
let erased: typeof living;

async function know(person: Person): Promise<typeof living> {
  const { profileId: id } = expectAnswer(await api.as(api.keys.agent).lookUp({ body: customerOf(person) }));
  return { id, former: await listFormerIds(api.surroundings, id) };
}

serveStage(playWeek, async (opened) => {
  api = opened;
  // Her address is a profile of its own before it is hers.
  for (const [hour, names] of [
    { email: EMAIL },
    { customer: LIVING.customer, phone: LIVING.phone, email: EMAIL },
  ].entries()) {
    const recordedAt = on("Sat 13:00") + hour * 3_600_000;
    const { event } = tell("crm", hour, "identified", names);
    await api.stage.play(recordedAt, [{ source: "crm", recordedAt, event: { ...event, occurredAt: recordedAt } }]);
  }
  [living, erased] = [await know(LIVING), await know(ERASED)];
  const officer = api.as(api.keys.privacy);
  const body = { identifier: customerOf(ERASED), reason: "r" };
  assert.equal(expectAnswer(await officer.erase({ body })).state, "effective");
  expectAnswer(await officer.exportPerson({ body: { id: EXPORT_ID, identifier: customerOf(LIVING) } }));
});

async function ask(role: Role | null, name: RouteName, call: object): Promise<Reply<RouteContract>> {
  const client = api.as(role === null ? null : api.keys[role]);
  return (client[name] as (call: object) => Promise<Reply<RouteContract>>)(call);
}

/** What was said, without what is another with each request. */
function said(reply: Reply<RouteContract>): object {
  return reply.ok ? reply : { ...reply, problem: { ...reply.problem, requestId: "" } };
}

function may(role: Role | null, scope: Scope | null): boolean {
  return scope === null || (role !== null && (ROLES[role] as readonly Scope[]).includes(scope));
}

/** Of a route that the role may not ask. */
function refusalOf(role: Role | null, { isLookUp }: Pick<RouteContract, "isLookUp">): number {
  return role === null ? 401 : isLookUp ? 404 : 403;
}

const EVERYBODY = [...ROLE_NAMES, null];

test("every route takes an id, or whom it is about, or nothing of anybody", () => {
  const all = [...Object.keys(BY_ID), ...Object.keys(BY_PERSON), ...OF_NOBODY];
  assert.deepEqual(all.toSorted(), ROUTE_NAMES.toSorted());
});

test("an id, one borne before, an erased one and nobody's: each role at each route that takes one (G1)", async () => {
  assert.ok(living.former.length > 0 && erased.former.length > 0);
  for (const role of EVERYBODY)
    for (const [name, call] of Object.entries(BY_ID) as [RouteName, ById][]) {
      const isAllowed = may(role, CONTRACT[name].scope);
      const nobody = await ask(role, name, call(UNKNOWN_ID));
      assert.equal(nobody.status, isAllowed ? 404 : refusalOf(role, CONTRACT[name]), `${role} ${name}`);
      for (const id of [erased.id, ...erased.former])
        assert.deepEqual(said(await ask(role, name, call(id))), said(nobody), `${role} ${name}: erased`);
      for (const id of [living.id, ...living.former]) {
        const reply = await ask(role, name, call(id));
        if (!isAllowed) assert.deepEqual(said(reply), said(nobody), `${role} ${name}: living`);
        else assert.equal((expectAnswer(reply) as { readonly profileId?: string }).profileId, living.id);
      }
    }
});

test("the stream of an id: each role, as at a look-up", async () => {
  for (const role of EVERYBODY) {
    const follow = async (id: string) => {
      // One that opens does not end: it is asked to go on after an id that it must refuse.
      const headers = {
        "last-event-id": "none",
        ...(role === null ? {} : { authorization: `Bearer ${api.keys[role]}` }),
      };
      const answer = await api.app.inject({ url: `${CHANGES.url}?profileId=${id}`, headers });
      return { status: answer.statusCode, problem: { ...answer.json<object>(), requestId: "" } };
    };
    const nobody = await follow(UNKNOWN_ID);
    assert.equal(nobody.status, role === null ? 401 : 404, String(role));
    for (const id of [erased.id, ...erased.former]) assert.deepEqual(await follow(id), nobody, String(role));
    for (const id of [living.id, ...living.former])
      assert.equal((await follow(id)).status, role === null ? 401 : 400, String(role));
  }
});

test("a person, an erased one and nobody: each role at each route that is about one (G1)", async () => {
  for (const role of EVERYBODY)
    for (const [name, call] of Object.entries(BY_PERSON) as [RouteName, ByPerson][]) {
      const contract: RouteContract = CONTRACT[name];
      const isAllowed = may(role, contract.scope);
      const nobody = await ask(role, name, call(UNKNOWN));
      const place = `${role} ${name}`;
      const expected = isAllowed ? (contract.isLookUp ? 404 : 409) : refusalOf(role, contract);
      assert.equal(nobody.status, expected, `${place}: ${JSON.stringify(nobody)}`);
      assert.deepEqual(said(await ask(role, name, call(ERASED))), said(nobody), `${place}: erased`);
      // What a command does to the living is of other tests.
      if (isAllowed && !contract.isLookUp) continue;
      const reply = await ask(role, name, call(LIVING));
      if (!isAllowed) assert.deepEqual(said(reply), said(nobody), `${place}: living`);
      else assert.ok(JSON.stringify(expectAnswer(reply)).includes(living.id), place);
    }
});

test("an export is its author's: to everybody else it is like one that there is not", async () => {
  for (const role of EVERYBODY) {
    const [own, none] = [EXPORT_ID, randomUUID()].map((id) => ask(role, "readExport", { params: { id } }));
    const [reply, nobody] = [await own, await none] as [Reply<RouteContract>, Reply<RouteContract>];
    assert.equal(nobody.status, role === null ? 401 : 404, String(role));
    if (role === "privacy") assert.ok(reply.ok);
    else assert.deepEqual(said(reply), said(nobody), String(role));
  }
});
