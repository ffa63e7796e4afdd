// The identity index: a routing table whose only primitive is a single-key set-if-absent, so it runs unchanged on one
// Redis, a Redis Cluster or an embedded store. Keys are ASCII without personal values; a value never changes once set.

export interface Index {
  /** One round trip (per index tag). Result i belongs to keys[i]. */
  get(keys: readonly string[]): Promise<(string | null)[]>;
  /** Sets each key that is absent; result i is the value that key i holds afterwards (the given one, or the earlier one). */
  putIfAbsent(entries: readonly { readonly key: string; readonly value: string }[]): Promise<string[]>;
  close(): Promise<void>;
}
