// What each route answers while Redis or Kafka is away, and while nobody vouches for what Redis holds: an answer that says how
// old it is, or a problem and when to ask again; a command is refused before anything of it is done.

import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { LogError } from "#ports/log.ts";
import { StoreUnavailable } from "#ports/store.ts";
import type { Client, Reply } from "#services/api/client.ts";
import { CONTRACT, type RouteContract, type RouteName } from "#services/api/contract.ts";
import type { ProblemCode } from "#services/api/problem.ts";
import type { ApiSurroundings } from "#services/api/services.ts";
import type { Stage } from "#services/cli/stage.ts";
import { SHIPPED_FILE } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import { MARIE } from "#services/demo/cast.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { expectAnswer, openTestApi, playWeek, shareStage } from "#support/api.ts";

type Away = "redis" | "kafka" | "vouching";
type Told = { readonly [place in Away]: ProblemCode | null };

const customer = { namespace: "customer", value: MARIE.account.customer };
const card = { namespace: "card", value: MARIE.card.card };
const file = readFileSync(join(dirname(SHIPPED_FILE), "rules.yaml"), "utf8");

let stage: Stage;
let params = { id: "" };
let position = "";
shareStage(playWeek, async (opened) => {
  stage = opened;
  const api = await openTestApi(stage);
  const found = expectAnswer(await api.as(api.keys.agent).lookUp({ body: customer }));
  params = { id: found.profileId };
  position = found.position;
  await api.close();
});

/** Of whom Redis tells. */
const PEOPLE: Told = { redis: "store-unavailable", kafka: null, vouching: "store-behind" };
/** What topics tell beside. */
const BOTH: Told = { ...PEOPLE, kafka: "log-unavailable" };
const NEITHER: Told = { redis: null, kafka: null, vouching: null };

type Answered = { readonly ok: true; readonly body: object } | Extract<Reply<unknown>, { ok: false }>;
type Asked = readonly [told: Told, ask: (client: Client) => Promise<Answered>];

const ROUTES: Readonly<Record<Exclude<RouteName, "readExport">, Asked>> = {
  lookUp: [PEOPLE, (client) => client.lookUp({ body: customer })],
  readProfile: [PEOPLE, (client) => client.readProfile({ params })],
  search: [PEOPLE, (client) => client.search({ body: { by: "card", number: card.value } })],
  viewCaller: [PEOPLE, (client) => client.viewCaller({ body: { phone: MARIE.phone.phone } })],
  viewForMarketing: [PEOPLE, (client) => client.viewForMarketing({ body: customer })],
  viewForService: [PEOPLE, (client) => client.viewForService({ body: customer })],
  viewForProduct: [PEOPLE, (client) => client.viewForProduct({ body: customer })],
  readTimeline: [PEOPLE, (client) => client.readTimeline({ params })],
  readTransitions: [BOTH, (client) => client.readTransitions({ params })],
  explain: [PEOPLE, (client) => client.explain({ body: { identifiers: [customer, card] } })],
  rule: [BOTH, (client) => client.rule({ body: { verdict: "cut", identifiers: [customer, card], reason: "r" } })],
  note: [BOTH, (client) => client.note({ body: { identifier: customer, text: "t" } })],
  correct: [
    BOTH,
    (client) =>
      client.correct({ body: { identifier: customer, reason: "r", correction: { kind: "objection", purpose: "p" } } }),
  ],
  erase: [BOTH, (client) => client.erase({ body: { identifier: customer, reason: "r" } })],
  exportPerson: [BOTH, (client) => client.exportPerson({ body: { identifier: customer } })],
  listDue: [PEOPLE, (client) => client.listDue({})],
  readRules: [{ ...BOTH, vouching: null }, (client) => client.readRules({})],
  // The rules that are in force already: there is nothing to be written.
  applyRules: [
    { ...NEITHER, kafka: "log-unavailable" },
    (client) => client.applyRules({ body: { file, reason: "r" } }),
  ],
  readReport: [{ ...NEITHER, kafka: "log-unavailable" }, (client) => client.readReport({ params: { kind: "matrix" } })],
  readShards: [{ ...NEITHER, redis: "store-unavailable" }, (client) => client.readShards({})],
  readHealth: [NEITHER, (client) => client.readHealth({})],
  readReadiness: [PEOPLE, (client) => client.readReadiness({})],
};

