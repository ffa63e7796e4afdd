// From the Authorization header to who is asking: an API key or a token, and nothing in between.

import type { Hash } from "#core/identifier.ts";
import { type KeyRing, looksLikeKey } from "./api-key.ts";
import { ApiProblem } from "./problem.ts";
import { type Caller, ROLES } from "./role.ts";
import type { TokenVerifier } from "./token.ts";

export class Authenticator {
  readonly #keys: KeyRing;
  readonly #verifyToken: TokenVerifier | null;
  readonly #hash: Hash;

  constructor(keys: KeyRing, verifyToken: TokenVerifier | null, hash: Hash) {
    this.#keys = keys;
    this.#verifyToken = verifyToken;
    this.#hash = hash;
  }

  /** Throws ApiProblem: unauthenticated, whatever was wrong with it. */
  async authenticate(header: string | undefined): Promise<Caller> {
    const [, credential] = /^Bearer ([\x21-\x7e]+)$/i.exec(header ?? "") ?? [];
    if (credential === undefined) throw new ApiProblem("unauthenticated");
    const caller = looksLikeKey(credential) ? this.#takeKey(credential) : await this.#takeToken(credential);
    if (caller === null) throw new ApiProblem("unauthenticated");
    return caller;
  }

  #takeKey(credential: string): Caller | null {
    const kept = this.#keys.verify(credential);
    if (kept === null) return null;
    const author = kept.name === undefined ? `key ${kept.id}` : `${kept.name} (key ${kept.id})`;
    return { id: `key:${kept.id}`, author, scopes: new Set(ROLES[kept.role]) };
  }

  async #takeToken(credential: string): Promise<Caller | null> {
    const token = (await this.#verifyToken?.(credential)) ?? null;
    if (token === null) return null;
    // A subject may be an address: it goes into no log.
    return { id: `sub:${this.#hash(`subject\n${token.subject}`)}`, author: token.subject, scopes: token.scopes };
  }
}
