// The audit trail: who was shown whose values, and who commanded what. A file of lines that is only ever appended to; each
// line is chained to the one before by a keyed hash, so that a line that was changed, taken out or put in is found. A line
// is on the disk before its request is answered. It holds no personal value: callers, routes, profile ids, instants.

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { constants, mkdirSync, readFileSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { holdAlone } from "./sole.ts";

export interface AuditEntry {
  readonly at: string;
  readonly requestId: string;
  readonly caller: string;
  /** Method and pattern. */
  readonly route: string;
  /** Whose values were shown, or whom a command is about. */
  readonly profileIds: readonly string[];
  /** `shown`; of a command `begun`, and by a later line `done`; or the code of the problem by which it was refused. */
  readonly outcome: string;
}

/** Where a trail stands: with it, also lines that were cut off its end are found. */
export interface AuditHead {
  readonly n: number;
  readonly chain: string;
}

/** What is written is on the disk when the write returns: one wait in place of two. */
const APPEND_TO_DISK = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC;

const BEGINNING: AuditHead = { n: 0, chain: "" };

export class AuditBroken extends Error {
  readonly code = "audit-broken";
}

export class AuditTrail {
  readonly #file: FileHandle;
  readonly #key: KeyObject;
  #head: AuditHead;
  /** Lines that go to the disk with the next writing. */
  #waiting = "";
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  readonly #release: () => void;

  private constructor(file: FileHandle, secret: Uint8Array, head: AuditHead, release: () => void) {
    this.#release = release;
    this.#file = file;
    this.#key = createSecretKey(secret);
    this.#head = head;
  }

  /**
   * Throws AuditBroken where what is there is not a whole trail, FileInUse where another process appends to it; a torn last
   * line is cut off, and a line says so.
   */
  static async open(path: string, secret: Uint8Array): Promise<AuditTrail> {
    mkdirSync(dirname(path), { recursive: true });
    // A device takes from anybody.
    const isDevice = statSync(path, { throwIfNoEntry: false })?.isFile() === false;
    const release = isDevice ? () => {} : holdAlone(path, "api.auditFile");
    try {
      return await AuditTrail.#openHeld(path, secret, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  static async #openHeld(path: string, secret: Uint8Array, release: () => void): Promise<AuditTrail> {
    const text = readTrail(path);
    // A power cut may tear the last line, whose request was never answered.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    const head = verifyTrail(whole, secret);
    const file = await open(path, APPEND_TO_DISK, 0o600);
    const trail = new AuditTrail(file, secret, head, release);
    if (whole.length === text.length) return trail;
    await file.truncate(Buffer.byteLength(whole));
    const at = new Date().toISOString();
    await trail.append({
      at,
      requestId: "",
      caller: "weft",
      route: "torn line cut off",
      profileIds: [],
      outcome: "done",
    });
    return trail;
  }

  get head(): AuditHead {
    return this.#head;
  }

  /**
   * Resolves once the line is on the disk; lines stand in the order of the calls. Those that come while others are being
   * written share the next writing, so that a disk that is slow to say so is waited for twice at most.
   */
  append(entry: AuditEntry): Promise<void> {
    const line = chain(this.#key, this.#head, entry);
    this.#head = { n: line.n, chain: line.chain };
    this.#waiting += `${JSON.stringify(line)}\n`;
    // After one that failed the chain has a hole: nothing is written any more.
    this.#next ??= this.#writing.then(() => this.#write());
    this.#next.catch(() => {});
    return this.#next;
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = "";
    this.#writing = this.#next ?? this.#writing;
    this.#next = null;
    await this.#file.appendFile(lines);
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#writing).catch(() => {});
    await this.#file.close();
    this.#release();
  }
}

/** The whole text; nothing where there is no such file, or where it is a device that only takes. */
export function readTrail(path: string): string {
  try {
    return statSync(path).isFile() ? readFileSync(path, "utf8") : "";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new AuditBroken(`${path} cannot be read`);
  }
}

/** Where the trail stands. `known`: a head that it had before. Throws AuditBroken with the first line that is wrong. */
export function verifyTrail(text: string, secret: Uint8Array, known: AuditHead = BEGINNING): AuditHead {
  const key = createSecretKey(secret);
  let head = BEGINNING;
  let isKnown = known.n === 0;
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new AuditBroken(`line ${lines.length + 1} is not whole`);
  for (const [i, written] of lines.entries()) {
    const right = continueChain(key, head, written);
    // As it is written, and not only as it is read: of two values under one name a reader may take the other.
    if (right === null || !isSame(written, JSON.stringify(right)))
      throw new AuditBroken(`line ${i + 1} is not the one that was written after the line before`);
    head = { n: right.n, chain: right.chain };
    if (known.n === head.n) isKnown = isSame(known.chain, head.chain);
  }
  if (!isKnown) throw new AuditBroken(`the line ${known.n} that was known is not there`);
  return head;
}

/** The key as an object: prepared anew for each line it would cost more than the rest. */
function chain<Entry extends object>(key: KeyObject, before: AuditHead, entry: Entry): Entry & AuditHead {
  const told = { n: before.n + 1, ...entry };
  const hash = createHmac("sha256", key).update(`audit\n${before.chain}\n${JSON.stringify(told)}`);
  return { ...told, chain: hash.digest("base64url") };
}

/** The line that tells the same in this place, whatever it tells: the lines of an older release told other things. */
function continueChain(key: KeyObject, before: AuditHead, written: string): AuditHead | null {
  try {
    const { n: _n, chain: _chain, ...entry } = JSON.parse(written) as AuditHead;
    return chain(key, before, entry);
  } catch {
    return null;
  }
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
