// How an adapter's connections are secured: what the other side must prove, and who we say we are.

import type { Secret } from "./secret.ts";

/** PEM texts. What is not given: the system's authorities; no certificate of our own. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface Credentials {
  readonly username: string;
  readonly password: Secret;
}
