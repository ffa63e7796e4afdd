// Keys of identifiers and ids of profiles are keyed hashes (G2, I6).

import { equal, match, notEqual } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { identifierKey } from "#core/identifier.ts";
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
  const key = identifierKey(createHash("one"), "email", "ada@example.org");
  match(key, /^[A-Za-z0-9_-]{22}$/);
  notEqual(key, identifierKey(createHash("other"), "email", "ada@example.org"));
  notEqual(key, identifierKey(createHash("one"), "email-sha256", "ada@example.org"));
});
