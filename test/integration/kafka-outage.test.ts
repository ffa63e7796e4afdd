// A broker that dies without a word and comes back: memberships and appends go on, every record is copied once (O2), and
// one line each says that Kafka is gone and that it is back.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { type Log, LogError, type LogRecord, type OwnedSlot } from "#ports/log.ts";
import { makeFolder } from "#support/folder.ts";
import { ownServicesOrSkip } from "#support/services.ts";
import { killService, restartService, stopServices } from "../../infra/services.ts";

const IN = "outage-in";
const OUT = "outage-out";
const OUTAGE_MS = 4000;

/** Copies its partitions, as the product's own loops do: what fails is taken over again. */
async function copySlot(slot: OwnedSlot): Promise<void> {
  while (!slot.revoked.aborted) {
    try {
      await slot.takeOver();
      const positions = new Map(await slot.positions());
      slot.seek(positions);
      while (!slot.revoked.aborted) {
        const { records } = await slot.poll(50, 200);
        if (records.length === 0) continue;
        for (const { topic, partition, offset } of records)
          positions.set(`${topic}/${partition}`, { offset: offset + 1, step: 0 });
        await slot.publish(
          records.map(({ partition, key, value }) => ({ topic: OUT, partition, key, value })),
          positions,
        );
      }
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      await sleep(200, undefined, { signal: slot.revoked }).catch(() => {});
    }
  }
}

async function readTexts(log: Log, topic: string, partition: number): Promise<string[]> {
  const records: LogRecord[] = [];
  for await (const record of log.read([topic], { from: "start", follow: false })) records.push(record);
  return records
    .filter((record) => record.partition === partition)
    .map(({ value }) => new TextDecoder().decode(value ?? new Uint8Array()));
}

test("a broker that is killed and comes back costs time and nothing else (O2)", { timeout: 300_000 }, async (t) => {
  const directory = makeFolder("outage");
  t.after(async () => {
    await stopServices({ directory });
    rmSync(directory, { recursive: true, force: true });
  });
  const services = await ownServicesOrSkip(t, directory);
  if (services === null) return;
  const lines = new Map<string, string[]>([
    ["copier", []],
    ["writer", []],
  ]);
  const openNamed = (clientId: string) =>
    openKafkaLog({
      brokers: services.brokers,
      clientId,
      sessionTimeoutMs: 6000,
      onWait: (line) => lines.get(clientId)?.push(line),
    });
  const [copier, writer] = [await openNamed("copier"), await openNamed("writer")];
  t.after(() => Promise.all([copier.close(), writer.close()]));
  await writer.createTopics([IN, OUT].map((name) => ({ name, partitions: 4, config: {} })));
  const membership = await copier.joinGroup({
    group: "outage",
    topics: [IN],
    slots: 2,
    slotOf: (partition) => partition % 2,
    run: copySlot,
  });

  let written = 0;
  const enough = new AbortController();
  const writing = (async () => {
    for (; !enough.signal.aborted; written += 4) {
      const four = [0, 1, 2, 3].map((partition) => {
        return { topic: IN, partition, key: null, value: Buffer.from(String(written + partition)) };
      });
      await writer.append(four);
      await sleep(5);
    }
  })();
  await sleep(1000);
  await killService({ directory: services.directory, name: "kafka" });
  await sleep(OUTAGE_MS);
  await restartService({ directory: services.directory, name: "kafka" });
  while (![...lines.values()].every((said) => said.length >= 2)) await sleep(50);
  await sleep(1000);
  enough.abort();
  await writing;

  for (const partition of [0, 1, 2, 3]) {
    const wanted = await readTexts(writer, IN, partition);
    // Appending is at least once: what was acknowledged is there, in order of its first arrival.
    assert.deepEqual(
      [...new Set(wanted)],
      Array.from({ length: written / 4 }, (_, n) => String(n * 4 + partition)),
    );
    let copied: string[] = [];
    while (copied.length < wanted.length) copied = await readTexts(writer, OUT, partition);
    assert.deepEqual(copied, wanted);
  }
  for (const [name, said] of lines) {
    assert.equal(said.length, 2, `${name} said ${JSON.stringify(said)}`);
    assert.match(said[0] ?? "", /^waiting for Kafka: ./);
    assert.equal(said[1], "Kafka is back");
  }
  await membership.close();
  await membership.closed;
});
