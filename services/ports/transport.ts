// How an adapter's connections are secured: whom the other side is to be vouched for by, and who vouches for us.

/** PEM texts. What is not given: the system's authorities; no certificate of our own. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}
