// API keys: made of 256 random bits, shown once, kept as a keyed hash under an id that says nothing. Where they are kept:
// a file that may change while the server runs, and the configuration (so the environment).

import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import { isRole, type Role, ROLE_NAMES } from "./role.ts";
import { holdAlone } from "./sole.ts";

const ID = /^[a-z0-9]{10}$/;
const KEY = /^weft_([a-z0-9]{10})_([A-Za-z0-9_-]{43})$/;
/** How long a key that was taken out of the file may still be taken for valid. */
const LOOK_INTERVAL_MS = 1000;
const LOCK_WAIT_MS = 10_000;

export interface KeptKey {
  readonly id: string;
  readonly role: Role;
  readonly hash: string;
  readonly created?: string | undefined;
  readonly name?: string | undefined;
  /** Another one has taken its place: from this instant (ISO 8601) it is no key any more. */
  readonly until?: string | undefined;
}

const keyFileSchema = z.strictObject({
  keys: z.array(
    z.strictObject({
      id: z.string().regex(ID),
      role: z.enum(ROLE_NAMES),
      hash: z.string(),
      created: z.string().optional(),
      name: z.string().optional(),
      until: z.iso.datetime().optional(),
    }),
  ),
});

export class KeyFileBroken extends Error {
  readonly code = "api-keys-unreadable";
}

export function looksLikeKey(credential: string): boolean {
  return credential.startsWith("weft_");
}

function hashKey(secret: KeyObject, key: string): string {
  return createHmac("sha256", secret).update(`api-key\n${key}`).digest("base64url");
}

/** secret: what the deployment's identifiers are hashed with; without it a file of hashes proves nothing. */
export function createKey(secret: Uint8Array, role: Role, name?: string): { key: string; kept: KeptKey } {
  const id = Array.from(randomBytes(10), (byte) => "abcdefghijklmnopqrstuvwxyz234567"[byte % 32]).join("");
  const key = `weft_${id}_${randomBytes(32).toString("base64url")}`;
  const kept = { id, role, hash: hashKey(createSecretKey(secret), key), created: new Date().toISOString() };
  return { key, kept: name === undefined ? kept : { ...kept, name } };
}

/**
 * Another key of the same role and name in the place of one of these, which goes on for so long that whoever uses it can
 * change. Null where there is no key of this id, or its end has been set already.
 */
export function rotateKey(
  secret: Uint8Array,
  keys: readonly KeptKey[],
  id: string,
  untilMs: number,
): { key: string; kept: KeptKey; keys: readonly KeptKey[] } | null {
  const old = keys.find((one) => one.id === id && one.until === undefined);
  if (old === undefined) return null;
  const { key, kept } = createKey(secret, old.role, old.name);
  const ending = { ...old, until: new Date(untilMs).toISOString() };
  return { key, kept, keys: [...keys.map((one) => (one === old ? ending : one)), kept] };
}

/** The mark of a key that was taken back. It stays: the same one may stand in the configuration too, where nobody looks. */
const REVOKED = new Date(0).toISOString();

/** Null where there is no key of this id. */
export function revokeKey(keys: readonly KeptKey[], id: string): readonly KeptKey[] | null {
  const one = keys.find((key) => key.id === id && !isRevoked(key));
  return one === undefined ? null : keys.map((key) => (key === one ? { ...one, until: REVOKED } : key));
}

export function isRevoked({ until }: KeptKey): boolean {
  return until === REVOKED;
}

/** As a key stands in the configuration and in WEFT_API_KEYS. */
export function parseKeptKey(text: string): KeptKey {
  const [id = "", role, hash = ""] = text.split(":");
  if (!ID.test(id) || !isRole(role) || hash === "") throw new KeyFileBroken("api.keys: expected id:role:hash");
  return { id, role, hash };
}

export function readKeyFile(path: string): readonly KeptKey[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new KeyFileBroken(`${path} cannot be read`);
  }
  try {
    return keyFileSchema.parse(JSON.parse(text)).keys;
  } catch {
    throw new KeyFileBroken(`${path} is not a file of API keys`);
  }
}

export function writeKeyFile(path: string, keys: readonly KeptKey[]): void {
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 });
  renameSync(beside, path);
}

/** One at a time: of two changes at once the later one would undo the other. Throws FileInUse. */
export function changeKeyFile<Change extends { readonly keys: readonly KeptKey[] }>(
  path: string,
  change: (keys: readonly KeptKey[]) => Change,
): Change {
  const release = holdAlone(path, "api.keysFile", LOCK_WAIT_MS);
  try {
    const changed = change(readKeyFile(path));
    writeKeyFile(path, changed.keys);
    return changed;
  } finally {
    release();
  }
}

export class KeyRing {
  readonly #secret: KeyObject;
  readonly #path: string;
  readonly #given: readonly KeptKey[];
  readonly #now: () => number;
  #first: KeptKey | null = null;
  #read: readonly KeptKey[] = [];
  #stamp = "";
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(secret: Uint8Array, path: string, given: readonly string[], now: () => number = () => performance.now()) {
    this.#secret = createSecretKey(secret);
    this.#path = path;
    this.#given = given.map(parseKeptKey);
    this.#now = now;
    this.#look();
  }

  get isEmpty(): boolean {
    this.#look();
    return this.#given.length === 0 && this.#read.every(isRevoked);
  }

  /** A key for the first start, kept in memory only and void for good as soon as there is another. */
  createFirst(): string {
    const { key, kept } = createKey(this.#secret.export(), "admin");
    this.#first = kept;
    return key;
  }

  /** Null where it is none of ours. Throws KeyFileBroken: then nobody comes in. */
  verify(key: string): KeptKey | null {
    const [, id] = KEY.exec(key) ?? [];
    if (id === undefined) return null;
    this.#look();
    const first = this.#first === null ? [] : [this.#first];
    const kept = [...this.#given, ...this.#read, ...first].find((one) => one.id === id);
    const [ours, theirs] = [Buffer.from(kept?.hash ?? ""), Buffer.from(hashKey(this.#secret, key))];
    // Wherever else it stands.
    if (this.#read.some((one) => one.id === id && hasEnded(one))) return null;
    return kept !== undefined && ours.length === theirs.length && timingSafeEqual(ours, theirs) ? kept : null;
  }

  #look(): void {
    const now = this.#now();
    if (now - this.#lookedAtMs < LOOK_INTERVAL_MS) return;
    const found = statSync(this.#path, { throwIfNoEntry: false });
    const stamp = found === undefined ? "" : `${found.mtimeMs} ${found.size} ${found.ino}`;
    if (stamp !== this.#stamp) this.#read = readKeyFile(this.#path);
    if (!this.#read.every(isRevoked)) this.#first = null;
    this.#stamp = stamp;
    this.#lookedAtMs = now;
  }
}

function hasEnded({ until }: KeptKey): boolean {
  return until !== undefined && Date.parse(until) <= Date.now();
}
