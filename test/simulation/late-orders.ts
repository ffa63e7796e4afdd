// Orders that an erasure took with it and that its request does not list: what the oracle has to know of them.

import { acceptEvent } from "#core/acceptance.ts";
import { type ErasureRequest, instantOf } from "#core/erasure.ts";
import type { Order } from "#core/order.ts";
import { decodePart } from "#services/wire/part.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import type { Rest } from "./verdict.ts";

/**
 * As the oracle is told: an order that went with whom it was of, and that the request does not list, came to its home after the
 * request was made (SPEC.md, section 9). It counts as listed, and what comes of it later is nothing, where of one that is listed
 * it would be another order. Of each, some event says that it was hers.
 */
export async function completeRequests({ kit, plan, state, recorded, requests }: Rest): Promise<{
  readonly requests: readonly ErasureRequest[];
  readonly recorded: readonly RecordedEvent[];
}> {
  const gone = new Set<string>();
  for (let shard = 0; shard < plan.shards; shard += 1)
    for await (const { key, value } of state.scan(shard, "o/")) {
      const order = decodePart({ key, value }).value as Order;
      if (order.erased === true && requests.every(({ orders }) => !orders.includes(order.key))) gone.add(order.key);
    }
  if (gone.size === 0) return { requests, recorded };
  const { registry } = kit.engineFor(plan);
  const told = recorded.map((one) => {
    const acceptance = acceptEvent(registry, one.source, one.recordedAt, one.event);
    const accepted = acceptance.ok ? acceptance.accepted : null;
    const order = accepted?.order?.key ?? null;
    if (accepted === null || order === null || !gone.has(order)) return { one, order: null, instant: 0, keys: [] };
    return { one, order, instant: instantOf(one.recordedAt, accepted.event.occurredAt), keys: accepted.identifiers };
  });
  const wentAt = new Map<string, number>();
  const completed = requests.map((request) => {
    const missed = new Set(request.orders);
    for (const { order, instant, keys } of told) {
      // What happened after it is told of her next life.
      if (order === null || instant > request.at || !keys.some(({ key }) => request.own.includes(key))) continue;
      missed.add(order);
      wentAt.set(order, Math.min(request.at, wentAt.get(order) ?? request.at));
    }
    return { ...request, orders: [...missed] };
  });
  const counting = told.map(({ one, order, instant }) => {
    const isLate = order !== null && instant > (wentAt.get(order) ?? Number.POSITIVE_INFINITY);
    return isLate ? { ...one, event: { ...one.event, order: null } } : one;
  });
  return { requests: completed, recorded: counting };
}
