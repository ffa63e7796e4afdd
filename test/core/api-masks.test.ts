// What is told to whoever has not `profile:pii`: of nobody a value.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { maskChange } from "#services/api/change-mask.ts";
import type { Reply } from "#services/api/client.ts";
import { CONTRACT, type RouteContract, ROUTE_NAMES, type RouteName } from "#services/api/contract.ts";
import { type Role, ROLE_NAMES, ROLES, type Scope } from "#services/api/role.ts";
import { openStage } from "#services/cli/stage.ts";
import { type Path, PATH_KINDS } from "#core/effect.ts";
import { expectAnswer, serveStage, type TestApi } from "#support/api.ts";
import { tell } from "#support/fold-events.ts";
import { StreamReader } from "#support/stream-reader.ts";

const HER = { customer: "C-canary-customer" };
const EMAIL = "a.canary-email@example.com";
const PHONE = "06 39 98 00 77";
const CARD = "2-canary-card";
/** Of her a value in every part that an event has. */
const EVENTS = [
  tell("crm", 1, "identified", { ...HER, email: EMAIL, phone: PHONE, card: CARD, "crm-contact": "K-canary-contact" }),
  tell("crm", 2, "traits-changed", HER, {
    traits: { lastName: "Canary-name", postcode: "75011", born: "canary-trait" },
  }),
  tell("crm", 3, "traits-changed", HER, { traits: { address: "1 rue Canary-road, 75011 Paris" } }),
  tell("crm", 4, "preference-stated", HER, { preferences: { favouriteStore: "canary-stated" } }),
  tell("web", 5, "product-viewed", HER, { preferences: { colour: "canary-inferred" } }),
  tell("crm", 6, "identified", HER, { group: { kind: "household", groupId: "H-canary-household", role: "mother" } }),
  tell("crm", 7, "identified", HER, {
    group: { kind: "account", groupId: "A-canary-account", parent: "P-canary-parent" },
  }),
  tell("crm", 8, "note-added", HER, { note: "canary-note" }),
  tell("crm", 9, "case-opened", HER, { case: { caseId: "Q-1", motive: "canary-motive" } }),
  tell("call-centre", 10, "called", HER, { case: { caseId: "Q-1", motive: "canary-call" }, note: "canary-said" }),
  tell("crm", 11, "consent-changed", HER, { consents: [{ purpose: "news", granted: true, proof: "canary-proof" }] }),
  tell("email", 12, "message-clicked", { email: EMAIL }, { message: { messageId: "canary-message" } }),
  tell("web", 13, "searched", { ...HER, cookie: "k-canary-cookie" }, { search: { query: "canary-query" } }),
  tell("web", 14, "product-added", HER, { cart: { cartId: "canary-cart", lines: [] } }),
  tell("store", 15, "order-placed", HER, { order: { orderId: "O-1", currency: "EUR", totalMinor: 100, lines: [] } }),
  tell("crm", 16, "identified", { customer: "C-other" }),
  tell("crm", 17, "traits-changed", HER, { traits: { theLast: true } }),
];
const [{ recordedAt: LAST_MS }] = EVENTS.slice(-1) as [(typeof EVENTS)[number]];
const CANARIES = [
  ...new Set(
    [
      ...JSON.stringify(EVENTS)
        .toLowerCase()
        .matchAll(/canary-\w+/g),
    ].map(([word]) => word),
  ),
  "639980077",
];

const customer = { namespace: "customer", value: HER.customer };
const email = { namespace: "email", value: EMAIL };
const other = { namespace: "customer", value: "C-other" };
const reason = "r";

/** What is asked about her at each route; id: her profile's. */
function listCalls(id: string): Readonly<Record<RouteName, readonly object[]>> {
  const params = { id };
  const name = { by: "name", lastName: "canary-name", postcode: "75011" };
  return {
    lookUp: [{ body: customer }, { body: email }],
    readProfile: [{ params }],
    search: [{ by: "card", number: CARD }, { by: "order", number: "O-1" }, name].map((body) => ({ body })),
    viewCaller: [{ body: { phone: PHONE } }],
    viewForMarketing: [{ body: customer }],
    viewForService: [{ body: customer }],
    viewForProduct: [{ body: customer }],
    readTimeline: [{ params }],
    readTransitions: [{ params }],
    explain: [[email], [customer, email], [customer, other]].map((identifiers) => ({ body: { identifiers } })),
    rule: [{ body: { verdict: "linked", identifiers: [customer, email], reason } }],
    note: [{ body: { identifier: customer, text: "t" } }],
    correct: [{ body: { identifier: customer, reason, correction: { kind: "objection", purpose: "p" } } }],
    erase: [{ body: { identifier: customer, reason } }],
    exportPerson: [{ body: { identifier: customer, id: "0b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b" } }],
    readExport: [{ params: { id: "0b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b" } }],
    listDue: [{}],
    readRules: [{}],
    applyRules: [{ body: { file: "version: x", reason } }],
    readReport: ["matrix", "paths", "quality"].map((kind) => ({ params: { kind } })),
    readShards: [{}],
    readHealth: [{}],
    readReadiness: [{}],
  };
}

const has = (role: Role, scope: Scope): boolean => (ROLES[role] as readonly Scope[]).includes(scope);
const BLIND = ROLE_NAMES.filter((role) => !has(role, "profile:pii"));

