// Before a reader believes what a shard holds: whether it is the shard that the world was told of, or one that has lost
// something and is being folded anew (S2).

import type { Position } from "#ports/log.ts";
import { type ShardStanding, type Store, StoreBehind } from "#ports/store.ts";

/** Where the shard stands. Throws StoreBehind. */
export async function requireStanding(store: Store, shard: number): Promise<Position> {
  return checkStanding(shard, await store.standing(shard));
}

/** The same of what was read with it. */
export function checkStanding(shard: number, standing: ShardStanding | null): Position {
  if (standing === null) throw new StoreBehind(`shard ${shard} has no state that anybody vouches for`);
  const { position, until } = standing;
  if (position.offset >= until) return position;
  const aim =
    until === Number.MAX_SAFE_INTEGER ? "nobody knows yet where it has to come" : `it has to come to ${until}`;
  throw new StoreBehind(`shard ${shard} is being folded anew: it stands at ${position.offset}, ${aim}`);
}
