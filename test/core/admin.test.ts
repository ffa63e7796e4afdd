// The admin surface: who may read it, what it says, and that METRICS.md lists the metrics, events and limits that there are.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DEAD_LETTER_REASONS } from "#core/acceptance.ts";
import { LIMIT_KINDS } from "#core/limit.ts";
import { type MetricName, METRICS } from "#services/admin/catalogue.ts";
import { Metrics } from "#services/admin/metrics.ts";
import { AdminTokenUnusable, type Condition, openAdmin } from "#services/admin/surface.ts";
import { Tally } from "#services/cli/tally.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { InsecureListen } from "#services/config/listening.ts";
import { LOOP_EVENTS } from "#services/wire/patience.ts";
import { makeFolder } from "#support/folder.ts";
import { readTable } from "#support/tables.ts";

const METRICS_FILE = "services/admin/METRICS.md";
const TOKEN = "0123456789abcdef0123456789abcdef";
const folder = makeFolder("admin");
const tokenFile = join(folder, "token");
writeFileSync(tokenFile, `${TOKEN}\n`);
const here = { host: "127.0.0.1", port: 0 };

async function withSurface(
  admin: { readonly host: string; readonly port: number; readonly tokenFile?: string },
  metrics: Pick<Metrics, "contentType" | "tell">,
  work: (ask: (path: string, init?: RequestInit) => Promise<Response>) => Promise<void>,
  condition: () => Condition = () => "ok",
): Promise<void> {
  const surface = await openAdmin({ admin, dev: false }, metrics, condition);
  assert.ok(surface !== null);
  try {
    await work((path, init) => fetch(`${surface.url}${path}`, init));
  } finally {
    await surface.close();
  }
}

test("METRICS.md lists the metrics, loop events and limits that there are", () => {
  const shown = (labels: readonly string[]) => (labels.length === 0 ? "-" : labels.join(", "));
  assert.deepEqual(
    readTable(METRICS_FILE, "Metrics").map((row) => row.slice(0, 4)),
    Object.entries(METRICS).map(([name, { kind, labels, stages }]) => [name, kind, shown(labels), stages.join(", ")]),
  );
  assert.deepEqual(
    readTable(METRICS_FILE, "Loop events").map(([event]) => event),
    [...LOOP_EVENTS],
  );
  const others = readTable(METRICS_FILE, "Limits").map(([limit = ""]) => limit);
  const limits = readTable("services/core/SPEC.md", "7. Limits", { keepMarks: true });
  const isCounted = ([limit = "", , beyond = ""]: readonly string[]) =>
    LIMIT_KINDS.some((kind) => limit.includes(`\`${kind}\``)) ||
    DEAD_LETTER_REASONS.some((reason) => beyond === `dead letter \`${reason}\``);
  const rest = limits.filter((row) => !isCounted(row)).map(([limit = ""]) => limit);
  assert.ok(limits.length > 30);
  assert.deepEqual(
    rest.filter((limit) => !others.some((other) => limit.startsWith(other))),
    [],
    "limits that METRICS.md does not speak of",
  );
  assert.equal(rest.length, others.length);
});

