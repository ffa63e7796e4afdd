// An erasure is effective once every home has forgotten what it names, and says so no sooner: here nobody resolves or stitches.

import assert from "node:assert/strict";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { openRuntime, type Runtime } from "#services/cli/runtime.ts";
import { openStage, type Stage } from "#services/cli/stage.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { expectAnswer, openTestApi, type TestApi } from "#support/api.ts";
import { tell } from "#support/fold-events.ts";

const TYPED = { namespace: "email", value: "only.typed@example.com" };
const KNOWN = { namespace: "customer", value: "C-known" };
const ID = "0b8f7a52-6f0e-4c53-9d0a-0e5d1f1d2c3b";

let stage: Stage;
let runtime: Runtime;
let api: TestApi;

before(async () => {
  stage = await openStage();
  const events = [
    tell("web", 1, "identified", { email: TYPED.value }, { traits: { lastName: "Secret" } }),
    tell("crm", 2, "identified", { customer: KNOWN.value }),
  ];
  const now = events[1]?.recordedAt ?? 0;
  await stage.play(now, events);
  await stage.close();
  const file = join(stage.folder, "calm.yaml");
  writeFileSync(
    file,
    `embedded: { file: ${JSON.stringify(stage.loaded.deployment.embedded.file)} }\nengine: { shards: 4, stitchSlots: 1, resolverSlots: 1 }\n`,
  );
  const loaded = loadConfiguration(file, {});
  runtime = await openRuntime(loaded, { embedded: true, now: () => now });
  api = await openTestApi({ ...stage, loaded, runtime, close: () => runtime.close() }, { limits: { waitMs: 300 } });
});

after(async () => {
  await api.close();
  await runtime.close();
  stage.remove();
});

for (const [who, identifier] of [
  ["is known", KNOWN],
  ["is only claimed", TYPED],
] as const)
  test(`of whoever ${who} an erasure is written, and not effective, while nobody has forgotten anything (G1)`, async () => {
    const officer = api.as(api.keys.privacy);
    const id = ID.replace(/.$/, identifier === KNOWN ? "a" : "b");
    const { state, position } = expectAnswer(await officer.erase({ body: { id, identifier, reason: "r" } }));
    assert.equal(state, "written");
    const waited = await officer.lookUp({ body: identifier, query: { "at-least": position } });
    assert.ok(!waited.ok && waited.problem.code === "position-not-reached");
    const again = expectAnswer(await officer.erase({ body: { id, identifier, reason: "r" } }));
    assert.equal(again.state, "written", "it may be sent again");
  });