let api: TestApi;
const streams = new Map<Role, StreamReader>();
serveStage(openStage, async (opened) => {
  api = opened;
  const base = await api.app.listen({ host: "127.0.0.1", port: 0 });
  for (const role of ROLE_NAMES) streams.set(role, await StreamReader.open(base, api.keys[role], {}));
  await api.stage.play(LAST_MS, EVENTS);
});

/** What the role is answered; of a route that it may not ask, the problem. */
async function ask(role: Role, name: RouteName, call: object): Promise<Reply<RouteContract>> {
  const send = api.as(api.keys[role])[name] as (call: object) => Promise<Reply<RouteContract>>;
  return send(call);
}

function findCanaries(text: string): string[] {
  const lower = text.toLowerCase();
  return CANARIES.filter((word) => lower.includes(word));
}

test("no answer has a value of hers for a role without profile:pii, whatever is asked about her", async () => {
  const { profileId } = expectAnswer(await api.as(api.keys.reader).lookUp({ body: customer }));
  const calls = listCalls(profileId);
  assert.ok(BLIND.length > 0);
  for (const role of BLIND)
    for (const name of ROUTE_NAMES)
      for (const call of calls[name]) {
        const reply = await ask(role, name, call);
        const { scope } = CONTRACT[name];
        assert.equal(reply.ok, scope === null || has(role, scope), `${role} ${name}: ${reply.status}`);
        assert.deepEqual(findCanaries(JSON.stringify(reply)), [], `${role} ${name}`);
      }
});

test("all these values are there: whoever has profile:pii is told each of them", async () => {
  const { profileId } = expectAnswer(await api.as(api.keys.agent).lookUp({ body: customer }));
  const calls = listCalls(profileId);
  const told: string[] = [];
  for (const name of ROUTE_NAMES)
    for (const call of "isCommand" in CONTRACT[name] && name !== "exportPerson" ? [] : calls[name])
      for (let tries = 0; ; tries += 1) {
        const reply = await ask("admin", name, call);
        assert.ok(reply.ok, `${name}: ${JSON.stringify(reply)}`);
        const { state } = reply.body as { readonly state?: string };
        if (name !== "readExport" || state === "ready") {
          told.push(JSON.stringify(reply.body));
          break;
        }
        assert.ok(tries < 500, state);
        await delay(10);
      }
  assert.deepEqual(findCanaries(told.join()), CANARIES);
});

test("the stream tells a role without profile:pii the same changes, and no value of hers", async () => {
  const kinds = new Map<Role, unknown[]>();
  for (const [role, stream] of streams) {
    await stream.next(({ data }) => JSON.stringify(data).includes("traits.theLast"));
    const changes = stream.events.flatMap(({ data }) => (data as { changes?: { path: string }[] }).changes ?? []);
    kinds.set(role, changes.map(({ path }) => path.split(".", 2).join(".")).toSorted());
    assert.deepEqual(kinds.get(role), kinds.get("reader"), role);
    const seen = findCanaries(stream.text);
    if (BLIND.includes(role)) assert.deepEqual(seen, [], role);
    else assert.ok(seen.length > 10, `${role} ${seen.join()}`);
    await stream.close();
  }
});

/** A path of each kind with a value, and how they are told. */
const CHANGES: readonly (readonly [Path, string, string, string])[] = [
  ["audiences.big-spenders", "true", "audiences.big-spenders", "true"],
  ["cases.crm.Q-310", '"open"', "cases.crm.Q-310", '"open"'],
  ["consents.newsletter.email", "true", "consents.newsletter.email", "true"],
  ["contacts.email.ana.b@example.com", '"bounced"', "contacts.email.a*******", '"bounced"'],
  ["contacts.postal.1 rue X\n75001 Paris. FR", '"verified"', "contacts.postal.1*******", '"verified"'],
  ["counters.called", "2", "counters.called", "2"],
  ["groups.household.H-Lefort.Rennes", '"mother"', "groups.household.H*******", '"mother"'],
  ["identifiers.email.ana.b@example.com", '"owned"', "identifiers.email.a*******", '"owned"'],
  ["identifiersCount", "201", "identifiersCount", "201"],
  ["loyalty.club.tier", '"gold"', "loyalty.club.tier", '"gold"'],
  ["orders.spentMinor.EUR", "12900", "orders.spentMinor.EUR", "12900"],
  ["preferences.favouriteStore", '"Rennes"', "preferences.favouriteStore", '"***"'],
  ["profile.known", "true", "profile.known", "true"],
  ["restrictions.R-1", "true", "restrictions.R-1", "true"],
  ["scores.lead", "20", "scores.lead", "20"],
  ["segment", '"visitor"', "segment", '"visitor"'],
  ["subscriptions.crm.S-1", '"active"', "subscriptions.crm.S-1", '"active"'],
  ["traits.born", "1984", "traits.born", '"***"'],
];

test("of a change is shown what a look-up shows masked, whatever its path is about", () => {
  assert.deepEqual(new Set(CHANGES.map(([path]) => path.split(".")[0])), new Set(PATH_KINDS));
  for (const [path, text, shownPath, shownText] of CHANGES) {
    assert.deepEqual(maskChange({ path, before: null, after: text }), {
      path: shownPath,
      before: null,
      after: shownText,
    });
    assert.equal(maskChange({ path, before: text, after: null }).before, shownText);
  }
});

test("of a change that nobody has decided about nothing is shown", () => {
  for (const path of ["letters.ana.b@example.com", "constructor.ana", "email@example.com", ""])
    assert.deepEqual(maskChange({ path: path as Path, before: null, after: '"ana"' }), {
      path: "***",
      before: null,
      after: '"***"',
    });
});
