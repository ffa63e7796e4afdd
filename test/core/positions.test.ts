// Whether a consumer group still knows where it was, over the memory log.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryLog } from "#adapters/memory/log.ts";
import type { Log, OwnedSlot } from "#ports/log.ts";
import { PositionsLost, requirePositions } from "#services/cli/positions.ts";

const MEMBER = { group: "g", reads: ["in"], writes: ["out"], advice: "--to-earliest" };
const WAIT_MS = 300;

async function openLog(): Promise<Log> {
  const log = openMemoryLog({ now: () => 0 });
  await log.createTopics(["in", "out"].map((name) => ({ name, partitions: 2, config: {} })));
  return log;
}

/** Joins, writes a record and moves the positions of one of its partitions, and leaves. */
async function publishAs(log: Log, group: string): Promise<void> {
  const done = Promise.withResolvers<void>();
  const run = async (slot: OwnedSlot): Promise<void> => {
    await slot.takeOver();
    await slot.publish([{ topic: "out", key: "k", value: null }], new Map([["in/1", { offset: 0, step: 0 }]]));
    done.resolve();
  };
  const member = await log.joinGroup({ group, topics: ["in"], slots: 1, slotOf: () => 0, run });
  await done.promise;
  await member.close();
}

test("a group that has written nothing begins, whatever it is to read", async () => {
  const log = await openLog();
  await log.append([{ topic: "in", key: null, value: null }]);
  await requirePositions(log, MEMBER, WAIT_MS);
});

test("a group that has moved, be it to the start, goes on", async () => {
  const log = await openLog();
  await publishAs(log, "g");
  await requirePositions(log, MEMBER, WAIT_MS);
});

test("what is written without any position of the group is refused, with what to do (O1)", async () => {
  const log = await openLog();
  await publishAs(log, "another");
  await assert.rejects(
    requirePositions(log, MEMBER, WAIT_MS),
    (error) => error instanceof PositionsLost && /^out: .* group g .*--to-earliest$/.test(error.message),
  );
});

test("positions that come to rest after what was written with them are waited for", async () => {
  const log = await openLog();
  const writing = publishAs(log, "another").then(() => new Promise((done) => setTimeout(done, WAIT_MS / 2)));
  await writing;
  const late = publishAs(log, "g");
  await requirePositions(log, MEMBER, WAIT_MS);
  await late;
});
