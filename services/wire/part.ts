// Parts of a shard as bytes of the store and back: the one place that knows how state is written.

import type { Engine } from "#core/engine.ts";
import { parseJson, writeJson } from "./json.ts";

/** null, as absent: the part is deleted. */
export function encodePart(value: unknown): Uint8Array | null {
  return value === null || value === undefined ? null : Buffer.from(writeJson(value));
}

/** Safe to write into: see revivePart. */
export function decodePart(engine: Engine, key: string, bytes: Uint8Array | null): unknown {
  return bytes === null ? null : engine.revive(key, parseJson(bytes));
}
