// Bytes of the wire to values of the product and back. Framing, schema look-up and the guard against hostile bytes
// live behind it; callers see values or a stable reason.

export type DecodeFailure = "undecodable" | "unknown-schema" | "unsupported-framing";

export type Decoded =
  | { readonly ok: true; readonly schemaId: number; readonly value: unknown }
  | { readonly ok: false; readonly reason: DecodeFailure; readonly detail: string };

/** Thrown when the registry cannot be reached: wait and retry, never a dead letter. */
export class RegistryUnavailable extends Error {
  readonly code = "registry-unavailable";
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "RegistryUnavailable";
  }
}

export interface Codec {
  /** Fetches what `decode` will need for these values; one round trip at most per schema never seen before. Throws RegistryUnavailable. */
  prepare(values: readonly (Uint8Array | null)[]): Promise<void>;
  /** Synchronous; a value that `prepare` has not seen and whose schema is not cached is `unknown-schema`. Never throws. */
  decode(value: Uint8Array | null): Decoded;
  /** Registers the topic's schema if needed (compatibility first) and returns the synchronous encoder for `<topic>-value`. */
  encoder(topic: string, recordName: string): Promise<(value: unknown) => Uint8Array>;
}
