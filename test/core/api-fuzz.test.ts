// Thousands of requests made of the OpenAPI document: every answer has a documented status and shape, nothing is a fault,
// and memory stays. WEFT_PROPERTY_RUNS scales them; WEFT_FUZZ_REQUESTS and WEFT_FUZZ_SEED for more and for others.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CONTRACT, type RouteContract, ROUTE_NAMES } from "#services/api/contract.ts";
import { problemSchema } from "#services/api/problem.ts";
import { LANDLINE, MARIE, PAUL } from "#services/demo/cast.ts";
import { expectAnswer, playCalmWeek, serveStage, type TestApi } from "#support/api.ts";
import { type Document, generateRequests } from "#support/api-fuzz.ts";
import { FACTOR } from "#support/property.ts";
import { readSource } from "#support/source.ts";

/** Fewer would not meet every route's success. */
const REQUESTS_MIN = 5000;
const REQUESTS = Number(process.env["WEFT_FUZZ_REQUESTS"] ?? Math.max(50_000 * FACTOR, REQUESTS_MIN));
const SEED = Number(process.env["WEFT_FUZZ_SEED"] ?? "1");
const GROWTH_MAX = 24 * 1024 * 1024;

let api: TestApi;
serveStage(playCalmWeek, (opened) => void (api = opened), { limits: { waitMs: 20 } });

function weigh(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

const EXPORT = "0b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b";
const PAUL_BY_ACCOUNT = { namespace: "customer", value: PAUL.account.customer };
const IDENTIFIERS = [
  { namespace: "customer", value: MARIE.account.customer },
  { namespace: "card", value: MARIE.card.card },
  { namespace: "email", value: MARIE.email.email },
  PAUL_BY_ACCOUNT,
];
const KNOWN = {
  namespace: ["email", "phone", "customer", "card", "cookie", "ip", "none"],
  value: [MARIE.phone.phone, MARIE.email.email, MARIE.account.customer, MARIE.card.card, PAUL.account.customer],
  number: [MARIE.card.card, "A-2001", "M-0003"],
  phone: [MARIE.phone.phone, LANDLINE.phone],
  id: ["N7tDF2RcFSPtYFJ1t8hUEl", "_6zAUiI4ClbmVF9Ei30Ue7", EXPORT],
  identifier: IDENTIFIERS,
  identifiers: IDENTIFIERS,
  // Those in force: another set would move people.
  file: [readSource("services/config/default/rules.yaml")],
  "at-least": ["0.1", "1.1", "2.99999999", "4000.1", `e.${EXPORT}`, "g.1"],
};

/** What a request may have to wait for where nothing is wrong; no other 5xx is an answer. */
const WAITED: ReadonlySet<string> = new Set(["position-not-reached", "too-many-exports"]);

test(`${REQUESTS} requests: only documented statuses and shapes, and no more memory`, async (t) => {
  const document = (await api.app.inject("/openapi.json")).json() as Document;
  const everybody = [...Object.values(api.keys), "weft_none"];
  const officers = [api.keys.privacy, api.keys.admin];
  // Nobody is erased before the end: until then there is somebody to find.
  const phases = [
    { upTo: 0.4, credentials: everybody.filter((key) => !officers.includes(key)), without: [] },
    { upTo: 0.9, credentials: everybody, without: ["erase"] },
    { upTo: 1, credentials: everybody, without: [] },
  ].map(({ upTo, ...options }, phase) => ({
    upTo: REQUESTS * upTo,
    requests: generateRequests({ document, seed: SEED + phase, known: KNOWN, ...options }),
  }));
  for (const credential of officers)
    expectAnswer(await api.as(credential).exportPerson({ body: { id: EXPORT, identifier: PAUL_BY_ACCOUNT } }));
  const statuses = new Map<string, number>();
  const warmUp = Math.ceil(REQUESTS / 4);
  let heap = 0;
  const startedAt = process.cpuUsage();
  for (let count = 0; count < REQUESTS; count += 1) {
    if (count === warmUp) heap = weigh();
    const phase = phases.find(({ upTo }) => count < upTo) as (typeof phases)[number];
    const { operation, ...request } = phase.requests.next().value;
    const answer = await api.app.inject(request);
    const { statusCode, headers, body } = answer;
    const place = () =>
      `seed ${SEED}, request ${count}: ${JSON.stringify(request).slice(0, 600)} → ${statusCode} ${body.slice(0, 400)}`;
    statuses.set(
      `${operation.operationId} ${statusCode}`,
      (statuses.get(`${operation.operationId} ${statusCode}`) ?? 0) + 1,
    );
    const isProblem = String(headers["content-type"]).startsWith("application/problem+json");
    const problem = isProblem ? problemSchema.parse(JSON.parse(body)) : null;
    // A path parameter with a slash in it, or none at all, is another route.
    if (problem?.code === "no-such-route" && /^\/(profiles|privacy\/exports)\//.test(request.url)) continue;
    assert.ok(String(statusCode) in operation.responses, place());
    if (statusCode >= 500) assert.ok(problem !== null && WAITED.has(problem.code), place());
    if (problem !== null) {
      assert.equal(problem.status, statusCode, place());
      if (problem.code === "malformed-request") assert.ok((problem.errors?.length ?? 0) > 0, place());
      continue;
    }
    const name = ROUTE_NAMES.find((one) => one === operation.operationId);
    assert.ok(name !== undefined, place());
    const contract: RouteContract = CONTRACT[name];
    assert.equal(statusCode, contract.status, place());
    const { error } = contract.answer.safeParse(JSON.parse(body));
    assert.equal(error, undefined, place());
    // Logged lines are kept by the test, not by the product.
    if (api.logged.length > 1000) api.logged.length = 0;
  }
  const { user, system } = process.cpuUsage(startedAt);
  const growth = weigh() - heap;
  t.diagnostic(JSON.stringify(Object.fromEntries(statuses)));
  t.diagnostic(`CPU ${Math.round((user + system) / 1e6)} s, heap ${Math.round(growth / 1024)} KiB`);
  const successes = [...statuses].filter(([name]) => / 20\d$/.test(name)).map(([name]) => name.split(" ")[0]);
  assert.deepEqual(new Set(successes), new Set(ROUTE_NAMES), "each route was asked for something that it can do");
  assert.ok(growth < GROWTH_MAX, `${growth} bytes more`);
});
