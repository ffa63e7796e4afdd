// Looking up beside the shard's writer: a component may be handed over between the two round trips of a read.

import { deepEqual, rejects } from "node:assert/strict";
import { test } from "node:test";
import { StoreDamaged, type Store } from "#ports/store.ts";
import { Fold } from "#services/fold/fold.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { configuration, hash } from "#support/histories.ts";
import { openMemoryIndex } from "#adapters/memory/index.ts";

async function open(gaps: number) {
  const fold = new Fold({ configuration, hash });
  const recordedAt = Date.UTC(2026, 0, 5);
  const identifiers = [{ namespace: "customer", value: "c-1" }];
  const event = { eventId: "e", type: "identified", occurredAt: recordedAt, identifiers };
  await fold.add([{ source: "crm", recordedAt, event }]);
  const index = new ComponentIndex(openMemoryIndex());
  for await (const { key } of fold.store.scan(0, "c/")) {
    const proposal = index.propose();
    // A component's id ends with the key that it was made for.
    proposal.setBirth(key.slice(-22), key.slice(2));
    await index.settle(proposal);
  }
  let left = gaps;
  const store: Store = {
    ...fold.store,
    async load(shard, keys) {
      const values = await fold.store.load(shard, keys);
      if (!keys.some((key) => key.startsWith("i/")) || left === 0) return values;
      left -= 1;
      return values.map(() => null);
    },
  };
  return { engine: fold.engine, index, store, shards: 1 };
}

test("a read that falls between a hand-over's writes is repeated", async () => {
  const found = await lookUp(await open(2), "customer", "c-1", "FR");
  deepEqual([found.found, found.found && found.profile.segment], [true, "prospect"]);
  const { engine, store } = await open(2);
  deepEqual((await readPeople(engine, store, 1)).profiles.length, 1);
});

test("what stays away is damage, and said", async () => {
  await rejects(lookUp(await open(99), "customer", "c-1", "FR"), StoreDamaged);
});
