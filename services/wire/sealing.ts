// What is said of people on the inner log, sealed: AES-256-GCM under the key that the name stands for, with a nonce of its
// own and the name beside it. Whose key is destroyed is not read any more: that is an answer, no failure.

import { createCipheriv, createDecipheriv, type KeyObject, randomFillSync } from "node:crypto";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;
/** Length of a text that is none. */
const ABSENT = 0xffffffff;
const NONCES_AT_ONCE = 512;

const nonces = Buffer.alloc(NONCE_BYTES * NONCES_AT_ONCE);
let used = NONCES_AT_ONCE;

/** Bytes that were sealed otherwise, under another key or name, or changed since. */
export class PayloadDamaged extends Error {
  readonly code = "payload-damaged";
}

export interface Opening {
  /** Null: the key is destroyed. */
  open(name: string, sealed: Uint8Array): Uint8Array | null;
  /** Nothing where the key is destroyed. */
  openText(name: string, sealed: string): string;
}

export interface Sealing extends Opening {
  /** Nothing where the key is destroyed: nobody could read it. */
  seal(name: string, plain: Uint8Array): Uint8Array;
  sealText(name: string, plain: string): string;
}

/** For who asks for nothing but what stands in the clear. */
export const BLIND: Opening = { open: () => null, openText: () => "" };

export function sealBytes(key: KeyObject, name: string, plain: Uint8Array): Uint8Array {
  const nonce = takeNonce();
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(name));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Throws PayloadDamaged. */
export function openBytes(key: KeyObject, name: string, sealed: Uint8Array): Uint8Array {
  const end = sealed.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(name));
    decipher.setAuthTag(sealed.subarray(Math.max(end, 0)));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
  } catch (cause) {
    throw new PayloadDamaged(`what is sealed under ${name} cannot be opened with its key`, { cause });
  }
}

/** Never the same twice: drawn many at once, as a draw costs as much as all of these. */
function takeNonce(): Uint8Array {
  if (used === NONCES_AT_ONCE) {
    randomFillSync(nonces);
    used = 0;
  }
  const start = NONCE_BYTES * used;
  used += 1;
  return Buffer.from(nonces.subarray(start, start + NONCE_BYTES));
}

/** Texts one after the other, each with its length before it. */
export function pack(texts: readonly (Uint8Array | null)[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + LENGTH_BYTES + (text?.length ?? 0), 0));
  let at = 0;
  for (const text of texts) {
    at = bytes.writeUInt32LE(text?.length ?? ABSENT, at);
    if (text !== null) bytes.set(text, at);
    at += text?.length ?? 0;
  }
  return bytes;
}

export function unpack(packed: Uint8Array): (Uint8Array | null)[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  const texts: (Uint8Array | null)[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    at += LENGTH_BYTES;
    if (length === ABSENT) texts.push(null);
    else {
      texts.push(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return texts;
}
