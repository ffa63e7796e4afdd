import { equal, notEqual } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createHash } from "#services/wire/hash.ts";

describe("the keyed hash", () => {
  it("is HMAC-SHA-256 of the text under the identity key, for any key and text (I6, G2)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.string({ maxLength: 6000 }), (key, text) => {
        equal(createHash(key)(text), createHmac("sha256", key).update(text).digest("base64url").slice(0, 22));
      }),
      { numRuns: 500 },
    );
  });

  it("says other things under another key: people of two deployments never meet", () => {
    notEqual(
      createHash("one key")("identifier\nemail\nana@example.com"),
      createHash("another key")("identifier\nemail\nana@example.com"),
    );
  });
});
