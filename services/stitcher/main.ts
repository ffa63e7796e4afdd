// The stitcher process: a member of the consumer group over the inner topic, one loop per slot of shards.

import type { Log, Membership } from "#ports/log.ts";
import { runStitcherSlot, type StitcherServices } from "./loop.ts";

export const STITCHER_GROUP = "weft-stitch";

export function startStitcher(
  log: Log,
  services: StitcherServices,
  options: { readonly slots: number; readonly groupPrefix: string },
): Promise<Membership> {
  const shardsPerSlot = Math.ceil(services.shards / options.slots);
  return log.joinGroup({
    group: `${options.groupPrefix}${STITCHER_GROUP}`,
    topics: [services.resolvedTopic],
    slots: options.slots,
    slotOf: (partition) => Math.floor(partition / shardsPerSlot),
    run: (slot) => runStitcherSlot(services, slot),
  });
}
