// Who may ask what: every role at every route, bad credentials of every kind, keys that come and go, limits, and a log
// without anything of anybody.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { exportJWK, SignJWT } from "jose";
import { createKey, isRevoked, readKeyFile, writeKeyFile } from "#services/api/api-key.ts";
import { CHANGES, CONTRACT } from "#services/api/contract.ts";
import { requireSecurity } from "#services/api/main.ts";
import { InsecureListen } from "#services/config/listening.ts";
import { ROLE_NAMES, ROLES, type Scope } from "#services/api/role.ts";
import { MARIE } from "#services/demo/cast.ts";
import type { Stage } from "#services/cli/stage.ts";
import { openTestApi, playWeek, type TestApi } from "#support/api.ts";
import { makeFolder } from "#support/folder.ts";

const ISSUER = "https://login.example";
const AUDIENCE = "weft";
const OIDC = { issuer: ISSUER, audience: AUDIENCE, algorithms: ["RS256", "ES256"] as ("RS256" | "ES256")[] };

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const otherRsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });

let stage: Stage;
let api: TestApi;
let jwksUrl: string;
let isProviderAway = false;
const provider = createServer((_request, response) => {
  if (isProviderAway) return response.writeHead(500).end();
  void Promise.all(
    [
      [rsa.publicKey, "r1", "RS256"],
      [ec.publicKey, "e1", "ES256"],
    ].map(async ([key, kid, alg]) => ({ ...(await exportJWK(key as KeyObject)), kid, alg, use: "sig" })),
  ).then((keys) => response.end(JSON.stringify({ keys })));
});

