// The keyed hash of the deployment: HMAC-SHA-256 under the identity key, 22 characters of base64url (132 bits).

import { createHmac, createSecretKey, hash } from "node:crypto";
import type { Hash } from "#core/identifier.ts";

const CACHED_MAX = 200_000;

export function createHash(identityKey: string | Uint8Array): Hash {
  // Bytes as a key are prepared anew at each call, at five times the cost of the digest.
  const key = createSecretKey(Buffer.from(identityKey));
  let cache = new Map<string, string>();
  const keyed = (text: string): string => {
    const known = cache.get(text);
    if (known !== undefined) return known;
    if (cache.size >= CACHED_MAX) cache = new Map();
    const digest = createHmac("sha256", key).update(text).digest("base64url").slice(0, 22);
    cache.set(text, digest);
    return digest;
  };
  return Object.assign(keyed, { digest: (text: string) => hash("sha256", text, "hex") });
}
