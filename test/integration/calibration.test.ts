// The simulated log against the broker that it stands for: a hundred scripts of transactions, acted on both. Each act must be
// answered alike, and each look at what is committed must come to see the same: records and their offsets, aborted ones
// left out, and the group's position.

import { deepEqual, fail } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { test } from "node:test";
import { compareText } from "#core/comparison.ts";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import {
  openBrokerClient,
  openRealGround,
  openSimulatedGround,
  type Answer,
  type Sight,
} from "#support/calibration-grounds.ts";
import { type Act, createScript, type Script } from "#support/calibration-scripts.ts";
import { servicesOrSkip } from "#support/services.ts";
import { hashText } from "../simulation/world.ts";

const SCRIPTS = 100;
const AT_ONCE = 24;
/** The broker looks every ten seconds for what has timed out. */
const SIGHT_WAIT_MS = 40_000;
const LOOK_EVERY_MS = 60;

interface Play {
  readonly script: Script;
  readonly expected: readonly Scene[];
}

interface Scene {
  readonly act: Act;
  readonly answer: Answer;
  readonly sight: Sight | null;
}

/** A script ends in a look; what is to be outlasted is seen to be over. */
function isSeen(act: Act, place: number, acts: readonly Act[]): boolean {
  return act.kind === "look" || act.kind === "outlast" || place === acts.length - 1;
}

async function playSimulated({ acts }: Script): Promise<Scene[]> {
  const ground = openSimulatedGround();
  const scenes: Scene[] = [];
  for (const [place, act] of acts.entries()) {
    const answer = await ground.act(act);
    scenes.push({ act, answer, sight: isSeen(act, place, acts) ? await ground.look() : null });
  }
  return scenes;
}

test(`${SCRIPTS} scripts of transactions leave the same history on the simulated log and on a broker`, {
  timeout: 180_000,
}, async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const log = await openKafkaLog({ brokers: services.brokers, clientId: "calibration" });
  const client = await openBrokerClient(services.brokers);
  const run = randomUUID().slice(0, 8);
  const answers = new Map<string, number>();

  async function compare({ script, expected }: Play): Promise<void> {
    const ground = await openRealGround(client, log, `${run}-${script.name}`, script);
    for (const [place, { act, answer, sight }] of expected.entries()) {
      const described = `script ${script.name}, act ${place} of ${JSON.stringify(script.acts.slice(0, place + 1))}`;
      const real = await ground.act(act);
      answers.set(`${act.kind} ${real}`, (answers.get(`${act.kind} ${real}`) ?? 0) + 1);
      if (real !== answer) fail(`${described}: the broker answers ${real}, the simulated log ${answer}`);
      if (sight === null) continue;
      const deadlineMs = performance.now() + SIGHT_WAIT_MS;
      for (let seen = await ground.look(); !isDeepStrictEqual(seen, sight); seen = await ground.look()) {
        if (performance.now() > deadlineMs) deepEqual(seen, sight, described);
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    }
  }

  try {
    const plays: Play[] = [];
    // One after the other: a simulated world has the clock to itself.
    for (let seed = 1; seed <= SCRIPTS; seed += 1) {
      const script = createScript(String(seed), (what) => hashText(seed, what) / 4_294_967_296);
      plays.push({ script, expected: await playSimulated(script) });
    }
    // Those that hang take long; they wait side by side.
    const left = plays.toSorted((a, b) => Number(b.script.hangs) - Number(a.script.hangs));
    const differences: string[] = [];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let play = left.shift(); play !== undefined; play = left.shift())
          await compare(play).catch((error: unknown) => differences.push((error as Error).message));
      }),
    );
    t.diagnostic(
      [...answers]
        .toSorted(([a], [b]) => compareText(a, b))
        .map(([what, count]) => `${what} ${count}`)
        .join(", "),
    );
    deepEqual(differences, []);
    for (const kind of [
      "positions fenced",
      "straggle fenced",
      "straggle refused",
      "end fenced",
      "end refused",
      "end done",
    ])
      if (!answers.has(kind)) fail(`never: ${kind}`);
  } finally {
    await client.close();
    await log.close();
  }
});
