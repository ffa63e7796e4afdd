// What a resolver slot may say of time: never more than it has read (T2).

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { openMemoryLog } from "#adapters/memory/log.ts";
import { openLocalCodec } from "#adapters/registry/local.ts";
import { createRegistry } from "#core/acceptance.ts";
import type { Index } from "#ports/index.ts";
import { loadConfiguration } from "#services/config/configuration.ts";
import { startResolver } from "#services/resolver/main.ts";
import { readBundle, type BundleValue } from "#services/wire/bundle.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { createHash } from "#services/wire/hash.ts";

const { configuration } = loadConfiguration(undefined, {});
const codec = await openLocalCodec({ schemasDirectory: resolve(import.meta.dirname, "../../schemas") });
const RESOLVED = "weft.resolved";
const START_MS = Date.UTC(2026, 2, 2);

test("a slot has not passed an instant while a record of before that instant waits to be read (T2)", async () => {
  let clockMs = START_MS;
  const log = openMemoryLog({ now: () => clockMs });
  const encode = await codec.encoder("channel-web", "ChannelEvent");
  const append = (eventId: string) =>
    log.append([
      {
        topic: "channel-web",
        key: null,
        value: encode({
          eventId,
          type: "page-viewed",
          occurredAt: clockMs,
          identifiers: [{ namespace: "cookie", value: eventId }],
        }),
      },
    ]);
  await log.createTopics([
    { name: "channel-web", partitions: 1, config: {} },
    { name: "channel-web.dlq", partitions: 1, config: {} },
    { name: RESOLVED, partitions: 1, config: {} },
  ]);

  // While the first event is being resolved a second one is recorded, and time passes on.
  const plain = openMemoryIndex();
  const slow: Index = {
    ...plain,
    async putIfAbsent(entries) {
      if (clockMs === START_MS) {
        clockMs += 1_000;
        await append("second");
        clockMs += 60_000;
      }
      return plain.putIfAbsent(entries);
    },
  };
  await append("first");
  const encodeBundle = await codec.encoder(RESOLVED, "ResolvedBundle");
  const membership = await startResolver(
    log,
    {
      registry: createRegistry(configuration, createHash("a key for tests, long enough to be one")),
      codec,
      index: new ComponentIndex(slow),
      shards: 1,
      resolvedTopic: RESOLVED,
      encodeBundle,
      tickIntervalMs: 1,
      transactionIntervalMs: 1,
      sourceOf: () => "web",
      deadLetterTopic: (topic) => `${topic}.dlq`,
      now: () => clockMs,
      waiting: { onWait: assert.fail },
    },
    { topics: ["channel-web"], slots: 1, groupPrefix: "" },
  );
  // A slot that fails must end the test, not leave it waiting for records that never come.
  const failed = new AbortController();
  membership.closed.catch(() => failed.abort());
  let passedMs = 0;
  const arrived: string[] = [];
  for await (const record of log.read([RESOLVED], { from: "start", follow: true, signal: failed.signal })) {
    const decoded = codec.decode(record.value);
    assert.ok(decoded.ok);
    for (const { item } of readBundle(decoded.value as BundleValue)) {
      if (item.kind === "progress") passedMs = Math.max(passedMs, item.timeMs);
      else if (item.kind === "event") {
        assert.ok(item.recordedAt >= passedMs, `${item.eventId} came after its instant had been passed`);
        arrived.push(item.eventId);
      }
    }
    if (arrived.length === 2 && passedMs === clockMs) break;
  }
  await membership.close();
  await membership.closed;
  assert.deepEqual(arrived, ["first", "second"]);
  await log.close();
});
