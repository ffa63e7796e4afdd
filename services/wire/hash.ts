// The keyed hash of the deployment: HMAC-SHA-256 (RFC 2104) under the identity key, 22 characters of base64url (132
// bits). Written as its two hashes over prepared pads: Node's createHmac builds objects that cost four times the hashing.

import { hash as digest } from "node:crypto";
import type { Hash } from "#core/identifier.ts";

const CACHED_MAX = 200_000;
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const TEXT_BYTES_MAX = 4096;

function pad(key: Buffer, byte: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES, byte);
  for (const [i, value] of key.entries()) block[i] = value ^ byte;
  return block;
}

export function createHash(identityKey: string | Uint8Array): Hash {
  const given = Buffer.from(identityKey);
  const key = given.length > BLOCK_BYTES ? digest("sha256", given, "buffer") : given;
  const inner = Buffer.alloc(BLOCK_BYTES + TEXT_BYTES_MAX);
  pad(key, 0x36).copy(inner);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  pad(key, 0x5c).copy(outer);

  function compute(text: string): string {
    const length = Buffer.byteLength(text);
    let message = inner.subarray(0, BLOCK_BYTES + length);
    if (length > TEXT_BYTES_MAX) message = Buffer.concat([inner.subarray(0, BLOCK_BYTES), Buffer.from(text)]);
    else inner.write(text, BLOCK_BYTES, "utf8");
    digest("sha256", message, "buffer").copy(outer, BLOCK_BYTES);
    return digest("sha256", outer, "base64url").slice(0, 22);
  }

  let cache = new Map<string, string>();
  return (text) => {
    const known = cache.get(text);
    if (known !== undefined) return known;
    if (cache.size >= CACHED_MAX) cache = new Map();
    const hashed = compute(text);
    cache.set(text, hashed);
    return hashed;
  };
}
