// Keys of an identity provider come and go while the API runs.

import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { exportJWK, SignJWT } from "jose";
import { createTokenVerifier, JWKS_KEPT_MS, JWKS_PAUSE_MS } from "#services/api/token.ts";

const [issuer, audience] = ["https://login.example", "weft"];
const SECOND = 1000;

interface Pair {
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const makePair = (kid: string): Pair => ({ kid, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) });

function mint({ kid, privateKey }: Pair): Promise<string> {
  const claims = { iss: issuer, aud: audience, sub: "u", exp: Math.floor(performance.timeOrigin / SECOND) + 3600 };
  return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey);
}

test("a new key of the identity provider is taken, a withdrawn one is refused, and made-up ones do not make it be asked each time", async (t) => {
  const [first, second] = [makePair("first"), makePair("second")];
  let offered = [first];
  let asked = 0;
  const provider = createServer((_request, response) => {
    asked += 1;
    const keys = offered.map(async ({ kid, publicKey }) => ({ ...(await exportJWK(publicKey)), kid, alg: "ES256" }));
    void Promise.all(keys).then((all) => response.end(JSON.stringify({ keys: all })));
  });
  await new Promise<void>((done) => provider.listen(0, "127.0.0.1", done));
  t.after(() => provider.close());
  const { port } = provider.address() as AddressInfo;
  const verify = createTokenVerifier({
    issuer,
    audience,
    algorithms: ["ES256"],
    jwksUrl: `http://127.0.0.1:${port}/keys`,
  });
  const isTaken = async (pair: Pair) => (await verify(await mint(pair))) !== null;
  const startMs = Date.now();
  let passedMs = 0;
  t.mock.method(Date, "now", () => startMs + passedMs);

  assert.deepEqual([await isTaken(first), await isTaken(second), asked], [true, false, 1]);
  offered = [first, second];
  passedMs += JWKS_PAUSE_MS - SECOND;
  for (let n = 0; n < 20; n += 1) assert.equal(await isTaken(makePair(`made up ${n}`)), false);
  assert.equal(asked, 1);
  passedMs += 2 * SECOND;
  assert.deepEqual([await isTaken(second), await isTaken(first), asked], [true, true, 2]);

  offered = [second];
  passedMs += JWKS_KEPT_MS + SECOND;
  assert.deepEqual([await isTaken(first), await isTaken(second), asked], [false, true, 3]);
});
