// What state an order is in: a table from state and step to state, total for the compiler. The states stand in one rank,
// from placed to cancelled, and a step only ever leads up; so the state is a function of the set of steps (P1), and an
// order that was cancelled before it was heard to be placed is cancelled.

import type { EVENT_TYPES } from "./event.ts";

export const ORDER_STATUSES = ["placed", "paid", "cancelled", "partly-returned", "returned", "refunded"] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** none: nothing was told of it. */
export type OrderState = OrderStatus | "none";

/** updated: the event changes what the order is about, and not its state. */
export type OrderStep = OrderStatus | "updated";

export type OrderEventType = Extract<(typeof EVENT_TYPES)[number], `order-${string}`>;

export const ORDER_TRANSITIONS: Readonly<Record<OrderState, Readonly<Record<OrderStep, OrderStatus>>>> = {
  none: {
    updated: "placed",
    placed: "placed",
    paid: "paid",
    "partly-returned": "partly-returned",
    returned: "returned",
    refunded: "refunded",
    cancelled: "cancelled",
  },
  placed: {
    updated: "placed",
    placed: "placed",
    paid: "paid",
    "partly-returned": "partly-returned",
    returned: "returned",
    refunded: "refunded",
    cancelled: "cancelled",
  },
  paid: {
    updated: "paid",
    placed: "paid",
    paid: "paid",
    "partly-returned": "partly-returned",
    returned: "returned",
    refunded: "refunded",
    cancelled: "cancelled",
  },
  "partly-returned": {
    updated: "partly-returned",
    placed: "partly-returned",
    paid: "partly-returned",
    "partly-returned": "partly-returned",
    returned: "returned",
    refunded: "refunded",
    cancelled: "cancelled",
  },
  returned: {
    updated: "returned",
    placed: "returned",
    paid: "returned",
    "partly-returned": "returned",
    returned: "returned",
    refunded: "refunded",
    cancelled: "cancelled",
  },
  refunded: {
    updated: "refunded",
    placed: "refunded",
    paid: "refunded",
    "partly-returned": "refunded",
    returned: "refunded",
    refunded: "refunded",
    cancelled: "cancelled",
  },
  cancelled: {
    updated: "cancelled",
    placed: "cancelled",
    paid: "cancelled",
    "partly-returned": "cancelled",
    returned: "cancelled",
    refunded: "cancelled",
    cancelled: "cancelled",
  },
};

/** How much came back, all returns together, says which of the two steps they are. */
type StepOfType = Exclude<OrderStep, "partly-returned" | "returned"> | "return";

const STEPS: Readonly<Record<OrderEventType, StepOfType>> = {
  "order-placed": "placed",
  "order-paid": "paid",
  "order-updated": "updated",
  "order-cancelled": "cancelled",
  "order-returned": "return",
  "order-refunded": "refunded",
};

/** Statuses that any event but a return may tell beside its own type; other words say nothing. */
const TOLD: ReadonlySet<string> = new Set(["placed", "paid", "cancelled", "refunded"] satisfies OrderStatus[]);

/** A type of a source's own (`order-shipped`) changes what the order is about no more than its state. */
export function listSteps(type: string, status: string | null): readonly StepOfType[] {
  const step = Object.hasOwn(STEPS, type) ? STEPS[type as OrderEventType] : "updated";
  return step !== "return" && status !== null && TOLD.has(status) ? [step, status as StepOfType] : [step];
}

export function follow(steps: Iterable<OrderStep>): OrderState {
  let state: OrderState = "none";
  for (const step of steps) state = ORDER_TRANSITIONS[state][step];
  return state;
}
