// Real faults on real services, as many of each kind as a push runs; `npm run chaos` is the long campaign.
// 3 kills at any time, 3 at named places, 3 answers lost or late, a zombie, a promoted replica (a lost tail), a flush and a killed broker: nothing
// is lost, doubled, torn or out of order (O1, O2, S1, S2).

import { equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { servicesOrSkip } from "#support/services.ts";
import { ROOT } from "#support/source.ts";

const TIMEOUT_MS = 30 * 60_000;

test("what a push runs of each fault breaks no promise", { timeout: TIMEOUT_MS }, async (t) => {
  // It starts services of its own, where they can be started at all.
  if ((await servicesOrSkip(t)) === null) return;
  const child = spawn(process.execPath, [join(ROOT, "test/chaos/main.ts"), "--push", "--burst", "5", "--again"], {
    cwd: ROOT,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((resolve) => child.on("close", resolve));
  t.diagnostic(said.trimEnd());
  equal(code, 0, said.slice(-4_000));
});
