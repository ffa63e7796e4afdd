// The resolver process: a member of the consumer group over the channel topics, one loop per slot.

import type { Log, Membership } from "#ports/log.ts";
import { runResolverSlot, type ResolverServices } from "./loop.ts";

export const RESOLVER_GROUP = "weft-resolve";

export function startResolver(
  log: Log,
  services: ResolverServices,
  options: { readonly topics: readonly string[]; readonly slots: number; readonly groupPrefix: string },
): Promise<Membership> {
  return log.joinGroup({
    group: `${options.groupPrefix}${RESOLVER_GROUP}`,
    topics: options.topics,
    slots: options.slots,
    slotOf: (partition) => partition % options.slots,
    run: (slot) => runResolverSlot(services, slot),
  });
}
