// Who is due to be forgotten (core/retention.ts), as of the time of each shard: what every resolver slot has passed, so the
// same log gives the same list.

import { type Expiry, findExpiry, type Retention } from "#core/retention.ts";
import { SHARD_PART, type ShardTime } from "#core/shard-time.ts";
import { viewProfile } from "#core/view.ts";
import { draftErasureOf, type ErasureDraft } from "./erasure.ts";
import type { LookupServices } from "./location.ts";
import { decodePart, readShardComponents } from "./part.ts";
import { requireStanding } from "./standing.ts";

export interface DueProfile extends Expiry {
  readonly profileId: string;
  /** A request to erase her. */
  draft(): Promise<ErasureDraft>;
}

/** In the order of shards and components. */
export async function* listDue(services: LookupServices, retention: Retention): AsyncGenerator<DueProfile> {
  for (let shard = 0; shard < services.shards; shard += 1)
    yield* (await listDueOfShard(services, retention, shard)).due;
}

/** asOfMs: the shard's time. */
export async function listDueOfShard(
  services: LookupServices,
  retention: Retention,
  shard: number,
): Promise<{ readonly asOfMs: number; readonly due: DueProfile[] }> {
  const { engine, store } = services;
  await requireStanding(store, shard);
  const [value = null] = await store.load(shard, [SHARD_PART]);
  const time = decodePart({ key: SHARD_PART, value }).value as ShardTime | null;
  const asOfMs = time?.timeMs ?? 0;
  const due: DueProfile[] = [];
  for (const component of await readShardComponents(store, shard)) {
    for (const [naming, { id, alive }] of component.profiles) {
      const expiry = alive ? findExpiry(retention, viewProfile(engine.registry, component, naming)) : null;
      if (expiry === null || expiry.dueAtMs > asOfMs) continue;
      due.push({ ...expiry, profileId: id, draft: () => draftErasureOf(services, component, naming) });
    }
  }
  return { asOfMs, due };
}
