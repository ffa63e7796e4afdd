// The admin surface for others than this machine: over TLS alone.

import { equal, rejects } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { Metrics } from "#services/admin/metrics.ts";
import { openAdmin } from "#services/admin/surface.ts";
import { makeFolder } from "#support/folder.ts";
import { makeCertificates } from "#support/secure-services.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

test("with a certificate and a token it is read from elsewhere, over TLS 1.2 and newer, by whoever has the token", async () => {
  const folder = makeFolder("admin-tls");
  await makeCertificates(folder);
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, TOKEN);
  const tls = { certificate: join(folder, "server.pem"), privateKey: join(folder, "server.key") };
  const deployment = { admin: { host: "0.0.0.0", port: 0, tokenFile, tls }, dev: false };
  const surface = await openAdmin(deployment, new Metrics(["automation"]), () => "ok");
  const { port } = new URL(surface?.url ?? "");
  const ca = readFileSync(join(folder, "ca.pem"));
  const ask = (path: string, options: Parameters<typeof get>[1] = {}) =>
    new Promise<number | undefined>((resolve, reject) => {
      get(`https://127.0.0.1:${port}${path}`, { ca, ...options }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).once("error", reject);
    });
  try {
    equal(await ask("/health"), 200);
    equal(await ask("/metrics"), 401);
    equal(await ask("/metrics", { headers: { authorization: `Bearer ${TOKEN}` } }), 200);
    await rejects(ask("/health", { ca: readFileSync(join(folder, "foreign.pem")) }), "of another authority");
    await rejects(ask("/health", { maxVersion: "TLSv1.1", minVersion: "TLSv1" }), "an old TLS");
    await rejects(fetch(`http://127.0.0.1:${port}/health`), "in the clear");
  } finally {
    await surface?.close();
  }
});
