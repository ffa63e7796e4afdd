// Publications whose outcome the publisher does not learn, and publishers that do not know they were replaced: after the
// take-over the positions tell, and every record is there once (O2, S1).

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { type Log, LogError, type OwnedSlot, type Position } from "#ports/log.ts";
import { ownSlot, readAll, textOf } from "#support/kafka-ground.ts";
import { API, openKafkaProxy, type Fault, type KafkaProxy } from "#support/kafka-proxy.ts";
import { servicesOrSkip } from "#support/services.ts";

interface Ground {
  readonly proxy: KafkaProxy;
  /** Behind the proxy, and past it. */
  readonly log: Log;
  readonly steady: Log;
  readonly topic: string;
  readonly out: string;
  readonly group: string;
}

function outcomeTest(title: string, body: (ground: Ground) => Promise<void>): void {
  test(title, { timeout: 90_000 }, async (t) => {
    const services = await servicesOrSkip(t);
    if (services === null) return;
    const proxy = await openKafkaProxy(services.brokers[0] as string);
    const log = await openKafkaLog({ brokers: [proxy.broker], clientId: "behind", sessionTimeoutMs: 6000 });
    const steady = await openKafkaLog({ brokers: services.brokers, clientId: "past", sessionTimeoutMs: 6000 });
    const [topic, out, group] = [`in-${randomUUID()}`, `out-${randomUUID()}`, `g-${randomUUID()}`];
    await steady.createTopics([topic, out].map((name) => ({ name, partitions: 1, config: {} })));
    try {
      await body({ proxy, log, steady, topic, out, group });
    } finally {
      // First: a close would wait for answers that the proxy has swallowed.
      await proxy.close();
      await Promise.all([log.close(), steady.close()]);
    }
  });
}

/** The membership ends with the log. */
async function own(log: Log, { topic, group }: Ground): Promise<OwnedSlot> {
  return (await ownSlot(log, topic, group)).slot;
}

async function readTexts(log: Log, topic: string): Promise<string[]> {
  return (await readAll(log, topic)).map(textOf);
}

for (const [fault, isCommitted] of [
  ["lose-answer", true],
  ["lose-request", false],
] as const satisfies readonly (readonly [Fault, boolean])[])
  outcomeTest(
    `a commit that ${fault === "lose-answer" ? "was made unheard" : "never arrived"} is told by the positions`,
    async (ground) => {
      const { proxy, log, steady, topic, out } = ground;
      const slot = await own(log, ground);
      const at = (offset: number): Map<string, Position> => new Map([[`${topic}/0`, { offset, step: 0 }]]);
      const record = (text: string) => ({ topic: out, partition: 0, key: null, value: Buffer.from(text) });
      await slot.takeOver();
      await slot.publish([record("one")], at(1));
      const struck = proxy.strike(API.endTxn, fault);
      await assert.rejects(slot.publish([record("two")], at(2)), (error) => {
        return error instanceof LogError && error.code === "log-outcome-unknown";
      });
      await struck;
      // Until the slot is taken over again nobody publishes with what is left of that producer.
      await assert.rejects(slot.publish([record("zombie")], at(9)), LogError);
      await slot.takeOver();
      const position = (await slot.positions()).get(`${topic}/0`);
      assert.deepEqual(position, { offset: isCommitted ? 2 : 1, step: 0 });
      if (!isCommitted) await slot.publish([record("two")], at(2));
      await slot.publish([record("three")], at(3));
      assert.deepEqual(await readTexts(steady, out), ["one", "two", "three"]);
    },
  );

outcomeTest(
  "who awaits open transactions reads what they come to commit, and who does not ends before it (S2)",
  async (ground) => {
    const { log, steady, topic, out } = ground;
    const slot = await own(log, ground);
    const read = async (awaitsOpen: boolean): Promise<number> => {
      let count = 0;
      for await (const record of steady.read([out], { from: "start", follow: false, awaitsOpen }))
        if (record.value !== null) count += 1;
      return count;
    };
    await slot.takeOver();
    let waiting: Promise<number> | undefined;
    const isSound = async (): Promise<boolean> => {
      waiting = read(true);
      assert.equal(await read(false), 0);
      return true;
    };
    const record = { topic: out, partition: 0, key: null, value: Buffer.from("one") };
    await slot.publish([record], new Map([[`${topic}/0`, { offset: 1, step: 0 }]]), isSound);
    assert.equal(await waiting, 1);
  },
);

