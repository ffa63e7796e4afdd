// Carts, each under its source and number: what is in it, as whoever told its lines last says.

import { compareText } from "./comparison.ts";
import { readCurrency } from "./currency.ts";
import type { ChannelEvent, OrderLine } from "./event.ts";
import { classedKey, cutText, laterOf, listRegisters, NOTHING_TOLD } from "./facet.ts";
import type { RegisterRules, Registers, Telling, Told } from "./facet.ts";

export const CARTS_MAX = 16;
/** Of one cart; the first ones are kept. */
export const CART_LINES_MAX = 32;

interface CartContent extends Told {
  readonly currency: string;
  readonly totalMinor: number | null;
  readonly lines: readonly OrderLine[];
}

export interface Cart {
  readonly source: string;
  /** Empty: the source numbers none. */
  readonly cartId: string;
  readonly authenticated: boolean;
  readonly startedAt: number;
  readonly at: number;
  readonly checkoutAt: number | null;
  readonly content: CartContent | null;
}

export const CART_RULES: RegisterRules<Cart> = {
  join: (a, b) => ({
    ...a,
    startedAt: Math.min(a.startedAt, b.startedAt),
    at: Math.max(a.at, b.at),
    checkoutAt:
      a.checkoutAt === null || b.checkoutAt === null
        ? (a.checkoutAt ?? b.checkoutAt)
        : Math.max(a.checkoutAt, b.checkoutAt),
    content: laterOf(a.content, b.content),
  }),
  max: CARTS_MAX,
  keep: "last",
  classed: true,
  limit: "carts",
};

export function cartKey({ authenticated, source, cartId }: Cart): string {
  return classedKey(authenticated, source, cartId);
}

export function readCarts(telling: Telling, { cart: part, type }: ChannelEvent, currency: string): Registers<Cart> {
  if (part === null || part === undefined) return NOTHING_TOLD;
  const { told, authenticated, limits } = telling;
  const lines = part.lines?.slice(0, CART_LINES_MAX).map(({ productId, quantity, unitPriceMinor }) => {
    return { productId: cutText(productId, limits), quantity, unitPriceMinor };
  });
  if ((part.lines?.length ?? 0) > CART_LINES_MAX) limits.push("cart-lines");
  const cart: Cart = {
    source: told.source,
    cartId: cutText(part.cartId ?? "", limits),
    authenticated,
    startedAt: told.at,
    at: told.at,
    checkoutAt: type === "checkout-started" ? told.at : null,
    content:
      lines === undefined
        ? null
        : { ...told, currency: readCurrency(part.currency) ?? currency, totalMinor: part.totalMinor ?? null, lines },
  };
  return new Map([[cartKey(cart), cart]]);
}

export interface CartView {
  readonly cartId: string;
  readonly source: string;
  /** emptied: its lines were told, and none is of positive quantity. */
  readonly status: "open" | "emptied";
  readonly currency: string | null;
  /** As told, or what its lines add up to. */
  readonly totalMinor: number | null;
  readonly lines: readonly OrderLine[];
  readonly startedAt: number;
  readonly checkoutAt: number | null;
  readonly at: number;
}

/** The one heard of last first. */
export function viewCarts(carts: Registers<Cart>): CartView[] {
  return listRegisters(carts)
    .map(({ cartId, source, startedAt, checkoutAt, at, content }): CartView => {
      const lines = (content?.lines ?? []).map(({ productId, quantity, unitPriceMinor }) => {
        return { productId, quantity, unitPriceMinor };
      });
      const isEmptied = content !== null && lines.every(({ quantity }) => quantity <= 0);
      const sumMinor = lines.reduce((sum, { quantity, unitPriceMinor }) => sum + quantity * unitPriceMinor, 0);
      return {
        cartId,
        source,
        status: isEmptied ? "emptied" : "open",
        currency: content?.currency ?? null,
        totalMinor: content === null ? null : (content.totalMinor ?? sumMinor),
        lines,
        startedAt,
        checkoutAt,
        at,
      };
    })
    .sort((a, b) => b.at - a.at || compareText(a.source, b.source) || compareText(a.cartId, b.cartId));
}
