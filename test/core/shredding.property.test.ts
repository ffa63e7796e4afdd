// The inner log folded anew once the keys of what was said of somebody are destroyed (G1, S2, O2): everybody is as in the store
// that never lost anything, down to the numbers of versions and transitions, and of her nothing is readable any more.
// WEFT_PROPERTY_RUNS and WEFT_PROPERTY_SEED as elsewhere.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { Erasures } from "#core/erasure.ts";
import { sealedUnder } from "#core/item.ts";
import type { Store } from "#ports/store.ts";
import { PayloadKeys } from "#services/wire/payload-keys.ts";
import { Campaign } from "#support/campaign.ts";
import { Cluster } from "#support/cluster.ts";
import { checkMet, configuration, hash, runs, usual } from "#support/histories.ts";
import { type Asking, draftRequest, tellApart } from "#support/subjects.ts";

const campaign = new Campaign();
const told = usual.map(({ events }) => tellApart(events));

const point: fc.Arbitrary<Asking & { readonly place: number }> = fc.record({
  place: fc.nat(),
  whom: fc.nat(),
  by: fc.nat(),
});

const layout = fc.record({
  shards: fc.integer({ min: 1, max: 8 }),
  resolvers: fc.integer({ min: 1, max: 4 }),
  seed: fc.noShrink(fc.integer()),
});

function openKeys() {
  let nowMs = 0;
  const index = openMemoryIndex();
  const options = { index, identityKey: Buffer.alloc(32, 7), topic: "weft.keys", now: () => nowMs };
  const keys = new PayloadKeys(options);
  return {
    keys,
    /** As another process finds them. */
    anew: () => {
      nowMs += 1;
      return new PayloadKeys(options);
    },
  };
}

/** Groups apart: who is in one is looked up through whose the anchors are. */
async function dump(store: Store, shards: number): Promise<Map<string, string>> {
  const parts = new Map<string, string>();
  for (let shard = 0; shard < shards; shard += 1)
    for await (const { key, value } of store.scan(shard, ""))
      if (!key.startsWith("g/")) parts.set(`${shard} ${key}`, Buffer.from(value).toString("latin1"));
  return parts;
}

const met = { requests: 0, parts: 0, shredded: 0 };

describe("the log of somebody who was erased", () => {
  it("folds anew to the same state, byte by byte, without the keys of what she told (G1, S2, O2)", async (t) => {
    await fc.assert(
      fc.asyncProperty(
        told,
        fc.array(point, { minLength: 1, maxLength: 3 }),
        layout,
        fc.constantFrom(0, 20),
        async (events, points, how, faults) => {
          const { keys, anew } = openKeys();
          const cluster = new Cluster({ configuration, hash, ...how, faults, keys });
          const places = points
            .map((one) => ({ ...one, place: one.place % (events.length + 1) }))
            .toSorted((a, b) => a.place - b.place);
          let done = 0;
          let at = 0;
          const erasures = new Erasures();
          const lives = new Set<string>();
          for (const [number, { place, ...asking }] of places.entries()) {
            await cluster.run(events.slice(done, place));
            at = Math.max(at, ...events.slice(done, place).map(({ recordedAt }) => recordedAt));
            done = place;
            const draft = await draftRequest(cluster, asking);
            if (draft === null) continue;
            met.requests += 1;
            const request = { requestId: `r${number}`, at, ...draft };
            erasures.add(request);
            for (const key of [...draft.own, ...draft.orders])
              lives.add(erasures.erasedKey(hash, key, request.requestId));
            cluster.ask(request);
          }
          await cluster.run(events.slice(done));
          campaign.add(events);
          const { store, people } = await cluster.foldAnew(anew());
          deepEqual(people, await cluster.readPeople());
          const [is, was] = [await dump(store, how.shards), await dump(cluster.store, how.shards)];
          deepEqual([...is.keys()].sort(), [...was.keys()].sort());
          for (const [part, value] of was) equal(is.get(part), value, part);
          met.parts += was.size;
          for (const { item, event } of await cluster.openLogs(anew(), () => (met.shredded += 1))) {
            if (item.kind !== "event") continue;
            ok(event === null || !lives.has(sealedUnder(item)), "what she told is readable");
            for (const { key, value } of item.identifiers)
              ok(value === "" || !lives.has(key), "what she is called is readable");
          }
        },
      ),
      runs(600),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(met.shredded > met.requests && met.requests > 0);
  });
});
