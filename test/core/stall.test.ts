// A consumer that stalls without an error is taken over again (O1).

import { deepEqual, doesNotThrow, throws } from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { StoreUnavailable } from "#ports/store.ts";
import { LogError, type LogRecord, type Polled, type Reach } from "#ports/log.ts";
import { type ResolverServices, runResolverSlot } from "#services/resolver/loop.ts";
import { runStitcherSlot, type StitcherServices } from "#services/stitcher/loop.ts";
import type { LoopEvent } from "#services/wire/patience.ts";
import { createFailingSlot } from "#support/failing-slot.ts";
import { Stalled, StallWatch } from "#services/wire/stall.ts";

test("a slot that is taken over again is counted with its cause", async () => {
  const told: LoopEvent[] = [];
  const waiting = { onWait: () => {}, onLoop: (event: LoopEvent) => void told.push(event) };
  const failures = [new Stalled("log-unavailable", "x"), new LogError("log-outcome-unknown", "x")];
  await runResolverSlot({ waiting } as unknown as ResolverServices, createFailingSlot(failures));
  const store = { raiseEpochs: async () => new Map() };
  const lost = new StoreUnavailable("x");
  await runStitcherSlot({ waiting, store } as unknown as StitcherServices, createFailingSlot([...failures, lost]));
  deepEqual(told, ["stalled", "log-outcome-unknown", "stalled", "log-outcome-unknown", "store-unavailable"]);
});

const reachOf = (...rests: Reach["rest"][]) =>
  new Map(rests.map((rest, partition) => [`t/${partition}`, { readUpToMs: 0, rest }]));
const NOTHING: Polled = { records: [], reach: reachOf("none", "waiting") };

test("nothing for too long while the log has more is a stall; at the end of the log it is rest", async () => {
  const watch = new StallWatch(20);
  watch.note(NOTHING);
  doesNotThrow(() => watch.note(NOTHING));
  await sleep(30);
  throws(() => watch.note(NOTHING), LogError);
  for (const rest of [
    { records: [], reach: reachOf("none", "hidden") },
    { records: [{} as LogRecord], reach: NOTHING.reach },
  ]) {
    watch.note(rest);
    await sleep(30);
    doesNotThrow(() => watch.note(NOTHING), "the time counts from the first poll that gave nothing");
  }
});
