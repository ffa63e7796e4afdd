// Processes that are asked to end: what they were asked before is answered and done or neither, and what they still wait for
// does not hold them.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openRuntime } from "#services/cli/runtime.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { operatorTopic } from "#services/wire/ruling.ts";
import { makeFolder } from "#support/folder.ts";
import { until } from "#support/until.ts";

const WEFT = resolve(import.meta.dirname, "../../services/cli/weft.js");
const IN_FLIGHT = 60;
/** Longer than a verb takes to start and to read what is there. */
const FOLLOWED_MS = 3_000;
/** Longer than any of them may take to end without a service in its way; ended by a timer they would take longer. */
const END_MS = 6_000;

const folder = makeFolder("stopping");
const config = join(folder, "weft.yaml");
const api = ["keysFile", "auditFile", "directoryFile", "passagesFile"].map((key) => `${key}: ${join(folder, key)}`);
writeFileSync(
  config,
  [
    `embedded: { file: ${join(folder, "weft.sqlite")} }`,
    "engine: { shards: 4, stitchSlots: 1, resolverSlots: 1 }",
    `api: { port: 0, ${api.join(", ")} }`,
    // Nobody listens there.
    'kafka: { brokers: ["127.0.0.1:9"] }',
    "",
  ].join("\n"),
);

// The services of the other tests are not what it waits for.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("WEFT_")));

interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** The exit code, and the signal that it died of. */
  readonly ended: Promise<unknown[]>;
}

function start(...args: readonly string[]): Started {
  const child = spawn(process.execPath, [WEFT, "--config", config, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
  return { child, said: () => said, ended: once(child, "close") };
}

/** Ids of the commands on the topic that operators' go to. */
async function listWritten(): Promise<Set<string>> {
  const loaded = loadConfiguration(config, {});
  const runtime = await openRuntime(loaded, { embedded: true });
  const ids = new Set<string>();
  for await (const { value } of runtime.wires.log.read([operatorTopic(loaded)], { from: "start", follow: false })) {
    const decoded = runtime.wires.codec.decode(value ?? new Uint8Array());
    assert.ok(decoded.ok);
    // <the command's id>.<a digest of what it says>
    const { eventId } = decoded.value as { readonly eventId: string };
    ids.add(eventId.split(".")[0] ?? "");
  }
  await runtime.close();
  return ids;
}

test("at SIGTERM every command and look-up in flight is answered, those that are answered with success are in the log and the others are not", async () => {
  const identifier = { namespace: "customer", value: "c-1" };
  const event = { source: "crm", eventId: "e-1", type: "identified", occurredAt: "2026-01-05T10:00:00Z" };
  const file = join(folder, "event.jsonl");
  writeFileSync(file, `${JSON.stringify({ ...event, identifiers: [identifier] })}\n`);
  assert.deepEqual((await start("--embedded", "produce", file).ended)[0], 0);
  const { child, said, ended } = start("--embedded", "api");
  await until("it listens", async () => /"url":/.test(said()));
  const [, url = ""] = /"url":"([^"]+)"/.exec(said()) ?? [];
  const [key = ""] = /weft_[a-z0-9]{10}_[A-Za-z0-9_-]{43}/.exec(said()) ?? [];
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  await until("she is there", async () => (await post("/profiles/lookup", identifier)).status === 200);
  const ids = Array.from({ length: IN_FLIGHT }, () => randomUUID());
  const notes = ids.map((id) => post("/notes", { id, identifier, text: "at the end" }));
  const lookUps = [0, 1, 2, 3].flatMap((shard) =>
    [`?at-least=${shard}.999999`, ""].map((query) => post(`/profiles/lookup${query}`, identifier)),
  );
  await Promise.race(notes);
  const sinceMs = performance.now();
  child.kill("SIGTERM");
  const statuses = (await Promise.all(notes)).map(({ status }) => status);
  for (const { status } of await Promise.all(lookUps)) assert.ok([200, 503].includes(status), String(status));
  assert.deepEqual(await ended, [0, null], said());
  assert.ok(performance.now() - sinceMs < 20_000);
  assert.ok(!/"fault"|ERR_/.test(said()), said());
  const written = await listWritten();
  assert.deepEqual(
    ids.map((id, n) => [statuses[n], written.has(id)]),
    statuses.map((status) => [status, status === 202]),
  );
  for (const status of statuses) assert.ok(status === 202 || status === 503, String(status));
});

for (const [verb, signal] of [
  ["api", "SIGTERM"],
  ["api", "SIGINT"],
  ["up", "SIGTERM"],
] as const)
  test(`weft ${verb} ends at ${signal} also while it waits for a service that is away`, async () => {
    const { child, said, ended } = start(verb);
    await until("it waits", async () => /waiting|not there|cannot be reached/i.test(said()));
    await sleep(200);
    const sinceMs = performance.now();
    child.kill(signal);
    assert.deepEqual(await ended, [0, null], said());
    assert.ok(performance.now() - sinceMs < END_MS, said());
    assert.match(said(), new RegExp(`"signal":"${signal}"`));
  });

for (const args of [["tail", "channel-web"], ["demo-automation"]])
  test(`weft ${args[0]} says where it looks for Kafka, and is ended by SIGINT while it waits`, async () => {
    const { child, said, ended } = start(...args);
    await until("it waits", async () => /waiting for Kafka: .*\bWEFT_KAFKA_BROKERS\b/.test(said()));
    child.kill("SIGINT");
    assert.deepEqual(await ended, [null, "SIGINT"], said());
  });

for (const args of [["tail", "profile-signal"], ["demo-automation"]])
  test(`weft --embedded ${args[0]} --follow waits until SIGINT, and then ends well`, async () => {
    assert.equal((await start("--embedded", "topics", "create").ended)[0], 0);
    const { child, said, ended } = start("--embedded", ...args, "--follow");
    assert.equal(await Promise.race([ended, sleep(FOLLOWED_MS, "it waits")]), "it waits", said());
    child.kill("SIGINT");
    assert.deepEqual([await ended, said()], [[0, null], ""]);
  });