before(async () => {
  await new Promise<void>((done) => provider.listen(0, "127.0.0.1", done));
  jwksUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/keys`;
  stage = await playWeek();
  api = await openTestApi(stage, { api: { oidc: { ...OIDC, jwksUrl } } });
});
after(async () => {
  await api.close();
  provider.close();
  await stage.close();
  stage.remove();
});

const NOBODY = { namespace: "customer", value: "C-0000" };
const MARIE_BY_PHONE = { namespace: "phone", value: MARIE.phone.phone };
const now = () => Math.floor(Date.now() / 1000);

interface Minting {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Record<string, unknown>;
  readonly key?: KeyObject | Uint8Array;
}

async function mint({ claims = {}, header = {}, key = rsa.privateKey }: Minting = {}): Promise<string> {
  const whole = { iss: ISSUER, aud: AUDIENCE, sub: "u-1", iat: now(), exp: now() + 300, scope: "profile:read" };
  const payload = Object.fromEntries(
    Object.entries({ ...whole, ...claims }).filter(([, value]) => value !== undefined),
  );
  return new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "r1", ...header }).sign(key);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

async function ask(
  authorization: string | undefined,
): Promise<{ readonly status: number; readonly code: string | null }> {
  const answer = await api.app.inject({
    method: "POST",
    url: "/profiles/lookup",
    headers: authorization === undefined ? {} : { authorization },
    payload: MARIE_BY_PHONE,
  });
  return { status: answer.statusCode, code: (answer.json() as { readonly code?: string }).code ?? null };
}

/** A request of the route that the schema accepts, from the document alone. */
function sample(path: string, method: string) {
  const id = path.startsWith("/profiles") ? "AAAAAAAAAAAAAAAAAAAAAA" : "0b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b";
  const url = path.replace("{id}", id).replace("{kind}", "matrix");
  const bodies: Readonly<Record<string, object>> = {
    "/profiles/lookup": MARIE_BY_PHONE,
    "/profiles/search": { by: "card", number: MARIE.card.card },
    "/profiles/agent-view": { phone: MARIE.phone.phone },
    "/profiles/marketing-view": MARIE_BY_PHONE,
    "/profiles/service-view": MARIE_BY_PHONE,
    "/profiles/product-view": MARIE_BY_PHONE,
    "/profiles/explain": { identifiers: [MARIE_BY_PHONE] },
    "/notes": { identifier: MARIE_BY_PHONE, text: "t" },
    "/privacy/corrections": { identifier: NOBODY, reason: "r", correction: { kind: "objection", purpose: "p" } },
    "/privacy/erasures": { identifier: NOBODY, reason: "r" },
    "/privacy/exports": { identifier: NOBODY },
    "/rules": { file: "version: x", reason: "r" },
    "/rulings": { verdict: "linked", identifiers: [MARIE_BY_PHONE, MARIE_BY_PHONE], reason: "r" },
  };
  return {
    method: method.toUpperCase() as "GET" | "POST",
    url,
    ...(path in bodies && method === "post" ? { payload: bodies[path] as object } : {}),
  };
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly "x-weft-scope"?: Scope;
  readonly "x-weft-look-up"?: boolean;
  readonly responses: Readonly<Record<string, unknown>>;
}

test("each role may do at each route what its scopes say, and nothing else", async () => {
  const document = (await api.app.inject("/openapi.json")).json() as Document;
  assert.equal(document.openapi, "3.1.0");
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  assert.equal(operations.length, Object.keys(CONTRACT).length + 1);
  let refused = 0;
  for (const { path, method, operation } of operations) {
    const scope = operation["x-weft-scope"];
    for (const role of [...ROLE_NAMES, null]) {
      // A stream that opens does not end: it is asked with an id that it must refuse.
      const headers = {
        ...(role === null ? {} : { authorization: `Bearer ${api.keys[role]}` }),
        ...(path === CHANGES.url ? { "last-event-id": "none" } : {}),
      };
      const { statusCode, body } = await api.app.inject({ ...sample(path, method), headers });
      const has = scope === undefined || (role !== null && (ROLES[role] as readonly Scope[]).includes(scope));
      const place = `${role} ${method} ${path}: ${statusCode} ${body.slice(0, 200)}`;
      assert.ok(String(statusCode) in operation.responses, `${place} is documented`);
      if (!has) refused += 1;
      const expected = has
        ? ({
            "/profiles/{id}": 404,
            "/profiles/{id}/timeline": 404,
            "/profiles/{id}/transitions": 404,
            "/rulings": 409,
            "/rules": method === "get" ? 200 : 400,
            "/notes": 202,
            "/privacy/corrections": 409,
            "/privacy/erasures": 409,
            "/privacy/exports": 409,
            "/privacy/exports/{id}": 404,
            [CHANGES.url]: 400,
          }[path] ?? 200)
        : role === null
          ? 401
          : operation["x-weft-look-up"] === true
            ? 404
            : 403;
      assert.equal(statusCode, expected, place);
    }
  }
  assert.ok(refused > 10);
});

test("a good token is taken, with its scopes and roles and no more", async () => {
  assert.equal((await ask(`Bearer ${await mint()}`)).status, 200);
  assert.equal(
    (await ask(`bearer ${await mint({ header: { kid: "e1", alg: "ES256" }, key: ec.privateKey })}`)).status,
    200,
  );
  assert.equal(
    (await ask(`Bearer ${await mint({ claims: { scope: undefined, roles: ["agent", "root"] } })}`)).status,
    200,
  );
  assert.equal((await ask(`Bearer ${await mint({ claims: { scope: "profile:pii everything" } })}`)).status, 404);
});

test("none of more than forty bad credentials is taken, and all are refused alike", async () => {
  const good = await mint();
  const [head = "", body = "", signature = ""] = good.split(".");
  const publicPem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
  const publicJwk = await exportJWK(rsa.publicKey);
  const otherJwk = await exportJWK(otherRsa.publicKey);
  const secret = (text: string) => new TextEncoder().encode(text.padEnd(64, "x"));
  const payload = { iss: ISSUER, aud: AUDIENCE, sub: "u-1", exp: now() + 300, scope: "profile:read" };
  const flipped = `${signature.slice(0, -8)}${signature.endsWith("AAAAAAAA") ? "BBBBBBBB" : "AAAAAAAA"}`;
  const agent = api.keys.agent;
  const bad: Record<string, string | undefined> = {
    "no header": undefined,
    empty: "",
    "no credential": "Bearer ",
    basic: `Basic ${Buffer.from("admin:admin").toString("base64")}`,
    "no scheme": good,
    "another scheme": `Token ${good}`,
    "two credentials": `Bearer ${good} ${good}`,
    "alg none": `Bearer ${encode({ alg: "none" })}.${encode(payload)}.`,
    "alg None": `Bearer ${encode({ alg: "None" })}.${encode(payload)}.`,
    "alg nOnE with a signature": `Bearer ${encode({ alg: "nOnE", kid: "r1" })}.${encode(payload)}.${signature}`,
    "alg absent": `Bearer ${encode({ kid: "r1" })}.${encode(payload)}.${signature}`,
    "alg empty": `Bearer ${encode({ alg: "", kid: "r1" })}.${encode(payload)}.${signature}`,
    "alg a list": `Bearer ${encode({ alg: ["RS256"], kid: "r1" })}.${encode(payload)}.${signature}`,
    "HS256 with the public key as its secret": `Bearer ${await mint({ header: { alg: "HS256" }, key: new TextEncoder().encode(publicPem) })}`,
    "HS256 with the modulus as its secret": `Bearer ${await mint({ header: { alg: "HS256" }, key: secret(publicJwk.n ?? "") })}`,
    HS512: `Bearer ${await mint({ header: { alg: "HS512" }, key: secret("secret") })}`,
    "an algorithm that is not on the list": `Bearer ${await mint({ header: { alg: "PS256" } })}`,
    "RS512 with the right key": `Bearer ${await mint({ header: { alg: "RS512" } })}`,
    "another key under a known kid": `Bearer ${await mint({ key: otherRsa.privateKey })}`,
    "the EC key under the RSA kid": `Bearer ${await mint({ header: { alg: "ES256" }, key: ec.privateKey })}`,
    "an unknown kid": `Bearer ${await mint({ header: { kid: "r2" } })}`,
    "a kid that is a path": `Bearer ${await mint({ header: { alg: "HS256", kid: "../../../../dev/null" }, key: secret("") })}`,
    "a kid that is SQL": `Bearer ${encode({ alg: "RS256", kid: "' OR 1=1 --" })}.${body}.${signature}`,
    "a kid that is a prototype": `Bearer ${encode({ alg: "RS256", kid: "__proto__" })}.${body}.${signature}`,
    "a kid that is a number": `Bearer ${encode({ alg: "RS256", kid: 1 })}.${body}.${signature}`,
    "its own key beside it (jwk)": `Bearer ${await mint({ header: { kid: "x", jwk: otherJwk }, key: otherRsa.privateKey })}`,
    "its own key elsewhere (jku)": `Bearer ${await mint({ header: { kid: "x", jku: "http://127.0.0.1:1/keys" }, key: otherRsa.privateKey })}`,
    "its own certificate (x5u)": `Bearer ${await mint({ header: { kid: "x", x5u: "http://127.0.0.1:1/c" }, key: otherRsa.privateKey })}`,
    "an extension nobody knows (crit)": `Bearer ${encode({ alg: "RS256", kid: "r1", crit: ["x"], x: 1 })}.${body}.${signature}`,
    "crit that is empty": `Bearer ${encode({ alg: "RS256", kid: "r1", crit: [] })}.${body}.${signature}`,
    "a payload that is not encoded (b64)": `Bearer ${encode({ alg: "RS256", kid: "r1", b64: false, crit: ["b64"] })}.${body}.${signature}`,
    expired: `Bearer ${await mint({ claims: { exp: now() - 60 } })}`,
    "expired long ago": `Bearer ${await mint({ claims: { exp: 1 } })}`,
    "without exp": `Bearer ${await mint({ claims: { exp: undefined } })}`,
    "exp a text": `Bearer ${await mint({ claims: { exp: "9999999999" } })}`,
    "not valid yet": `Bearer ${await mint({ claims: { nbf: now() + 60 } })}`,
    "nbf a text": `Bearer ${await mint({ claims: { nbf: "0" } })}`,
    "for another audience": `Bearer ${await mint({ claims: { aud: "others" } })}`,
    "for other audiences": `Bearer ${await mint({ claims: { aud: ["others", "weft2"] } })}`,
    "without audience": `Bearer ${await mint({ claims: { aud: undefined } })}`,
    "of another issuer": `Bearer ${await mint({ claims: { iss: "https://evil.example" } })}`,
    "of an issuer with a slash more": `Bearer ${await mint({ claims: { iss: `${ISSUER}/` } })}`,
    "without issuer": `Bearer ${await mint({ claims: { iss: undefined } })}`,
    "without subject": `Bearer ${await mint({ claims: { sub: undefined } })}`,
    "an empty subject": `Bearer ${await mint({ claims: { sub: "" } })}`,
    "a subject without end": `Bearer ${await mint({ claims: { sub: "u".repeat(300) } })}`,
    "of another type": `Bearer ${await mint({ header: { typ: "logout+jwt" } })}`,
    "without signature": `Bearer ${head}.${body}.`,
    "without its third part": `Bearer ${head}.${body}`,
    "a part too many": `Bearer ${good}.x`,
    "a changed signature": `Bearer ${head}.${body}.${flipped}`,
    "a changed payload": `Bearer ${head}.${encode({ ...payload, scope: "admin" })}.${signature}`,
    "another token's payload": `Bearer ${head}.${(await mint({ claims: { sub: "u-2" } })).split(".")[1]}.${signature}`,
    "cut off": `Bearer ${good.slice(0, -20)}`,
    "a payload that is no JSON": `Bearer ${head}.bm9wZQ.${signature}`,
    "a payload that is a list": `Bearer ${head}.${encode([1])}.${signature}`,
    "a header that is no JSON": `Bearer bm9wZQ.${body}.${signature}`,
    "an encrypted token": `Bearer ${encode({ alg: "dir", enc: "A256GCM" })}..AAAA.AAAA.AAAA`,
    dots: "Bearer ..",
    huge: `Bearer ${await mint({ claims: { pad: "x".repeat(9000) } })}`,
    "a key that nobody has": `Bearer weft_${"a".repeat(10)}_${"A".repeat(43)}`,
    "a key with another's secret": `Bearer ${agent.slice(0, 16)}${api.keys.reader.slice(16)}`,
    "a key cut off": `Bearer ${agent.slice(0, -1)}`,
    "a key and more": `Bearer ${agent}A`,
    "a key's hash": `Bearer ${api.surroundings.loaded.deployment.api.keys[0]}`,
    "a key in capitals": `Bearer ${agent.toUpperCase()}`,
  };
  assert.ok(Object.keys(bad).length >= 40);
  for (const [what, authorization] of Object.entries(bad))
    assert.deepEqual(await ask(authorization), { status: 401, code: "unauthenticated" }, what);
  assert.equal((await ask(`Bearer ${good}`)).status, 200, "the one that they are made of is good");
});

test("while the identity provider is away a token is neither good nor bad: 503, and keys go on", async () => {
  isProviderAway = true;
  const cold = await openTestApi(stage, { api: { oidc: { ...OIDC, jwksUrl } } });
  const client = cold.as(await mint());
  const reply = await client.lookUp({ body: MARIE_BY_PHONE });
  assert.ok(!reply.ok && reply.problem.code === "identity-provider-unavailable" && reply.retryAfter === 5);
  assert.equal((await cold.as(cold.keys.reader).lookUp({ body: MARIE_BY_PHONE })).status, 200);
  isProviderAway = false;
  await cold.close();
});

test("the first start shows a key once, and it is void as soon as another is made; a removed key is no more", async () => {
  const shown: string[] = [];
  const fresh = await openTestApi(stage, { withoutKeys: true, onFirstKey: (key) => shown.push(key) });
  const [first = ""] = shown;
  assert.equal(shown.length, 1);
  assert.equal((await fresh.as(first).readShards({})).status, 200);
  const { bytes } = stage.loaded.deployment.identityKey;
  const { key, kept } = createKey(bytes, "reader", "till");
  const settled = async (credential: string, status: number) => {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await new Promise((done) => setTimeout(done, 50)))
      if ((await fresh.as(credential).lookUp({ body: MARIE_BY_PHONE })).status === status) return true;
    return false;
  };
  writeKeyFile(fresh.keysFile, [kept]);
  assert.ok(await settled(key, 200), "a new key counts without a restart");
  assert.ok(await settled(first, 401), "the first one is void");
  assert.ok(!JSON.stringify(kept).includes(key.slice(17)), "what is kept is not the key");
  const elsewhere = createKey(new TextEncoder().encode("another deployment, another secret"), "reader");
  assert.notEqual(elsewhere.kept.hash, kept.hash);
  writeKeyFile(fresh.keysFile, []);
  assert.ok(await settled(key, 401), "a revoked key is refused");
  assert.equal((await fresh.as(first).readShards({})).status, 401, "the first one does not come back");
  writeFileSync(fresh.keysFile, "{ broken");
  assert.ok(await settled(key, 500), "a file that cannot be read lets nobody in");
  rmSync(fresh.keysFile);
  await fresh.close();
});

test("an export is neither begun nor fetched without profile:pii, whatever else is granted", async () => {
  const as = async (scope: string) => api.as(await mint({ claims: { sub: "officer", scope } }));
  const [officer, blind] = [await as("privacy:write profile:pii"), await as("privacy:write")];
  const body = { identifier: { namespace: "customer", value: MARIE.account.customer } };
  assert.equal((await blind.exportPerson({ body })).status, 403);
  const begun = await officer.exportPerson({ body });
  assert.ok(begun.ok);
  const params = { id: begun.body.id };
  assert.equal((await officer.readExport({ params })).status, 200);
  assert.equal((await blind.readExport({ params })).status, 404, "of the same caller");
});

test("one key may ask so often a minute, and whoever guesses is stopped", async () => {
  const limited = await openTestApi(stage, { api: { requestsPerMinute: 5 }, limits: { failuresPerMinute: 3 } });
  const statuses = async (credential: string, times: number) => {
    const all: number[] = [];
    for (let i = 0; i < times; i += 1) all.push((await limited.as(credential).lookUp({ body: MARIE_BY_PHONE })).status);
    return all;
  };
  assert.deepEqual(await statuses(limited.keys.reader, 6), [200, 200, 200, 200, 200, 429]);
  assert.deepEqual(await statuses(limited.keys.agent, 1), [200], "another key has its own");
  assert.deepEqual(await statuses("weft_guess", 4), [401, 401, 401, 429]);
  const late = await limited.as("weft_guess").lookUp({ body: MARIE_BY_PHONE });
  assert.ok(!late.ok && (late.retryAfter ?? 0) >= 1);
  assert.deepEqual(await statuses(limited.keys.analyst, 1), [200], "whoever has a key is not stopped with them");
  await limited.close();
});

test("who has not the scope of a look-up learns nothing by its time either: nobody is looked for", async () => {
  let asked = 0;
  const watch = <T extends object>(service: T): T =>
    new Proxy(service, {
      get(target, name) {
        asked += 1;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  const own = await openTestApi(stage, {
    change: ({ index, store }) => ({ index: watch(index), store: watch(store) }),
  });
  asked = 0;
  const [reader, analyst] = [own.as(own.keys.reader), own.as(own.keys.analyst)];
  assert.equal((await reader.explain({ body: { identifiers: [MARIE_BY_PHONE] } })).status, 404);
  assert.equal((await analyst.search({ body: { by: "card", number: MARIE.card.card } })).status, 404);
  assert.equal(asked, 0);
  assert.equal((await reader.lookUp({ body: MARIE_BY_PHONE })).status, 200);
  assert.ok(asked > 0);
  await own.close();
});

test("beyond this machine it listens with TLS only, unless it is told that this is for development", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "::1"]) requireSecurity(host, false, false);
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "weft.example", "127.0.0.1.example", "::ffff:10.0.0.1"]) {
    assert.throws(() => requireSecurity(host, false, false), InsecureListen, host);
    requireSecurity(host, true, false);
    requireSecurity(host, false, true);
  }
});

test("of a fault the log has the place under the request id, and no word of what it said (G2)", async () => {
  const canary = "canary.fault@example.com";
  class CanaryError extends Error {}
  const faulty = await openTestApi(stage, {
    change: ({ store }) => ({ store: { ...store, survey: () => Promise.reject(new CanaryError(canary)) } }),
  });
  const reply = await faulty.as(faulty.keys.agent).lookUp({ body: MARIE_BY_PHONE });
  await faulty.close();
  assert.ok(!reply.ok && reply.status === 500 && reply.problem.code === "internal-error");
  const log = faulty.logged.join("");
  assert.ok(log.includes(reply.problem.requestId) && log.includes("lookup.ts") && !log.includes("canary"), log);
  assert.ok(!JSON.stringify(reply).includes("canary"));
});

test("neither logs nor problems hold a value that was sent, or a person's", async () => {
  const canary = "canary.zz8@example.com";
  const client = api.as(api.keys.operator);
  const [email, customer] = [
    { namespace: "email", value: canary },
    { namespace: "customer", value: MARIE.account.customer },
  ] as const;
  const answers: string[] = [];
  const note = async (work: Promise<unknown>) => void answers.push(JSON.stringify(await work));
  await note(client.lookUp({ body: email }));
  await note(client.viewCaller({ body: { phone: canary } }));
  await note(client.explain({ body: { identifiers: [email, customer] } }));
  await note(client.rule({ body: { verdict: "linked", identifiers: [customer, email], reason: canary } }));
  for (const [url, payload] of [
    ["/profiles/lookup", { [canary]: 1 }],
    ["/profiles/lookup", { namespace: canary, value: canary, [canary]: canary }],
    ["/profiles/lookup", `{"namespace": "${canary}`],
    ["/profiles/lookup?at-least=" + canary, {}],
    [`/profiles/lookup?${canary}=1`, email],
    [`/${canary}`, {}],
    [`/%zz${canary}`, {}],
  ] as const) {
    const headers = {
      authorization: `Bearer ${api.keys.operator}`,
      "content-type": "application/json",
      "x-request-id": canary,
    };
    answers.push((await api.app.inject({ method: "POST", url, headers, payload })).body);
  }
  answers.push((await api.app.inject(`/docs/static/..%2f${canary}`)).body);
  for (const text of answers) assert.ok(!text.includes("canary"), text);
  await client.lookUp({ body: MARIE_BY_PHONE });
  await api.as(await mint({ claims: { sub: canary } })).lookUp({ body: MARIE_BY_PHONE });
  const log = api.logged.join("");
  assert.ok(api.logged.length > 10 && log.includes('"route":"/profiles/lookup"') && log.includes('"requestId"'));
  for (const value of ["canary", "06 39", "639980017", "lefort", "Lefort", "C-1001", ...Object.values(api.keys)])
    assert.ok(!log.includes(value), value);
});

test("two processes that change the file of keys at once undo nothing of each other", async () => {
  const folder = makeFolder("keys");
  const keysFile = join(folder, "keys.json");
  const change = `
    import { changeKeyFile, createKey, revokeKey } from "#services/api/api-key.ts";
    for (let i = 0; i < 40; i += 1) {
      const { kept } = createKey(new Uint8Array(32), "agent");
      changeKeyFile(${JSON.stringify(keysFile)}, (keys) => ({ keys: [...keys, kept] }));
      changeKeyFile(${JSON.stringify(keysFile)}, (keys) => ({ keys: revokeKey(keys, kept.id) }));
    }`;
  const run = () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", change]);
  await Promise.all([run(), run()]);
  const keys = readKeyFile(keysFile);
  assert.deepEqual([keys.length, keys.filter((key) => !isRevoked(key)).length], [80, 0]);
});
