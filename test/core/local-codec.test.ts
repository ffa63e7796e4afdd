// The codec of the embedded mode and the schemas that it keeps beside the data.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { makeFolder } from "#support/folder.ts";

const SCHEMAS = resolve(import.meta.dirname, "../../schemas");

test("encoders asked for at the same time keep their schema once, whole", async () => {
  const keptDirectory = makeFolder("codec");
  const codec = await openLocalCodec({ schemasDirectory: SCHEMAS, keptDirectory });
  const asked = Array.from({ length: 20 }, (_, topic) => codec.encoder(`channel-${topic}`, "ChannelEvent"));
  const [encode] = await Promise.all(asked);
  assert.equal(readdirSync(keptDirectory).length, 1);
  const bytes = encode?.({ eventId: "e", type: "page-viewed", occurredAt: 0, identifiers: [] }) ?? null;
  const reopened = await openLocalCodec({ schemasDirectory: SCHEMAS, keptDirectory });
  assert.ok(reopened.decode(bytes).ok);
});
