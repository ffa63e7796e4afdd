// Real processes that die in the middle of their work, under a reader that checks every output as it comes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createRandom, type Random } from "#support/cluster.ts";
import { Deployment } from "#support/deployment.ts";
import { LiveReader } from "#support/live-reader.ts";
import { servicesOrSkip } from "#support/services.ts";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import { Crew, ENDED_WELL } from "#support/workers.ts";

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
const TEST_WAIT_MS = 120_000 + 60_000 * ROUNDS;
const KILL_DELAY_MAX_MS = 400;

interface Summary {
  readonly digest: string;
}

/** What is fed while somebody is dead; then the import waits, or all the rest would be one batch. */
const CHUNKS_IN_ABSENCE = 5;

interface Kill {
  readonly verb: string;
  /** Of the import. */
  readonly share: number;
}

/** `weft import` that gets its lines bit by bit, and a kill at each of these shares, somewhere inside the work. */
async function feedSlowly(
  deployment: Deployment,
  text: string,
  kills: readonly Kill[],
  kill: (kill: Kill) => Promise<void>,
): Promise<void> {
  const lines = text.trimEnd().split("\n");
  const { command, options } = deployment.commandOf(["import", "-", "--quiet"]);
  const child = spawn(process.execPath, command, { ...options, stdio: ["pipe", "ignore", "inherit"] });
  const ended = new Promise<number | null>((done) => child.on("close", done));
  const size = Math.ceil(lines.length / CHUNKS);
  const due = [...kills];
  let absence = Promise.resolve();
  let chunksLeft = Number.POSITIVE_INFINITY;
  for (let at = 0; at < lines.length; at += size) {
    if (due[0] !== undefined && at >= due[0].share * lines.length) {
      await absence;
      absence = kill(due.shift() as Kill);
      chunksLeft = CHUNKS_IN_ABSENCE;
    }
    if (chunksLeft === 0) await absence;
    chunksLeft -= 1;
    child.stdin.write(`${lines.slice(at, at + size).join("\n")}\n`);
    await sleep(FEEDING_MS / CHUNKS);
  }
  await absence;
  child.stdin.end();
  assert.equal(await ended, 0, "import ends well");
}

/** Each verb once a round, in any order, at shares that leave time for the one before. */
function planKills(random: Random): Kill[] {
  const verbs = Array.from({ length: ROUNDS }, () =>
    random() < 0.5 ? ["resolve", "stitch"] : ["stitch", "resolve"],
  ).flat();
  return verbs.map((verb, i) => ({ verb, share: 0.2 + (0.6 * (i + random() * 0.8)) / verbs.length }));
}

const TITLE = `a resolver and a stitcher that are killed lose nothing and say nothing twice (O1, O2, S1; seed ${SEED})`;
test(TITLE, { timeout: TEST_WAIT_MS }, async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const random = createRandom(SEED);
  const deployment = new Deployment(services);
  await deployment.open();
  const crew = new Crew(deployment);
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
    await crew.start(["resolve", "stitch"]);
    await feedSlowly(deployment, text, planKills(random), async ({ verb, share }) => {
      // The command that imports takes its time to start.
      for (const wanted = 0.8 * share * traffic.length; (await deployment.readResolved()).passed < wanted; )
        await sleep(20);
      await sleep(random() * KILL_DELAY_MAX_MS);
      const { passed, total } = await deployment.readResolved();
      await crew.replace(verb);
      t.diagnostic(`${verb} killed at ${Math.round(share * 100)} %; ${passed} of ${total} records resolved`);
    });
    await deployment.settle();
    await sleep(500);

    const { digest, people } = await deployment.readStore();
    assert.equal(await deployment.countDeadLetters(), 0, "nothing is dead-lettered");
    assert.equal(digest, folded.digest, "the same people as the fold of the file");
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(reader.findDifferences(people), []);

    const before = reader.count;
    await deployment.mustRun(["import", "--quiet", file]);
    await deployment.settle();
    await sleep(1_000);
    assert.equal(reader.count - before, 0, "a second import says nothing");
    assert.equal((await deployment.readStore()).digest, folded.digest, "and changes nothing");
    assert.deepEqual(reader.findFaults(), []);
    assert.deepEqual(await crew.stop(), [ENDED_WELL, ENDED_WELL]);
    t.diagnostic(`${traffic.length} records, ${people.profiles.length} profiles, ${before} outputs`);
  } catch (error) {
    console.error(crew.describe());
    throw error;
  } finally {
    await crew.kill();
    await reader?.close();
    await deployment.close();
  }
});
