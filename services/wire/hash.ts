// The keyed hash of the deployment: HMAC-SHA-256 under the identity key, 22 characters of base64url (132 bits).

import { hash } from "node:crypto";
import type { Hash } from "#core/identifier.ts";

const CACHED_MAX = 200_000;
/** Of SHA-256. */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
/** Of most texts. */
const TEXT_BYTES = 512;
/** UTF-8 of a UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

export function createHash(identityKey: string | Uint8Array): Hash {
  const authenticate = createMac(Buffer.from(identityKey));
  let cache = new Map<string, string>();
  const keyed = (text: string): string => {
    const known = cache.get(text);
    if (known !== undefined) return known;
    if (cache.size >= CACHED_MAX) cache = new Map();
    const digest = authenticate(text).slice(0, 22);
    cache.set(text, digest);
    return digest;
  };
  return Object.assign(keyed, { digest: (text: string) => hash("sha256", text, "hex") });
}

/**
 * HMAC-SHA-256 in base64url, as RFC 2104 makes it of two digests. Each begins with the key, which is prepared once: an Hmac
 * of node:crypto is an object for each text, at twice the cost.
 */
function createMac(key: Buffer): (text: string) => string {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? hash("sha256", key, "buffer") : key);
  const outer = Buffer.concat([block.map((byte) => byte ^ 0x5c)], BLOCK_BYTES + DIGEST_BYTES);
  let inner = Buffer.concat([block.map((byte) => byte ^ 0x36)], BLOCK_BYTES + TEXT_BYTES);
  return (text) => {
    const bytesMax = BLOCK_BYTES + text.length * BYTES_PER_UNIT_MAX;
    if (bytesMax > inner.length) inner = Buffer.concat([inner], bytesMax);
    const end = BLOCK_BYTES + inner.write(text, BLOCK_BYTES);
    outer.write(hash("sha256", inner.subarray(0, end), "binary"), BLOCK_BYTES, "latin1");
    return hash("sha256", outer, "base64url");
  };
}