outcomeTest(
  "what waits for longer than Kafka leaves a transaction open is given up there, and is published once (S1, O2)",
  async (ground) => {
    const { log, steady, topic, out } = ground;
    const slot = await own(log, ground);
    const publish = (isSound?: () => Promise<boolean>) =>
      slot.publish(
        [{ topic: out, partition: 0, key: null, value: Buffer.from("one") }],
        new Map([[`${topic}/0`, { offset: 1, step: 0 }]]),
        isSound,
      );
    await slot.takeOver();
    // As where the index is away: its answer comes when the coordinator has aborted what was written.
    const isSound = async (): Promise<boolean> => {
      for await (const _ of steady.read([out], { from: "start", follow: false, awaitsOpen: true })) assert.fail();
      return true;
    };
    await assert.rejects(publish(isSound), (error) => error instanceof LogError && error.code === "log-fenced");
    await slot.takeOver();
    assert.equal((await slot.positions()).get(`${topic}/0`)?.offset, 0);
    await publish();
    assert.deepEqual(await readTexts(steady, out), ["one"]);
  },
);

outcomeTest("a publication whose records were written unheard shows them once or not at all", async (ground) => {
  const { proxy, log, steady, topic, out } = ground;
  const slot = await own(log, ground);
  const record = (text: string) => ({ topic: out, partition: 0, key: null, value: Buffer.from(text) });
  await slot.takeOver();
  for (let n = 1; n <= 4; n += 1) {
    if (n % 2 === 0) void proxy.strike(API.produce, "lose-answer");
    for (;;) {
      try {
        await slot.publish([record(`${n}a`), record(`${n}b`)], new Map([[`${topic}/0`, { offset: n, step: 0 }]]));
        break;
      } catch (error) {
        assert.ok(error instanceof LogError);
        await slot.takeOver();
        if ((await slot.positions()).get(`${topic}/0`)?.offset === n) break;
      }
    }
  }
  assert.deepEqual(
    await readTexts(steady, out),
    [1, 2, 3, 4].flatMap((n) => [`${n}a`, `${n}b`]),
  );
});

outcomeTest("a publication that failed halfway does not hold up those who read committed records", async (ground) => {
  const { log, steady, topic, out } = ground;
  const slot = await own(log, ground);
  await slot.takeOver();
  const records = [0, 99].map((partition) => ({ topic: out, partition, key: null, value: Buffer.from("half") }));
  // In sends of their own, so that the first is written.
  const many = [...Array.from({ length: 600 }, () => records[0] as (typeof records)[number]), ...records.slice(1)];
  await assert.rejects(slot.publish(many, new Map([[`${topic}/0`, { offset: 1, step: 0 }]])), LogError);
  const startedAt = performance.now();
  await steady.append([{ topic: out, partition: 0, key: null, value: Buffer.from("after") }]);
  let texts: string[] = [];
  while (texts.length === 0) texts = await readTexts(steady, out);
  assert.deepEqual(texts, ["after"]);
  // The broker ends what nobody ends only after ten seconds.
  assert.ok(performance.now() - startedAt < 5000, "the open transaction was left to its time-out");
});

outcomeTest(
  "an owner that the group has given up, and that does not know it, is fenced by its successor (S1)",
  async (ground) => {
    const { proxy, log, steady, topic, out } = ground;
    const zombie = await own(log, ground);
    await zombie.takeOver();
    const record = (text: string) => ({ topic: out, partition: 0, key: null, value: Buffer.from(text) });
    const at = (offset: number) => new Map([[`${topic}/0`, { offset, step: 0 }]]);
    await zombie.publish([record("one")], at(1));
    // Its heartbeats go unanswered, its transactions do not: the group drops it and it hears nothing of it.
    await proxy.strike(API.heartbeat, "swallow-request");
    const successor = await own(steady, ground);
    assert.equal(zombie.revoked.aborted, false);
    await successor.takeOver();
    assert.deepEqual((await successor.positions()).get(`${topic}/0`), { offset: 1, step: 0 });
    await assert.rejects(zombie.publish([record("stale")], at(7)), (error) => {
      return error instanceof LogError && error.code === "log-fenced";
    });
    await successor.publish([record("two")], at(2));
    assert.deepEqual((await successor.positions()).get(`${topic}/0`), { offset: 2, step: 0 });
    assert.deepEqual(await readTexts(steady, out), ["one", "two"]);
  },
);
