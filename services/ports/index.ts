// The identity index: a routing table whose only primitive is a single-key set-if-absent, so it runs unchanged on one
// Redis, a Redis Cluster or an embedded store. Keys are ASCII without personal values; a value never changes once set, but
// where something was lost and is put back.

export interface IndexMark {
  /** null: none was written, or it was lost. */
  readonly text: string | null;
  /**
   * Whoever keeps the part now: another one after a restart or a fail-over, who may have forgotten what came before that.
   * moveMarks writes it beside the text.
   */
  readonly keeper: string;
  /** The text was written under another keeper: what was put after it may be lost. */
  readonly doubtful: boolean;
}

export interface Index {
  /** One round trip (per index tag). Result i belongs to keys[i]. */
  get(keys: readonly string[]): Promise<(string | null)[]>;
  /** Sets each key that is absent; result i is the value that key i holds afterwards (the given one, or the earlier one). */
  putIfAbsent(entries: readonly { readonly key: string; readonly value: string }[]): Promise<string[]>;
  /** Sets the keys whatever they hold, but for those that hold `final`: what the log says, after a loss. */
  restore(entries: readonly { readonly key: string; readonly value: string }[], final?: string): Promise<void>;
  /** One for each part of the index that can lose something by itself, in the same order each time. */
  readMarks(): Promise<IndexMark[]>;
  /** Writes the text beside each part where that of `from` still stands, and its keeper has the part still. */
  moveMarks(from: readonly IndexMark[], to: string): Promise<void>;
  close(): Promise<void>;
}
