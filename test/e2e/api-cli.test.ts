// `weft api` as people start it: keys on the command line, one machine without servers, TLS, and where it refuses to listen.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { KeyRing } from "#services/api/api-key.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { makeFolder } from "#support/folder.ts";

const WEFT = resolve(import.meta.dirname, "../../services/cli/weft.js");
const LISTEN_WAIT_MS = 60_000;

function deploy(more = "") {
  const folder = makeFolder("api-cli");
  const config = join(folder, "weft.yaml");
  const keysFile = join(folder, "keys.json");
  writeFileSync(
    config,
    `embedded: { file: ${join(folder, "weft.sqlite")} }\nengine: { shards: 4, stitchSlots: 1, resolverSlots: 1 }\napi: { port: 0, keysFile: ${keysFile}${more} }\n`,
  );
  const args = (...rest: string[]) => [WEFT, "--config", config, "--embedded", ...rest];
  return { folder, keysFile, args };
}

async function run(args: readonly string[], input = ""): Promise<{ code: number | null; out: string; err: string }> {
  return await new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { stdio: "pipe" });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.on("error", fail);
    child.on("close", (code) => done({ code, out, err }));
    child.stdin.end(input);
  });
}

/** Runs until `work` is done with it. */
async function serve<T>(
  args: readonly string[],
  work: (url: string, told: () => string, logged: () => string) => Promise<T>,
  environment: Readonly<Record<string, string>> = {},
) {
  const child = spawn(process.execPath, args, { stdio: "pipe", env: { ...process.env, ...environment } });
  let [out, err] = ["", ""];
  const closed = new Promise<number | null>((done) => child.on("close", done));
  const listening = new Promise<string>((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`it does not listen: ${out}${err}`)), LISTEN_WAIT_MS);
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      const [, url] = /"url":"([^"]+)"/.exec(out) ?? [];
      if (url === undefined) return;
      clearTimeout(timer);
      done(url);
    });
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  });
  try {
    return await work(
      await listening,
      () => err,
      () => out,
    );
  } finally {
    child.kill("SIGTERM");
    assert.equal(await closed, 0, err);
  }
}

test("one process is a whole machine: what was produced is looked up by the key of the first start", async () => {
  const { args } = deploy();
  const event = {
    source: "crm",
    eventId: "e-1",
    type: "identified",
    occurredAt: "2026-01-05T10:00:00Z",
    identifiers: [{ namespace: "customer", value: "c-1" }],
  };
  assert.equal((await run(args("produce"), JSON.stringify(event))).code, 0);
  await serve(args("api"), async (url, told) => {
    const [key = ""] = /weft_[a-z0-9]{10}_[A-Za-z0-9_-]{43}/.exec(told()) ?? [];
    for (const deadline = Date.now() + LISTEN_WAIT_MS; ; ) {
      const response = await fetch(`${url}/profiles/lookup`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ namespace: "customer", value: "c-1" }),
      });
      const body = (await response.json()) as { readonly version?: number };
      if (response.status === 200) return assert.equal(body.version, 1);
      assert.ok([404, 503].includes(response.status) && Date.now() < deadline, JSON.stringify(body));
    }
  });
});

