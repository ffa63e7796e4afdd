// Amounts at the door: whole numbers of minor units, small enough that sums of them stay whole, in a currency there is (P2).

import { isCurrency, readCurrency } from "./currency.ts";
import type { ChannelEvent, OrderLine } from "./event.ts";

/** Ten thousand million of a currency with cents: of such, more than nine thousand may be added up and stay exact. */
export const AMOUNT_MINOR_MAX = 1_000_000_000_000;

/** An order keeps the lines of each of its events, and is read and written whole. */
export const ORDER_LINES_MAX = 2_000;

/** What is wrong with the money of an event, without its values; null: nothing. */
export function findMoneyFault(event: ChannelEvent): string | null {
  for (const [name, part] of [
    ["order", event.order],
    ["cart", event.cart],
  ] as const) {
    if (part === null || part === undefined) continue;
    const code = readCurrency(part.currency);
    if (code !== null && !isCurrency(code)) return `${name}.currency is not of ISO 4217`;
    if (part.totalMinor !== null && part.totalMinor !== undefined && !isAmount(part.totalMinor))
      return `${name}.totalMinor is not a whole number within the limit of amounts`;
    if (name === "order" && (part.lines?.length ?? 0) > ORDER_LINES_MAX)
      return `order.lines are more than ${ORDER_LINES_MAX}`;
    if (!addsUp(part.lines ?? []))
      return `${name}.lines hold numbers that are not whole, or beyond the limit of amounts`;
  }
  return null;
}

function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && Math.abs(value) <= AMOUNT_MINOR_MAX;
}

/** Signs are left out of account: what comes back is added up by its size. */
function addsUp(lines: readonly OrderLine[]): boolean {
  let sumMinor = 0;
  for (const { quantity, unitPriceMinor } of lines) {
    if (!Number.isSafeInteger(quantity) || !Number.isSafeInteger(unitPriceMinor)) return false;
    sumMinor += Math.abs(quantity) * Math.abs(unitPriceMinor);
  }
  return sumMinor <= AMOUNT_MINOR_MAX;
}
