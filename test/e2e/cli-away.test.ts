// Kafka or Redis away: a verb that asks once waits so long and no longer, and says what it has waited for; processes wait on.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NOWHERE, runWeft } from "#support/command.ts";
import { Deployment } from "#support/deployment.ts";
import { makeFolder } from "#support/folder.ts";
import { servicesOrSkip } from "#support/services.ts";

const WEFT = resolve(import.meta.dirname, "../../services/cli/main.ts");
/** Of a start, a wait and an end on a busy machine. */
const ENDS_MS = 30_000;

test("a verb that asks once gives Kafka up after --timeout, with a code and exit 1", async () => {
  const events = join(makeFolder("away"), "events.jsonl");
  writeFileSync(events, "");
  for (const args of [
    ["lookup", "card:1"],
    ["topics", "create"],
    ["import", events],
    ["sources", "hold", "web", "--author", "ana", "--reason", "because"],
    ["report", "matrix"],
  ]) {
    const startedAtMs = performance.now();
    const { code, out, err } = await runWeft(["--timeout", "200ms", ...args], { environment: NOWHERE });
    assert.deepEqual([code, out], [1, ""], args.join(" "));
    assert.match(
      err,
      /^log-unavailable: Kafka is away, waited 0\.2 s: .*; check that Kafka .*; --timeout waits longer\n$/,
    );
    assert.ok(performance.now() - startedAtMs < ENDS_MS);
  }
});

test("the environment says so too, and what is no duration is wrong usage", async () => {
  const waited = await runWeft(["digest"], { environment: { ...NOWHERE, WEFT_TIMEOUT: "300ms" } });
  assert.match(waited.err, /^log-unavailable: Kafka is away, waited 0\.3 s: /);
  const wrong = await runWeft(["--timeout", "soon", "digest"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /^wrong-usage: option '--timeout <duration>' argument 'soon' is invalid/);
});

test("a Redis that is away is given up in the same way, said once", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const deployment = new Deployment(services);
  const environment = { ...deployment.environment, WEFT_REDIS_URL: NOWHERE.WEFT_REDIS_URL };
  const args = ["--config", deployment.config, "--timeout", "1500ms", "lookup", "card:1"];
  const { code, err } = await runWeft(args, { environment });
  assert.equal(code, 1);
  const [waiting = "", given = "", ...more] = err.trim().split("\n");
  assert.deepEqual(more, []);
  assert.match(waiting, /^Redis at 127\.0\.0\.1:1 is not there \(\w+\); waiting for it$/);
  assert.match(
    given,
    /^store-unavailable: Redis at 127\.0\.0\.1:1 is away, waited 1\.5 s: \w+; .*--timeout waits longer$/,
  );
});

test("a process, and a verb that follows a topic, wait on whatever --timeout says", async () => {
  const wait = async (...args: string[]) => {
    const child = spawn(process.execPath, [WEFT, "--timeout", "100ms", ...args], {
      stdio: "ignore",
      env: { ...process.env, ...NOWHERE },
    });
    const ended = new Promise<string>((done) => child.once("exit", () => done("ended")));
    assert.equal(await Promise.race([ended, sleep(5000, "waits")]), "waits", args.join(" "));
    child.kill("SIGKILL");
    await ended;
  };
  await Promise.all([wait("up"), wait("tail", "profile-state", "--follow")]);
});
