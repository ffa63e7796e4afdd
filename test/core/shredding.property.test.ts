// The inner log folded anew once the keys of what was said of somebody are destroyed (G1, S2, O2): everybody is as in the store
// that never lost anything, down to the numbers of versions and transitions, and of her nothing is readable any more.
// WEFT_PROPERTY_RUNS and WEFT_PROPERTY_SEED as elsewhere.

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { openMemoryIndex } from "#adapters/memory/index.ts";
import { Erasures } from "#core/erasure.ts";
import { findSealer } from "#core/item.ts";
import type { Store } from "#ports/store.ts";
import { readShardComponents } from "#services/wire/part.ts";
import { PayloadKeys } from "#services/wire/payload-keys.ts";
import { Campaign } from "#support/campaign.ts";
import { Cluster } from "#support/cluster.ts";
import { configuration, hash, usual } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { type Asking, draftRequest, tellAgain, tellApart } from "#support/subjects.ts";

const campaign = new Campaign();
const told = usual.map(({ events }) => tellApart(events));

/** ahead: what is under way at a request, of what it forgets in part, and how far that has come; isSkewed: by a clock before the request's. */
interface Point extends Asking {
  readonly place: number;
  readonly ahead: number;
  readonly moves: number;
  readonly isSkewed: boolean;
}

const point: fc.Arbitrary<Point> = fc.record({
  place: fc.nat(),
  ahead: fc.integer({ min: 0, max: 6 }),
  moves: fc.integer({ min: 0, max: 10 }),
  isSkewed: fc.boolean(),
  whom: fc.nat(),
  by: fc.nat(),
});

const layout = fc.record({
  shards: fc.integer({ min: 1, max: 8 }),
  resolvers: fc.integer({ min: 1, max: 4 }),
  seed: fc.noShrink(fc.integer()),
});

/** As a process finds them that has just started. */
function openKeys() {
  const index = openMemoryIndex();
  const options = { index, identityKey: Buffer.alloc(32, 7), topic: "weft.keys", now: () => 0 };
  return () => new PayloadKeys(options);
}

async function dump(store: Store, shards: number): Promise<Map<string, string>> {
  const parts = new Map<string, string>();
  for (let shard = 0; shard < shards; shard += 1)
    for await (const { key, value } of store.scan(shard, ""))
      parts.set(`${shard} ${key}`, Buffer.from(value).toString("latin1"));
  return parts;
}

type Sealer = ReturnType<typeof findSealer>;

/** By key of what goes on: how many of its keys have ended. */
async function listRotations(store: Store, shards: number): Promise<Map<string, number>> {
  const rotations = new Map<string, number>();
  for (let shard = 0; shard < shards; shard += 1)
    for (const { identifiers } of await readShardComponents(store, shard))
      for (const { key, erased } of identifiers.values()) if (erased !== null) rotations.set(key, erased.rotation);
  return rotations;
}

const met = { requests: 0, parts: 0, shredded: 0, rotated: 0, readAfter: 0 };

describe("the log of somebody who was erased", () => {
  it("folds anew to the same state, byte by byte, without the keys of what she told (G1, S2, O2)", async (t) => {
    await fc.assert(
      fc.asyncProperty(
        told,
        fc.array(point, { minLength: 1, maxLength: 3 }),
        layout,
        fc.constantFrom(0, 20),
        async (events, points, how, faults) => {
          const anew = openKeys();
          const cluster = new Cluster({ configuration, hash, ...how, faults, openKeys: anew });
          const places = points
            .map((one) => ({ ...one, place: one.place % (events.length + 1) }))
            .toSorted((a, b) => a.place - b.place);
          let done = 0;
          let at = 0;
          const erasures = new Erasures();
          const lives = new Set<string>();
          const advance = (told: readonly RecordedEvent[]) => {
            at = Math.max(at, ...told.map(({ recordedAt }) => recordedAt));
            return told;
          };
          for (const [number, { place, ahead, moves, isSkewed, ...asking }] of places.entries()) {
            await cluster.run(advance(events.slice(done, place)));
            done = Math.max(done, place);
            const draft = await draftRequest(cluster, asking);
            if (draft === null) continue;
            met.requests += 1;
            const skewedAt = at;
            const again = tellAgain(events.slice(0, done), [...draft.claimed, ...draft.shared], at);
            await cluster.begin(advance(again.slice(-ahead - 1)), moves);
            const request = { requestId: `r${number}`, at: isSkewed ? skewedAt : at, ...draft };
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
          const rotations = await listRotations(cluster.store, how.shards);
          const isGone = ({ key, rotation = 0 }: Sealer) => lives.has(key) || rotation < (rotations.get(key) ?? 0);
          for (const { item, event } of await cluster.openLogs(anew(), () => (met.shredded += 1))) {
            if (item.kind !== "event") continue;
            const sealer = findSealer(item);
            ok(event === null || !isGone(sealer), "what she told is readable");
            for (const one of item.identifiers) ok(one.value === "" || !isGone(one), "what she is called is readable");
            if (isGone(sealer) && !lives.has(sealer.key)) met.rotated += 1;
            if ((sealer.rotation ?? 0) > 0 && event !== null) met.readAfter += 1;
          }
        },
      ),
      runs(600),
    );
    t.diagnostic(JSON.stringify(met));
    checkMet(met.shredded > met.requests && met.requests > 0 && met.rotated > 0 && met.readAfter > 0);
  });
});
