// A resolver's batch over an index that was lost before the batch is on the log (S2).

import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { EVENT_BYTES_MAX } from "#core/event.ts";
import { createRegistry } from "#core/registry.ts";
import type { LogRecord, OwnedSlot } from "#ports/log.ts";
import { type ResolverServices, runResolverSlot } from "#services/resolver/loop.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { configuration, hash } from "#support/histories.ts";
import { openLoneSlot } from "#support/lone-worker.ts";

test("what was resolved in one life of the index is committed in that one alone (S2)", async () => {
  const ending = new AbortController();
  const sound: boolean[] = [];
  let life = "one";
  const at = { topic: "channel-web", partition: 0 };
  const value = new Uint8Array(EVENT_BYTES_MAX + 1);
  const record: LogRecord = { ...at, offset: 0, key: null, value, headers: {}, timestampMs: 1_000 };
  const slot: OwnedSlot = {
    ...openLoneSlot(at, ending.signal),
    poll: async () => ({ records: [record], reach: new Map() }),
    async publish(_records, _positions, isSound) {
      for (life of ["one", "two"]) sound.push((await isSound?.()) === true);
      ending.abort();
    },
  };
  const services = {
    registry: createRegistry(configuration, hash),
    codec: { prepare: async () => {} },
    index: new ComponentIndex(openMemoryIndex()),
    keeper: {
      check: async () => life,
      mark: async () => {},
      expect: () => () => {},
      isStill: async (asked: string) => asked === life,
    },
    shards: 1,
    resolvedTopic: "weft.resolved",
    encodeBundle: () => new Uint8Array(),
    tickIntervalMs: 1_000_000,
    transactionIntervalMs: 0,
    sourceOf: () => "web",
    deadLetterTopic: (topic: string) => `${topic}.dlq`,
    now: () => 1_000,
    waiting: { onWait: () => {} },
  } as unknown as ResolverServices;
  await runResolverSlot(services, slot);
  deepEqual(sound.slice(0, 2), [true, false]);
});
