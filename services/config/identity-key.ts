// The key that profile ids are hashed with. Another key is another population: ids of two deployments never meet.

import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import type { Problem } from "./problem.ts";

/** Published on purpose, so that examples and tests give the same ids everywhere. Never for real people. */
export const PUBLIC_TEST_IDENTITY_KEY = "weft public test identity key: for demos and tests, never for real people";

const KEY_BYTES_MIN = 32;
const MAKE = "make one with: openssl rand -hex 32";

export interface IdentityKey {
  readonly bytes: Uint8Array;
  /** Says which key it is without giving it away: compared with the log at start. */
  readonly fingerprint: string;
  /** True for the test key above. */
  readonly published: boolean;
}

export function publishedIdentityKey(): IdentityKey {
  return describeKey(new TextEncoder().encode(PUBLIC_TEST_IDENTITY_KEY), true);
}

/** The bytes of the file without white space at its end, as editors and `echo` leave it. */
export function readIdentityKey(path: string): IdentityKey | Pick<Problem, "code" | "message"> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch {
    return { code: "file-unreadable", message: `cannot read the identity key file ${path}; ${MAKE}` };
  }
  let length = bytes.length;
  while (length > 0 && [9, 10, 13, 32].includes(bytes[length - 1] ?? 0)) length -= 1;
  if (length < KEY_BYTES_MIN) {
    return {
      code: "secret-too-short",
      message: `expected at least ${KEY_BYTES_MIN} bytes in ${path}, found ${length}; ${MAKE}`,
    };
  }
  return describeKey(bytes.slice(0, length), false);
}

function describeKey(bytes: Uint8Array, published: boolean): IdentityKey {
  const fingerprint = createHash("sha256")
    .update("weft-identity-key-fingerprint:")
    .update(bytes)
    .digest("hex")
    .slice(0, 16);
  return { bytes, fingerprint, published };
}