test("each limit, reason and loop event is a series before it is met, and a name ends in its unit", async () => {
  const tally = new Tally(loadConfiguration(undefined, {}), ["resolve", "stitch"]);
  const text = await tally.metrics.tell();
  for (const limit of LIMIT_KINDS) assert.ok(text.includes(`weft_limits_reached_total{limit="${limit}"} 0\n`), limit);
  for (const event of LOOP_EVENTS) assert.ok(text.includes(`weft_loop_events_total{event="${event}"} 0\n`), event);
  for (const reason of DEAD_LETTER_REASONS)
    assert.ok(text.includes(`weft_dead_letters_total{source="web",reason="${reason}"} 0\n`), reason);
  const units = { counter: /_total$/, gauge: /_(records|shards)$/, histogram: /_seconds$/ };
  for (const [name, { kind }] of Object.entries(METRICS)) assert.match(name, units[kind]);
  const told = new Set([...text.matchAll(/^# TYPE (weft_\S+)/gm)].map(([, name]) => name as MetricName));
  for (const [name, { stages }] of Object.entries(METRICS)) {
    const isOurs = (stages as readonly string[]).some((stage) => stage === "resolve" || stage === "stitch");
    assert.equal(told.has(name as MetricName), isOurs, name);
  }
  assert.match(text, /^process_resident_memory_bytes \d+/m);
  // A shard that another take-over has tried in vain is one shard.
  for (const shard of [3, 3, 5]) tally.hooks.onStopped(shard, "");
  assert.match(await tally.metrics.tell(), /^weft_stopped_shards 2$/m);
});

test("the surface is for this machine; where there is a token, that reads the metrics and nothing else does", async () => {
  const metrics = new Metrics(["automation"]);
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "weft.example"]) {
    const deployment = { admin: { host, port: 0 }, dev: false };
    await assert.rejects(
      openAdmin(deployment, metrics, () => "ok"),
      InsecureListen,
      host,
    );
  }
  const clear = { admin: { host: "0.0.0.0", port: 0, tokenFile }, dev: false };
  await assert.rejects(
    openAdmin(clear, metrics, () => "ok"),
    /admin\.tls is not given/,
    "a token that travels in the clear",
  );
  const tls = { certificate: join(folder, "none"), privateKey: join(folder, "none") };
  await assert.rejects(
    openAdmin({ admin: { ...clear.admin, tls }, dev: false }, metrics, () => "ok"),
    { code: "tls-unreadable" },
  );
  await withSurface({ ...here, tokenFile }, metrics, async (ask) => {
    const read = async (authorization?: string) =>
      (await ask("/metrics", authorization === undefined ? {} : { headers: { authorization } })).status;
    for (const wrong of [undefined, "", "Bearer ", `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, `bearer ${TOKEN}`, TOKEN])
      assert.equal(await read(wrong), 401, String(wrong));
    assert.equal(await read(`Bearer ${TOKEN}`), 200);
    assert.equal((await ask("/health")).status, 200);
  });
  const short = join(folder, "short");
  writeFileSync(short, "secret\n");
  for (const file of [short, join(folder, "none")]) {
    const deployment = { admin: { ...here, tokenFile: file }, dev: false };
    await assert.rejects(
      openAdmin(deployment, metrics, () => "ok"),
      (error: Error) => error instanceof AdminTokenUnusable && !error.message.includes("secret"),
    );
  }
  assert.equal(await openAdmin({ admin: { host: "0.0.0.0" }, dev: false }, metrics, () => "ok"), null);
});

test("health says starting, ok or draining; a fault says no more than that there was one; nothing else is there", async () => {
  let condition: Condition = "starting";
  const broken = {
    contentType: "text/plain",
    tell: () => Promise.reject(new Error("jeanne.martin@example.org at loop.ts:12")),
  };
  await withSurface(
    here,
    broken,
    async (ask) => {
      for (const [now, status] of [
        ["starting", 503],
        ["ok", 200],
        ["draining", 503],
      ] as const) {
        condition = now;
        const answer = await ask("/health");
        assert.deepEqual([answer.status, await answer.json()], [status, { status: now }]);
      }
      const fault = await ask("/metrics");
      assert.deepEqual([fault.status, await fault.text()], [500, "a fault of Weft\n"]);
      assert.equal((await ask("/metrics", { method: "POST", body: "x" })).status, 405);
      const flood = await ask("/health", { headers: { "x-flood": "x".repeat(9 * 1024) } });
      assert.equal(flood.status, 431);
      for (const path of ["/", "/metrics/", "/health?x", "/../metrics/x", "/debug", "/__proto__"])
        assert.equal((await ask(path)).status, 404, path);
    },
    () => condition,
  );
});

test("port, host and token come from the environment too", () => {
  const environment = { WEFT_ADMIN_PORT: "8490", WEFT_ADMIN_HOST: "127.0.0.2", WEFT_ADMIN_TOKEN_FILE: tokenFile };
  const { admin } = loadConfiguration(undefined, environment).deployment;
  assert.deepEqual(admin, { host: "127.0.0.2", port: 8490, tokenFile });
  assert.deepEqual(loadConfiguration(undefined, {}).deployment.admin, { host: "127.0.0.1" });
});
