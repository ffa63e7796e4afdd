// Real processes that die in the middle of their work, under a reader that checks every output as it comes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createRandom } from "#support/cluster.ts";
import { Deployment } from "#support/deployment.ts";
import { LiveReader } from "#support/live-reader.ts";
import { servicesOrSkip } from "#support/services.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { Worker } from "#support/workers.ts";

/** WEFT_KILL_SEED repeats a run. */
const SEED = Number(process.env["WEFT_KILL_SEED"] ?? Date.now() % 100_000);
/** WEFT_KILL_ROUNDS: how often each of the two is killed; one costs a session time-out of ten seconds. */
const ROUNDS = Number(process.env["WEFT_KILL_ROUNDS"] ?? 1);
const PEOPLE = 300;
const EVENTS = 4_000;
const DAY_MS = 86_400_000;
/** The import takes about this long, so that there is a middle to be killed in. */
const FEEDING_MS = 5_000;
const CHUNKS = 50;
const KILL_WAIT_MS = 60_000;

interface Summary {
  readonly digest: string;
  readonly profiles: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** `weft import` that gets its lines bit by bit. */
async function feedSlowly(deployment: Deployment, text: string): Promise<void> {
  const lines = text.trimEnd().split("\n");
  const { command, options } = deployment.commandOf(["import", "-", "--quiet"]);
  const child = spawn(process.execPath, command, { ...options, stdio: ["pipe", "ignore", "inherit"] });
  const ended = new Promise<number | null>((done) => child.on("close", done));
  const size = Math.ceil(lines.length / CHUNKS);
  for (let at = 0; at < lines.length; at += size) {
    child.stdin.write(`${lines.slice(at, at + size).join("\n")}\n`);
    await sleep(FEEDING_MS / CHUNKS);
  }
  child.stdin.end();
  assert.equal(await ended, 0, "import ends well");
}

test(`a resolver and a stitcher that are killed lose nothing and say nothing twice (O1, O2, S1; seed ${SEED})`, async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const random = createRandom(SEED);
  const deployment = new Deployment(services);
  await deployment.open();
  const workers = new Map<string, Worker>();
  let reader: LiveReader | null = null;
  try {
    // Old enough for every signal to be due, young enough for no topic to let go of it.
    const nowMs = Date.now();
    const traffic = createTraffic({
      seed: SEED,
      people: PEOPLE,
      events: EVENTS,
      fromMs: nowMs - 6 * DAY_MS,
      toMs: nowMs - 3 * DAY_MS,
    });
    const text = formatTraffic(traffic);
    const file = deployment.write("traffic.jsonl", text);
    const folded = JSON.parse(
      await deployment.mustRun(["fold", "--json", "--quiet", "--out", join(deployment.folder, "fold"), file]),
    ) as Summary;

    await deployment.mustRun(["topics", "create"]);
    reader = await LiveReader.open(deployment);
    for (const verb of ["resolve", "stitch"]) workers.set(verb, new Worker(deployment, verb));
    for (const worker of workers.values()) await worker.waitFor(/^running$/);

    const feeding = feedSlowly(deployment, text);
    const killAt = async (verb: string, share: number, readShare: () => Promise<number>) => {
      for (const deadline = Date.now() + KILL_WAIT_MS; (await readShare()) < share; await sleep(5))
        if (Date.now() > deadline) throw new Error(`${verb} stays at ${await readShare()} of what it has to do`);
      await workers.get(verb)?.kill();
      t.diagnostic(`${verb} killed at ${Math.round((await readShare()) * 100)} %`);
      workers.set(verb, new Worker(deployment, verb));
    };
    const resolvedShare = async () => (await deployment.readResolved()).passed / traffic.length;
    // Of profiles, which nearly every event changes; several events in one bundle are one change.
    const heard = reader;
    const publishedShare = async () => heard.profiles.size / folded.profiles;
    for (let round = 0; round < ROUNDS; round += 1) {
      const [from, width] = [0.2 + (0.6 * round) / ROUNDS, 0.6 / ROUNDS];
      const order = [
        killAt("resolve", from + width * random(), resolvedShare),
        killAt("stitch", from + width * random(), publishedShare),
      ];
      await Promise.all(order);
    }
    await feeding;
    await deployment.settle();
    await sleep(500);

    const { digest, people } = await deployment.readStore();
    assert.equal(await deployment.countDeadLetters(), 0, "nothing is dead-lettered");
    assert.equal(digest, folded.digest, "the same people as the fold of the file");
    assert.deepEqual(reader.findFaults(), []);
    const published = new Map([...reader.profiles].map(([profileId, { segment }]) => [profileId, segment]));
    for (const { profileId, segment } of people.profiles) {
      assert.equal(published.get(profileId), segment, `profile-changed of ${profileId} is up to date`);
      if (reader.countRenames(profileId) === 0)
        assert.equal(reader.segments.get(profileId), segment, `the last transition of ${profileId} led where it is`);
    }
    const living = new Set(people.profiles.map(({ profileId }) => profileId));
    const left = [...reader.segments].filter(([profileId, segment]) => segment !== null && !living.has(profileId));
    assert.deepEqual(left, [], "whoever is no more has moved to nowhere");

    const before = reader.count;
    await deployment.mustRun(["import", "--quiet", file]);
    await deployment.settle();
    await sleep(1_000);
    assert.equal(reader.count - before, 0, "a second import says nothing");
    assert.equal((await deployment.readStore()).digest, folded.digest, "and changes nothing");
    t.diagnostic(`${traffic.length} records, ${people.profiles.length} profiles, ${before} outputs`);
    for (const worker of workers.values()) assert.deepEqual(await worker.stop(), { code: 0, signal: null });
    assert.deepEqual(reader.findFaults(), []);
  } catch (error) {
    for (const worker of workers.values()) console.error(worker.describe());
    throw error;
  } finally {
    for (const worker of workers.values()) await worker.kill();
    await reader?.close();
    await deployment.close();
  }
});
