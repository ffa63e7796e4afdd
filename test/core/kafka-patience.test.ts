// How long Kafka is waited for: as long as it takes, or as long as patience lasts, whether it refuses or only keeps silent.

import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Outage } from "#adapters/kafka/outage.ts";

const PATIENCE_MS = 60;
const OPEN = new AbortController().signal;

function refuse(): Promise<never> {
  return Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { name: "KafkaJSConnectionError" }));
}

test("work that fails again and again, and work that hangs, are given up when patience has ended", async () => {
  const outage = new Outage(() => {}, PATIENCE_MS);
  await rejects(outage.outlast(refuse, OPEN), /^Error: Kafka is away, waited 0\.06 s: connect ECONNREFUSED$/);
  await rejects(
    new Outage(() => {}, PATIENCE_MS).outlast(() => new Promise(() => {}), OPEN),
    /: it does not answer$/,
  );
  await outage.awaitClosing(new Promise(() => {}));
});

test("without a bound it is waited for as long as it takes", async () => {
  const outage = new Outage(() => {});
  let attempts = 0;
  const done = await outage.outlast(() => (++attempts < 4 ? refuse() : Promise.resolve("done")), OPEN);
  deepEqual([done, attempts], ["done", 4]);
  outage.requireHope(performance.now() - 1e9);
});

test("a reader that has heard nothing for so long gives up, one that has heard goes on", async () => {
  const outage = new Outage(() => {}, PATIENCE_MS);
  const heardAtMs = performance.now();
  outage.requireHope(heardAtMs);
  await sleep(PATIENCE_MS + 5);
  await rejects(async () => outage.requireHope(heardAtMs), { code: "log-unavailable" });
  let isClosed = false;
  await new Outage(() => {}, PATIENCE_MS).awaitClosing(sleep(5).then(() => (isClosed = true)));
  equal(isClosed, true);
});