test("the admin surface counts by source, outcome and code, and no metric holds what an event or a request says (G2)", async () => {
  const { args } = deploy();
  const canary = "jeanne.canari";
  const event = (eventId: string, more: object) =>
    JSON.stringify({
      source: "crm",
      eventId: `${canary}-${eventId}`,
      type: canary,
      occurredAt: "2026-01-05T10:00:00Z",
      identifiers: [{ namespace: "email", value: `${canary}@example.org` }],
      ...more,
    });
  const events = [
    event("1", { traits: { [canary]: canary } }),
    event("1", { traits: { [canary]: canary } }),
    event("2", { identifiers: [{ namespace: canary, value: canary }] }),
    event("3", {
      identifiers: [
        { namespace: "email", value: `${canary}@example.org` },
        { namespace: canary, value: "x" },
      ],
    }),
    event("4", { traits: { [canary]: canary.repeat(1000) } }),
    event("5", { source: "web", type: `order-${canary}` }),
  ];
  assert.equal((await run(args("produce"), events.join("\n"))).code, 0);
  await serve(
    args("api"),
    async (url, told, logged) => {
      const [key = ""] = /weft_[a-z0-9]{10}_[A-Za-z0-9_-]{43}/.exec(told()) ?? [];
      const [, admin = ""] = /"admin":"([^"]+)"/.exec(logged()) ?? [];
      const post = (path: string, body: string, authorization = `Bearer ${key}`) =>
        fetch(`${url}${path}`, {
          method: "POST",
          headers: { authorization, "content-type": "application/json" },
          body,
        });
      const by = JSON.stringify({ namespace: "email", value: `${canary}@example.org` });
      assert.equal((await post("/profiles/lookup", by, `Bearer ${canary}`)).status, 401);
      assert.equal((await post(`/${canary}?${canary}`, by)).status, 404);
      assert.equal((await post("/profiles/lookup", `{"${canary}":1}`)).status, 400);
      assert.equal((await post("/profiles/lookup", JSON.stringify({ namespace: canary, value: canary }))).status, 400);
      assert.equal((await post("/profiles/lookup", JSON.stringify({ namespace: "card", value: canary }))).status, 404);
      const expected = [
        'weft_records_total{source="crm",outcome="accepted"} 3',
        'weft_records_total{source="crm",outcome="duplicate"} 1',
        'weft_dead_letters_total{source="crm",reason="no-identifier"} 1',
        'weft_dead_letters_total{source="web",reason="missing-order"} 1',
        'weft_identifiers_left_out_total{why="unknown-namespace"} 1',
        'weft_events_total{source="crm",outcome="folded"} 3',
        'weft_limits_reached_total{limit="trait-length"} 1',
        'weft_http_problems_total{code="unauthenticated"} 1',
        'weft_http_requests_total{route="/profiles/lookup",status="404"} 1',
        'weft_http_requests_total{route="none",status="404"} 1',
        'weft_waiting_records{topic="channel-crm",shard=""} 0',
      ];
      for (const deadline = Date.now() + LISTEN_WAIT_MS; ; ) {
        const text = await (await fetch(`${admin}/metrics`)).text();
        assert.ok(!text.includes(canary) && !text.includes("canari"), text);
        const missing: unknown[] = expected.filter((line) => !text.split("\n").includes(line));
        for (const event of ["commit", "transaction"])
          if (!new RegExp(`^weft_loop_events_total\\{event="${event}"\\} [1-9]`, "m").test(text)) missing.push(event);
        if (missing.length === 0) break;
        assert.ok(Date.now() < deadline, `${missing.join("\n")}\nare not in\n${text}`);
        await delay(200);
      }
      assert.deepEqual(await (await fetch(`${admin}/health`)).json(), { status: "ok" });
    },
    { WEFT_ADMIN_PORT: "0" },
  );
});

test("a key is shown once, kept as a hash for its owner alone, listed without it, and taken back", async () => {
  const { args, keysFile } = deploy();
  const made = await run(args("--json", "api", "keys", "create", "--role", "agent", "--name", "desk"));
  const { key, id } = JSON.parse(made.out) as { readonly key: string; readonly id: string };
  assert.equal(statSync(keysFile).mode & 0o777, 0o600);
  assert.ok(!readFileSync(keysFile, "utf8").includes(key.slice("weft_".length + id.length + 1)));
  const listed = (await run(args("api", "keys"))).out;
  assert.ok(listed.includes(`${id}  agent`) && listed.includes("desk") && !listed.includes(key));
  assert.equal((await run(args("api", "keys", "revoke", id))).code, 0);
  assert.equal((await run(args("api", "keys"))).out, "");
  assert.equal((await run(args("api", "keys", "revoke", id))).code, 2);
  assert.equal((await run(args("api", "keys", "create", "--role", "root"))).code, 2);
});

