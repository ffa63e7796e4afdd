// Items of the inner log through the codec and back.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { openLocalCodec } from "#adapters/registry/local.ts";
import type { Carried } from "#core/item.ts";
import { encodeBundles, readBundle, type BundleValue } from "#services/wire/bundle.ts";

const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });
const encode = (await codec.encoder("weft.resolved", "ResolvedBundle")) as (value: BundleValue) => Uint8Array;

const BYTES = [0, 1, 2, 253, 254, 255];
const kinds: readonly (readonly [string, Uint8Array])[] = [
  ["a Buffer", Buffer.from(BYTES)],
  ["a plain byte array", new Uint8Array(BYTES)],
  ["a window of a larger one", new Uint8Array([9, ...BYTES, 9]).subarray(1, 1 + BYTES.length)],
];

for (const [kind, event] of kinds) {
  test(`an event travels as it came where the log gives ${kind}`, () => {
    const item: Carried = {
      item: { kind: "absorb", component: "0-b", into: "0-a", cause: { source: null, eventId: null } as never },
      event,
    };
    const records = encodeBundles(encode, 0, 0, [item]);
    assert.equal(records.length, 1);
    const decoded = codec.decode(records[0] ?? null);
    assert.ok(decoded.ok);
    const [read] = readBundle(decoded.value as BundleValue);
    assert.deepEqual([...(read?.event ?? [])], BYTES);
    assert.deepEqual(read?.item, item.item);
  });
}
