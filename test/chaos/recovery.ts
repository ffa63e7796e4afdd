// npm run chaos -- --measure recovery: from `kill -9` of a worker to no lag, at a steady rate of events. Lag is gone when
// what had been recorded at some instant after the kill has been resolved and published: the first such instant counts.

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { createTraffic, formatTraffic } from "#support/traffic.ts";
import type { Rig } from "./rig.ts";

const RATE = 1_000;
const TURN_MS = 100;
const PEOPLE = 2_000;
/** All of them would be one component, and one shard would do all the work. */
const NEIGHBOURS = 9;
/** Until most of the people are known: who is new costs several times as much. */
const WARM_UP_MS = 60_000;
const BETWEEN_MS = 5_000;
const RECOVERY_MAX_MS = 120_000;
/** Records under way at any time where nothing is behind: what comes in about half a second. */
const UNDER_WAY_MAX = RATE / 2;
const LOOK_EVERY_MS = 200;

/** Milliseconds of each kill, in order. */
export async function measureRecovery(rig: Rig, kills: number, seed: number): Promise<number[]> {
  const stop = new AbortController();
  const feeding = feed(rig, tellTraffic(seed), stop.signal);
  const times: number[] = [];
  try {
    await sleep(WARM_UP_MS);
    for (let kill = 0; kill < kills; kill += 1) {
      await sleep(BETWEEN_MS);
      // What is still behind of the start is none of the kill's.
      if ((await waitForNoLag(rig, performance.now())) > RECOVERY_MAX_MS)
        throw new Error(
          `before kill ${kill + 1} something stayed behind: ${RATE} events/s are more than the rig can do`,
        );
      const verb = kill % 2 === 0 ? "stitch" : "resolve";
      const worker = rig.workers.find((one) => one.verb === verb);
      const killedAt = performance.now();
      await worker?.kill();
      times.push(await waitForNoLag(rig, killedAt));
      console.log(`kill ${kill + 1} of ${kills}, ${verb}: ${Math.round(times.at(-1) ?? 0)} ms to no lag`);
    }
  } finally {
    stop.abort();
    await feeding;
  }
  return times;
}

async function waitForNoLag(rig: Rig, killedAt: number): Promise<number> {
  // A session has to run out before anybody notices: until then an old position may look like none.
  for (;;) {
    await sleep(LOOK_EVERY_MS);
    const elapsedMs = performance.now() - killedAt;
    if (elapsedMs > RECOVERY_MAX_MS) return elapsedMs;
    const { passed, total } = await rig.deployment.readResolved();
    const behind = (await rig.deployment.readShards()).map(({ position, end }) => end - position);
    if (total - passed <= UNDER_WAY_MAX && Math.max(...behind) <= UNDER_WAY_MAX) {
      if (await isStillSo(rig)) return elapsedMs;
    }
  }
}

/** Everybody moves: a partition whose owner is dead stands still, and its lag grows. */
async function isStillSo(rig: Rig): Promise<boolean> {
  const before = await rig.deployment.readShards();
  await sleep(1_000);
  const after = await rig.deployment.readShards();
  const { passed, total } = await rig.deployment.readResolved();
  return total - passed <= UNDER_WAY_MAX && after.every(({ position }, shard) => position >= (before[shard]?.end ?? 0));
}

/** Of the same people for as long as it is asked for, in turns. */
function* tellTraffic(seed: number): Generator<string> {
  const events = (RATE * TURN_MS) / 1_000;
  for (let turn = 0; ; turn += 1) {
    const span = { fromMs: Date.now() - TURN_MS, toMs: Date.now() };
    yield formatTraffic(
      createTraffic({
        seed: seed + turn,
        people: PEOPLE,
        neighbours: NEIGHBOURS,
        events,
        first: turn * events,
        ...span,
      }),
    );
  }
}

/** One process that records what comes in as it comes, at the rate. */
async function feed(rig: Rig, turns: Iterable<string>, stop: AbortSignal): Promise<void> {
  const { command, options } = rig.deployment.commandOf(["produce", "--quiet", "-"]);
  const child = spawn(process.execPath, command, { ...options, stdio: ["pipe", "ignore", "ignore"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  for (const turn of turns) {
    if (stop.aborted) break;
    child.stdin?.write(turn);
    await sleep(TURN_MS, undefined, { signal: stop }).catch(() => {});
  }
  child.stdin?.end();
  await ended;
}