test("a key is rotated: another of its role and name at once, the old one until its end", async () => {
  const { args, keysFile, folder } = deploy();
  const make = async (...more: readonly string[]) =>
    JSON.parse((await run(args("--json", "api", "keys", ...more))).out) as { key: string; id: string };
  const old = await make("create", "--role", "agent", "--name", "desk");
  const next = await make("rotate", old.id);
  const last = await make("rotate", next.id, "--grace", "0s");
  const { bytes } = loadConfiguration(join(folder, "weft.yaml"), {}).deployment.identityKey;
  const ring = new KeyRing(bytes, keysFile, []);
  const rolesIn = (keys: KeyRing) => [old, next, last].map(({ key }) => keys.verify(key)?.role ?? null);
  assert.deepEqual(rolesIn(ring), ["agent", null, "agent"]);
  assert.equal(ring.verify(last.key)?.name, "desk");
  assert.match((await run(args("api", "keys"))).out, new RegExp(`^${old.id} .* desk {2}ends 20`, "m"));
  const again = await run(args("api", "keys", "rotate", old.id));
  assert.deepEqual([again.code, /no key .* whose end is not set yet/.test(again.err)], [2, true]);
  assert.equal((await run(args("api", "keys", "rotate", last.id, "--grace", "soon"))).code, 2);
});

test("a key that was rotated or taken back in its file is none, though the configuration has it too", async () => {
  const { args, keysFile, folder } = deploy();
  const make = async (...more: readonly string[]) =>
    JSON.parse((await run(args("--json", "api", "keys", ...more))).out) as { key: string; id: string; entry: string };
  const [rotated, revoked, left] = [
    await make("create", "--role", "admin"),
    await make("create", "--role", "admin"),
    await make("create", "--role", "agent"),
  ];
  // As in WEFT_API_KEYS of a server, which the commands do not see.
  const entries = [rotated, revoked, left].map(({ entry }) => entry);
  const { bytes } = loadConfiguration(join(folder, "weft.yaml"), {}).deployment.identityKey;
  await make("rotate", rotated.id, "--grace", "0s");
  assert.equal((await run(args("api", "keys", "revoke", revoked.id))).code, 0);
  const ring = new KeyRing(bytes, keysFile, entries);
  assert.deepEqual(
    [rotated, revoked, left].map(({ key }) => ring.verify(key)?.role ?? null),
    [null, null, "agent"],
  );
  assert.ok(!(await run(args("api", "keys"))).out.includes(revoked.id));
});

test("whoever's keys were all taken back begins as without any", async () => {
  const { args, keysFile, folder } = deploy();
  const made = await run(args("--json", "api", "keys", "create", "--role", "admin"));
  const { key, id } = JSON.parse(made.out) as { readonly key: string; readonly id: string };
  const { bytes } = loadConfiguration(join(folder, "weft.yaml"), {}).deployment.identityKey;
  assert.equal(new KeyRing(bytes, keysFile, []).isEmpty, false);
  await run(args("api", "keys", "revoke", id));
  const ring = new KeyRing(bytes, keysFile, []);
  assert.equal(ring.isEmpty, true);
  const first = ring.createFirst();
  assert.deepEqual([ring.verify(key), ring.verify(first)?.role], [null, "admin"]);
});

test("it does not listen in the clear where others can reach it, nor with a certificate or keys that it cannot read", async () => {
  for (const [more, code] of [
    [', host: "0.0.0.0"', "insecure-listen"],
    [", tls: { certificate: none.pem, privateKey: none.pem }", "tls-unreadable"],
  ] as const) {
    const { args } = deploy(more);
    const refused = await run(args("api"));
    assert.deepEqual([refused.code, refused.err.split("\n").at(-2)?.startsWith(`${code}: `)], [1, true], refused.err);
  }
  const { args, keysFile } = deploy();
  writeFileSync(keysFile, "{}");
  assert.match((await run(args("api"))).err, /^api-keys-unreadable: /m);
});

test("with a certificate it listens with TLS", async (t) => {
  const { folder, args } = deploy(", tls: { certificate: CERT, privateKey: KEY }");
  const [certificate, privateKey, config] = ["cert.pem", "key.pem", "weft.yaml"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const made = await promisify(execFile)("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost".split(" "),
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-keyout",
    privateKey,
    "-out",
    certificate,
  ]).catch(() => null);
  if (made === null) return t.skip("no openssl on this machine");
  writeFileSync(config, readFileSync(config, "utf8").replace("CERT", certificate).replace("KEY", privateKey));
  await serve(args("api"), async (url) => {
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
    const status = await new Promise((done, fail) => {
      get(`${url}/health`, { ca: readFileSync(certificate) }, (response) => done(response.resume().statusCode)).on(
        "error",
        fail,
      );
    });
    assert.equal(status, 200);
  });
});
