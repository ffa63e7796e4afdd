// What the API says of itself: the document, its page, and the lists of API.md, which are those of the code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANGES, CONTRACT, listProblems, SHARED_PROBLEMS } from "#services/api/contract.ts";
import {
  ApiProblem,
  PROBLEM_CODES,
  PROBLEM_TYPE,
  PROBLEMS,
  problemSchema,
  writeProblem,
} from "#services/api/problem.ts";
import { ROLE_NAMES, ROLES } from "#services/api/role.ts";
import { openStage } from "#services/cli/stage.ts";
import { serveStage, type TestApi } from "#support/api.ts";
import { readTable } from "#support/tables.ts";

let api: TestApi;
serveStage(openStage, (opened) => void (api = opened));

const readApiTable = (heading: string) => readTable("services/api/API.md", heading);

test("API.md lists the problems, routes and roles that there are", () => {
  assert.deepEqual(
    readApiTable("Problems"),
    PROBLEM_CODES.map((code) => [
      code,
      String(PROBLEMS[code].status),
      PROBLEMS[code].title.replaceAll("`", ""),
      PROBLEMS[code].advice.replaceAll("`", ""),
    ]),
  );
  const routes = [...Object.values(CONTRACT), CHANGES];
  assert.deepEqual(
    readApiTable("Routes").map(([route, scope]) => [route, scope]),
    routes.map(({ method, url, scope }) => [`${method} ${url}`, scope ?? "everybody"]),
  );
  assert.deepEqual(
    readApiTable("Roles"),
    ROLE_NAMES.map((role) => [role, ROLES[role].join(", ")]),
  );
});

test("each problem is one of the list, in the shape of RFC 9457, and each code is some route's", () => {
  for (const code of PROBLEM_CODES) {
    const { status, headers, body } = writeProblem(new ApiProblem(code), "r");
    const problem = problemSchema.parse(JSON.parse(body));
    assert.deepEqual([problem.status, problem.code, headers["content-type"]], [status, code, PROBLEM_TYPE]);
    assert.equal("retry-after" in headers, status === 503 || status === 429, code);
  }
  const ofRoutes = [...Object.values(CONTRACT).flatMap(listProblems), ...SHARED_PROBLEMS, ...CHANGES.problems];
  const elsewhere = ["no-such-route", "method-not-allowed", "headers-too-large"];
  assert.deepEqual(new Set([...ofRoutes, ...elsewhere]), new Set(PROBLEM_CODES));
});

test("the document is OpenAPI 3.1 with every route, and its page asks nobody else", async () => {
  const document = (await api.app.inject("/openapi.json")).json() as { readonly paths: Record<string, object> };
  const paths = new Set([...Object.values(CONTRACT), CHANGES].map(({ url }) => url.replace(/:(\w+)/, "{$1}")));
  assert.deepEqual(new Set(Object.keys(document.paths)), paths);
  const page = await api.app.inject("/docs");
  assert.equal(page.statusCode, 200);
  assert.match(String(page.headers["content-security-policy"]), /^default-src 'none'; script-src 'self';/);
  const references = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target = ""]) => target);
  assert.ok(references.length >= 4);
  for (const target of references) {
    assert.ok(!/^[a-z]+:|^\/\//.test(target), target);
    const asset = await api.app.inject(new URL(target, "http://x/docs/").pathname);
    assert.equal(asset.statusCode, 200, target);
  }
  const start = (await api.app.inject("/docs/static/swagger-initializer.js")).body;
  assert.ok(start.includes('"validatorUrl":null') && start.includes("/openapi.json"), start);
});

test("whatever is not there is a problem too, and every answer has a request id", async () => {
  for (const [method, url, allow] of [
    ["GET", "/", undefined],
    ["POST", "/health", "GET"],
    ["GET", "/profiles/lookup/x", undefined],
    ["DELETE", "/profiles/AAAAAAAAAAAAAAAAAAAAAA?x", "GET"],
    ["PUT", "/profiles/lookup", "POST"],
    ["GET", "/profiles/lookup", "POST"],
    ["QUERY", "/profiles/lookup?x", "POST"],
    ["OPTIONS", "/changes", "GET"],
    ["PUT", "/rules", "GET, POST"],
    ["GET", "/docs/static/..%2fx.js", undefined],
  ] as const) {
    const { statusCode, headers, body } = await api.app.inject({ method, url });
    const { code, status } = problemSchema.parse(JSON.parse(body));
    const expected = allow === undefined ? "no-such-route" : "method-not-allowed";
    assert.deepEqual([statusCode, code, headers["allow"]], [status, expected, allow], url);
    assert.match(String(headers["x-request-id"]), /^[0-9a-f-]{36}$/);
    assert.equal(headers["cache-control"], "no-store");
  }
  const logged = api.logged.length;
  for (const url of ["/profiles/%zz", `/profiles/${"A".repeat(200)}`]) {
    const { headers, body } = await api.app.inject(url);
    const { code, requestId, errors } = problemSchema.parse(JSON.parse(body));
    assert.deepEqual([code, errors?.length, headers["x-request-id"]], ["malformed-request", 1, requestId], url);
    assert.ok(api.logged.slice(logged).join("").includes(requestId), "a line in the log");
  }
});
