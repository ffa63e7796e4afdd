// A process that died without a word, and one that starts again in its place (issue 5: `kill -9` to no lag).

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { type Log, LogError, type OwnedSlot } from "#ports/log.ts";
import { openKafkaProxy } from "#support/kafka-proxy.ts";
import { servicesOrSkip } from "#support/services.ts";
import { until } from "#support/until.ts";

/** Far longer than the test: nothing is free by waiting. */
const SESSION_TIMEOUT_MS = 60_000;
const WAIT_MS = 3_000;

interface Member {
  /** Slots that have a run now. */
  readonly owned: ReadonlySet<number>;
  readonly joining: Promise<unknown>;
}

function join(log: Log, group: string, topic: string): Member {
  const owned = new Set<number>();
  const joining = log.joinGroup({
    group,
    topics: [topic],
    slots: 2,
    slotOf: (partition) => partition,
    async run({ slot, revoked }) {
      owned.add(slot);
      if (!revoked.aborted) await new Promise((done) => revoked.addEventListener("abort", done));
      owned.delete(slot);
    },
  });
  return { owned, joining };
}

test("what a dead process held waits for its session, unless one of its instance id starts: it has it at once", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const proxy = await openKafkaProxy(services.brokers[0] as string);
  const lines: string[] = [];
  const open = async (instanceId: string, brokers = services.brokers) =>
    await openKafkaLog({
      brokers,
      clientId: "weft",
      instanceId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      onWait: (line) => lines.push(`${instanceId}: ${line}`),
    });
  const logs = [await open("a", [proxy.broker])];
  const [topic, group] = [`in-${randomUUID()}`, `g-${randomUUID()}`];
  try {
    await logs[0]?.createTopics([{ name: topic, partitions: 2, config: {} }]);
    const dead = join(logs[0] as Log, group, topic);
    while (dead.owned.size < 2) await sleep(50);
    // From here on nobody hears of it, and it does not say that it goes.
    await proxy.close();

    logs.push(await open("b"));
    const other = join(logs[1] as Log, group, topic);
    await sleep(WAIT_MS);
    assert.deepEqual([...other.owned], [], "nobody else has what the dead one held");

    logs.push(await open("a"));
    const next = join(logs[2] as Log, group, topic);
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await sleep(50))
      if (other.owned.size + next.owned.size === 2) break;
    assert.deepEqual(new Set([...other.owned, ...next.owned]), new Set([0, 1]));
    await Promise.all([other.joining, next.joining]);
    assert.equal(next.owned.size, 1);
    assert.deepEqual(
      lines.filter((line) => line.includes("instance id")),
      [`a: takes the place of an earlier process of its instance id (weft-a) in the group ${group}`],
    );
  } finally {
    await Promise.all(logs.map((log) => log.close()));
  }
});

test("of two living processes of one id the later one puts the other out once, in a transaction or not, and both go on (S1)", async (t) => {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const lines: string[] = [];
  const [topic, out, group] = [`in-${randomUUID()}`, `out-${randomUUID()}`, `g-${randomUUID()}`];
  const at = (slot: OwnedSlot, offset: number) => new Map([[`${topic}/${slot.slot}`, { offset, step: 0 }]]);
  const record = { topic: out, partition: 0, key: null, value: Buffer.from("r") };
  /** Moves its slots' positions one by one, as often as it has to begin anew. */
  const live = async (name: string) => {
    const log = await openKafkaLog({
      brokers: services.brokers,
      clientId: "weft",
      instanceId: "a",
      onWait: (line) => lines.push(`${name}: ${line}`),
    });
    await log.createTopics([topic, out].map((one) => ({ name: one, partitions: 2, config: {} })));
    const moved = new Set<number>();
    await log.joinGroup({
      group,
      topics: [topic],
      slots: 2,
      slotOf: (partition) => partition,
      async run(slot) {
        moved.delete(slot.slot);
        while (!slot.revoked.aborted) {
          try {
            await slot.takeOver();
            for (;;) {
              const next = ((await slot.positions()).get(`${topic}/${slot.slot}`)?.offset ?? 0) + 1;
              await slot.publish([record], at(slot, next), async () => await sleep(50, true));
              moved.add(slot.slot);
            }
          } catch (error) {
            if (!(error instanceof LogError)) throw error;
            await sleep(100);
          }
        }
        moved.delete(slot.slot);
      },
    });
    return { log, moved };
  };
  const first = await live("first");
  const logs = [first.log];
  try {
    await until("the first has both", async () => first.moved.size === 2);
    const second = await live("second");
    logs.push(second.log);
    await until("each has one", async () => first.moved.size === 1 && second.moved.size === 1);
    await sleep(WAIT_MS);
    assert.deepEqual([first.moved.size, second.moved.size], [1, 1]);
    assert.deepEqual(
      lines.filter((line) => line.includes("instance id")),
      [`second: takes the place of an earlier process of its instance id (weft-a) in the group ${group}`],
    );
    await Promise.all(logs.map((log) => log.close()));
    const reader = await openKafkaLog({ brokers: services.brokers, clientId: "reader" });
    logs.push(reader);
    let written = 0;
    for await (const _ of reader.read([out], { from: "start", follow: false })) written += 1;
    const positions = [...(await reader.groupOffsets(group, [topic])).values()];
    assert.equal(
      written,
      positions.reduce((sum, offset) => sum + offset, 0),
      "a record for each step of a position",
    );
  } finally {
    await Promise.all(logs.map((log) => log.close()));
  }
});
