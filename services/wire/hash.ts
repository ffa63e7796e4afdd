// The keyed hash of the deployment: HMAC-SHA-256 under the identity key, 22 characters of base64url (132 bits).

import { createHmac } from "node:crypto";
import type { Hash } from "#core/identifier.ts";

const CACHED_MAX = 200_000;

export function createHash(identityKey: string | Uint8Array): Hash {
  let cache = new Map<string, string>();
  return (text) => {
    const known = cache.get(text);
    if (known !== undefined) return known;
    if (cache.size >= CACHED_MAX) cache = new Map();
    const digest = createHmac("sha256", identityKey).update(text).digest("base64url").slice(0, 22);
    cache.set(text, digest);
    return digest;
  };
}