/** Whatever is asked of it throws. */
function refuse<Service extends object>(error: Error): Service {
  const fail = (): never => {
    throw error;
  };
  return new Proxy({}, { get: () => fail }) as Service;
}

const WITHOUT: Readonly<Record<Away, (whole: ApiSurroundings) => Partial<ApiSurroundings>>> = {
  redis({ hash }) {
    const error = new StoreUnavailable("Redis is away");
    return { store: refuse(error), index: new ComponentIndex(refuse(error), hash) };
  },
  kafka: () => ({ log: refuse(new LogError("log-unavailable", "Kafka is away")) }),
  // As after a restart, perhaps from a backup, that holds whom nobody knows any more.
  vouching: ({ store }) => ({
    store: {
      ...store,
      standing: async () => null,
      survey: async (shard, keys) => ({ ...(await store.survey(shard, keys)), standing: null }),
    },
  }),
};

/** On every topic but the log of record, which time itself moves. */
async function countRecords(): Promise<number> {
  const { log } = stage.runtime.wires;
  const written = (await log.listTopics()).filter((topic) => topic !== topicNames(stage.loaded).resolved);
  return [...(await log.endOffsets(written)).values()].reduce((sum, end) => sum + end, 0);
}

for (const away of Object.keys(WITHOUT) as Away[])
  test(`without ${away} each route answers, or says when to ask again; no command is half done (S2)`, async () => {
    const api = await openTestApi(stage, { change: WITHOUT[away], limits: { waitMs: 100 } });
    const client = api.as(api.keys.admin);
    const written = await countRecords();
    for (const [name, [told, ask]] of Object.entries(ROUTES) as [keyof typeof ROUTES, Asked][]) {
      const reply = await ask(client);
      const { isLookUp }: RouteContract = CONTRACT[name];
      if (!reply.ok) {
        deepEqual([reply.problem.code, reply.status, reply.retryAfter], [told[away], 503, 5], name);
        continue;
      }
      equal(told[away], null, name);
      const people = isLookUp ? listPeople(reply.body) : [];
      ok(!isLookUp || people.length > 0, `${name} is about somebody`);
      for (const one of people) {
        ok(/^\d+\.\d+$/.test(String(one["position"])) && typeof one["version"] === "number", name);
        const watermarks = one["watermarks"] as readonly { readonly upTo: string | null }[];
        ok(
          watermarks.some(({ upTo }) => upTo !== null),
          `${name} says how old it is`,
        );
      }
    }
    const byName = await client.search({ body: { by: "name", lastName: "Nobody", postcode: "00000" } });
    equal(byName.ok ? null : byName.problem.code, away === "kafka" ? "log-unavailable" : "not-found");
    equal(await countRecords(), written);
    const unreached = position.replace(/\d+$/, (offset) => `${offset}000`);
    const late = await client.lookUp({ body: customer, query: { "at-least": unreached } });
    ok(!late.ok && late.status === 503 && late.retryAfter !== null, "whoever wants no stale answer gets none");
    const headers = { authorization: `Bearer ${api.keys.admin}` };
    const stream = await api.app.inject({ url: `/changes?profileId=${params.id}`, headers });
    deepEqual([stream.statusCode, stream.json<{ code: string }>().code], [503, BOTH[away]]);
    await api.close();
  });

function listPeople(answer: object): Readonly<Record<string, unknown>>[] {
  if (Array.isArray(answer)) return answer.flatMap(listPeople);
  if ("watermarks" in answer) return [answer];
  return Object.values(answer).flatMap((one: unknown) =>
    typeof one === "object" && one !== null ? listPeople(one) : [],
  );
}
