// What every log promises of members: slots are shared out whole, lost at once, and given on (S1).

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type OwnedSlot, partitionKey } from "#ports/log.ts";
import {
  createTopic,
  valuesOf,
  readMany,
  numbered,
  pollToEnd,
  Member,
  isLogError,
  SLOTS,
  type LogTest,
} from "./log-shorthand.ts";

export function testMembers(logTest: LogTest): void {
  logTest("a group on a topic that does not exist is refused", async (log) => {
    const run = async () => {};
    const options = { group: `g-${randomUUID()}`, topics: [`none-${randomUUID()}`], slots: 1, slotOf: () => 0, run };
    await assert.rejects(log.joinGroup(options), isLogError());
  });

  logTest(
    "members share the slots out, no slot has two owners, and who leaves leaves them to the others",
    async (log) => {
      const topic = await createTopic(log, "in");
      const group = `g-${randomUUID()}`;
      const members: Member[] = [];
      const isTaken = (slot: number) => members.filter((member) => member.holds(slot)).length > 0;
      const first = new Member(isTaken);
      const second = new Member(isTaken);
      members.push(first, second);
      await first.join(log, group, [topic], 4);
      await first.until(() => first.held.size === 4);
      await second.join(log, group, [topic], 4);
      await second.until(() => second.held.size === 2);
      await first.until(() => first.held.size === 2);
      assert.deepEqual(
        [...first.held.keys(), ...second.held.keys()].toSorted((a, b) => a - b),
        [0, 1, 2, 3],
      );
      await first.close();
      assert.equal(first.held.size, 0);
      await second.until(() => second.held.size === 4);
      await second.close();
    },
  );

  logTest("how far a group has come is told to whoever asks, of a group that never was as well", async (log) => {
    const topic = await createTopic(log, "in", 2);
    const group = `g-${randomUUID()}`;
    const at = (partition: number) => partitionKey({ topic, partition });
    await log.append(numbered(topic, 0, 3));
    assert.deepEqual([...(await log.groupOffsets(group, [topic]))], []);
    const member = await new Member().join(log, group, [topic], 1);
    const slot = await member.open(0);
    await slot.publish([], new Map([[at(0), { offset: 2, step: 0 }]]));
    let told: (number | undefined)[] = [];
    // What a transaction has moved is told once it has come to rest.
    for (let attempt = 0; attempt < 100 && told[0] !== 2; attempt += 1) {
      if (attempt > 0) await delay(50);
      const offsets = await log.groupOffsets(group, [topic]);
      told = [offsets.get(at(0)), offsets.get(at(1))];
    }
    assert.deepEqual(told, [2, undefined]);
    await member.close();
  });

  logTest("an owner that lost its slot can publish nothing more (S1)", async (log) => {
    const [topic, out] = [await createTopic(log, "in", SLOTS), await createTopic(log, "out", 1)];
    const group = `g-${randomUUID()}`;
    const first = await new Member().join(log, group, [topic]);
    const owned = [await first.open(0), await first.open(1)];
    const second = await new Member().join(log, group, [topic]);
    await second.until(() => second.held.size === 1);
    const moved = [...second.held.keys()][0] as number;
    const [stale, fresh] = [owned[moved] as OwnedSlot, await second.open(moved)];
    assert.equal(stale.revoked.aborted, true);
    const to = new Map([[`${topic}/${moved}`, { offset: 9, step: 0 }]]);
    await assert.rejects(stale.publish(numbered(out, 0, 1, 100), to), isLogError("log-fenced"));
    await fresh.publish(numbered(out, 0, 1, 200), to);
    assert.deepEqual(valuesOf(await readMany(log, out, 1)), ["200"]);
    await Promise.all([first.close(), second.close()]);
  });

  logTest("close revokes, ends a waiting poll, waits for the runs, and calls none twice", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const member = await new Member().join(log, `g-${randomUUID()}`, [topic]);
    const [slot] = [await member.open(0), await member.slot(1)];
    await pollToEnd(slot);
    const waiting = slot.poll(10, 60_000);
    await member.close();
    assert.deepEqual(await waiting, { records: [], reach: new Map() });
    assert.equal(slot.revoked.aborted, true);
    assert.deepEqual(
      member.starts.toSorted((a, b) => a - b),
      [0, 1],
    );
    await member.membership.closed;
    await member.close();
  });

  logTest("a run that throws ends the membership: the others are revoked, and closed says why", async (log) => {
    const topic = await createTopic(log, "in", SLOTS);
    const revoked: number[] = [];
    const membership = await log.joinGroup({
      group: `g-${randomUUID()}`,
      topics: [topic],
      slots: SLOTS,
      slotOf: (partition) => partition % SLOTS,
      async run(slot) {
        if (slot.slot === 0) throw new RangeError("a bug");
        if (!slot.revoked.aborted) await new Promise((done) => slot.revoked.addEventListener("abort", done));
        revoked.push(slot.slot);
      },
    });
    await assert.rejects(membership.closed, { message: "a bug" });
    await membership.close();
    assert.ok(revoked.every((slot) => slot === 1));
  });

  logTest("a member without slots waits for one", async (log) => {
    const topic = await createTopic(log, "in", 1);
    const group = `g-${randomUUID()}`;
    const [first, second] = [new Member(), new Member()];
    await first.join(log, group, [topic], 1);
    await first.slot(0);
    await second.join(log, group, [topic], 1);
    const owner = await Promise.race([first.slot(0).then(() => first), second.slot(0).then(() => second)]);
    const other = owner === first ? second : first;
    await owner.close();
    await other.slot(0);
    await other.close();
  });
}
