// Issue 5, decoder guard: whatever bytes come by Avro, JSON or an outbox of Redis, they are answered or refused, soon and in
// little memory. `npm run fuzz` runs more of it. WEFT_PROPERTY_RUNS and WEFT_PROPERTY_SEED as elsewhere.

import { ok } from "node:assert/strict";
import { test } from "node:test";
import { fuzz, openTargets } from "#support/decoder-fuzz.ts";
import { FACTOR, seed } from "#support/property.ts";

const INPUTS = Math.round(200_000 * FACTOR);

test(`${INPUTS} inputs to the decoders are answered within 50 ms and 64 MB (O1)`, async (t) => {
  const { inputs, accepted, answers, slowestMs } = fuzz(await openTargets(), seed, INPUTS);
  t.diagnostic(`seed ${seed}: ${accepted} of ${inputs} accepted, ${answers} kinds of answer, slowest ${slowestMs} ms`);
  ok(accepted > inputs / 200 && answers > 20, "the inputs must reach past the first check");
});
