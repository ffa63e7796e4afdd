// Events folded by the engine alone, one after the other, as most tests of the rule want them.

import type { Configuration } from "#core/configuration.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { configuration, hash } from "./histories.ts";

export async function foldBatches(
  batches: readonly (readonly FoldEvent[])[],
  told: Configuration = configuration,
): Promise<Fold> {
  const fold = new Fold({ configuration: told, hash });
  for (const batch of batches) await fold.add(batch);
  return fold;
}

export function foldEach(events: readonly FoldEvent[], told?: Configuration): Promise<Fold> {
  return foldBatches(
    events.map((event) => [event]),
    told,
  );
}
