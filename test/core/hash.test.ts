// Keys of identifiers and ids of profiles are keyed hashes (G2, I6).

import { equal, match, notEqual } from "node:assert/strict";
import { createHash as createPlainHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { createRegistry, type Registry } from "#core/registry.ts";
import { identifierKey } from "#core/identifier.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { createHash } from "#services/wire/hash.ts";

test("a key is HMAC-SHA-256 under the identity key, cut to 132 bits, the same each time", () => {
  const bytes = new Uint8Array(80).map((_, i) => i * 7);
  for (const key of ["a key", bytes]) {
    const hash = createHash(key);
    for (const text of ["", "é", "x".repeat(1000)]) {
      const expected = createHmac("sha256", key).update(text).digest("base64url").slice(0, 22);
      equal(hash(text), expected);
      equal(hash(text), expected);
    }
  }
});

test("nobody without the identity key can tell which identifier a key stands for (G2)", () => {
  const { configuration } = loadConfiguration(undefined, {});
  const [one, other] = ["one", "other"].map((key) => createRegistry(configuration, createHash(key))) as [
    Registry,
    Registry,
  ];
  const key = identifierKey(one, "email", "ada@example.org");
  match(key, /^[A-Za-z0-9_-]{22}$/);
  notEqual(key, identifierKey(other, "email", "ada@example.org"));
  notEqual(key, identifierKey(one, "customer", "ada@example.org"));
  const digest = createPlainHash("sha256").update("ada@example.org").digest("hex");
  equal(key, identifierKey(one, "email-sha256", digest), "an address and its digest are one identifier");
});
