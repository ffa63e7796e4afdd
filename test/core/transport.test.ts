// How other machines are reached: never in the clear, never unasked who we are, and without a password where anybody reads.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { findLuaHole } from "#adapters/redis/safety.ts";
import { Secret } from "#ports/secret.ts";
import { openState, requireTransport } from "#services/cli/wiring.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { ConfigurationError } from "#services/config/problem.ts";
import { makeFolder } from "#support/folder.ts";
import { startOldRedis } from "#support/old-redis.ts";

const folder = makeFolder("transport");

function load(text: string, environment: Readonly<Record<string, string>> = {}) {
  const path = join(folder, "weft.yaml");
  writeFileSync(path, text);
  return loadConfiguration(path, environment);
}

const HERE = "redis: { url: 'redis://127.0.0.1:6379' }\n";
const PASSWORD = "canary-password";
writeFileSync(join(folder, "password"), `${PASSWORD}\n`);
writeFileSync(join(folder, "ca.pem"), "-----BEGIN CERTIFICATE-----\n");

test("this machine's own services need neither TLS nor a password; others do", () => {
  requireTransport(loadConfiguration(undefined, {}));
  const refused = {
    "Kafka in the clear": `${HERE}kafka: { brokers: ["127.0.0.1:9092", "kafka-1:9092"] }`,
    "Redis in the clear": "redis: { url: 'redis://u:p@redis-1:6379' }",
    "the registry in the clear": `${HERE}registry: { url: "http://registry-1:8081" }`,
    "Redis without a password": "redis: { url: 'rediss://redis-1:6379' }",
  };
  for (const [what, text] of Object.entries(refused)) {
    assert.throws(() => requireTransport(load(text)), { code: "insecure-transport" }, what);
    requireTransport(load(text, { WEFT_DEV: "1" }));
    requireTransport(load(`dev: true\n${text}`));
  }
  requireTransport(load(`${HERE}kafka: { brokers: ["kafka-1:9092"], tls: { ca: ca.pem } }`));
  requireTransport(load(`${HERE}registry: { url: "https://registry-1:8081" }`));
  requireTransport(load("redis: { url: 'rediss://redis-1:6379', passwordFile: password }"));
  requireTransport(load("redis: { url: 'rediss://:p@redis-1:6379' }"));
});

test("a password comes out of a file without its line's end, and shows nowhere (G2)", () => {
  const loaded = load(`${HERE}kafka: { username: weft, passwordFile: password }`);
  const { password } = loaded.deployment.kafka;
  assert.equal(password?.reveal(), PASSWORD);
  for (const text of [String(password), JSON.stringify(loaded), inspect(loaded, { depth: 9, showHidden: true })])
    assert.ok(!text.includes(PASSWORD), text.slice(0, 200));
  assert.equal(new Secret("x").toString(), "[secret]");
});

test("a file that is missing, and a certificate without its key, are told with their place", () => {
  const problems = (text: string) => {
    try {
      load(text);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.problems.map(({ code, path, line }) => [code, path, line]);
      throw error;
    }
    return [];
  };
  assert.deepEqual(problems("kafka:\n  passwordFile: none\n"), [["file-unreadable", "kafka.passwordFile", 2]]);
  assert.deepEqual(problems("redis:\n  tls: { ca: none }\n"), [["file-unreadable", "redis.tls.ca", 2]]);
  assert.deepEqual(problems("kafka:\n  tls: { certificate: ca.pem }\n"), [["missing-key", "kafka.tls", 2]]);
  assert.deepEqual(problems("dev: perhaps\n"), [["wrong-value", "dev", 1]]);
});

test("a Redis with the known holes in its Lua is told, one without is not", () => {
  for (const version of ["6.2.19", "7.0.15", "7.2.10", "7.4.5", "8.0.3", "8.2.1"])
    assert.match(findLuaHole(version) ?? "", /CVE-2025-49844/, version);
  for (const version of ["6.2.20", "7.2.11", "7.4.6", "8.0.4", "8.2.2", "8.4.0", "9.0.0", ""])
    assert.equal(findLuaHole(version), null, version);
});

test("at the start a Redis on another machine whose release has such a hole is told, and one without is not", async () => {
  for (const [version, isTold] of [
    ["7.2.10", true],
    ["7.2.11", false],
  ] as const) {
    const redis = await startOldRedis(version);
    const lines: string[] = [];
    const state = await openState(load(`redis: { url: "${redis.url}" }`), {}, { onWait: (line) => lines.push(line) });
    await state.requireSafety();
    await state.close();
    redis.close();
    assert.deepEqual(
      lines.map((line) => /^Redis: 7\.2\.10 .*CVE-2025-49844.*7\.2\.11/.test(line)),
      isTold ? [true] : [],
    );
  }
});
