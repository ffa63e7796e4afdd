// The two acceptance stories as events, each person's with names of her own, so that many can be told in one log: an
// abandoned cart that was bought in the store (S36), and the fifth order of an ambassador (S41 to S46).

import type { ChannelEvent } from "#core/event.ts";

export const HOUR_MS = 3_600_000;
export const DUE_MS = 24 * HOUR_MS;
export const LATE_MS = 36 * HOUR_MS;

export interface StoryEvent {
  readonly source: string;
  readonly event: ChannelEvent;
}

function say(
  source: string,
  eventId: string,
  type: string,
  occurredAt: number,
  names: Readonly<Record<string, string>>,
  more: Partial<ChannelEvent> = {},
): StoryEvent {
  const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
  return { source, event: { eventId, type, occurredAt, identifiers, ...more } };
}

function order(orderId: string, totalMinor: number): Pick<ChannelEvent, "order"> {
  const lines = [{ productId: "p", quantity: 1, unitPriceMinor: totalMinor }];
  return { order: { orderId, currency: "EUR", totalMinor, lines } };
}

/** Cart by cookie at ten, bought at eleven with the card, and the address, typed at some hour, that joins the two. */
export function tellCart(who: string, tenMs: number, joinedMs: number) {
  const names = { cookie: `ck-${who}`, card: `card-${who}`, email: `${who}@stories.example` };
  const cart = { cartId: `cart-${who}`, currency: "EUR", totalMinor: 5_990, lines: [] };
  return {
    cart: say("web", `cart-${who}`, "product-added", tenMs, { cookie: names.cookie }, { cart }),
    purchase: say(
      "store",
      `till-${who}`,
      "order-placed",
      tenMs + HOUR_MS,
      { card: names.card, email: names.email },
      order(`t-${who}`, 5_990),
    ),
    stitch: say("web", `typed-${who}`, "identified", joinedMs, { cookie: names.cookie, email: names.email }),
  };
}

/** Somebody else at the till: what is sold up to then has been told. */
export function tellTill(atMs: number): StoryEvent {
  return say(
    "store",
    `till-other-${atMs}`,
    "order-placed",
    atMs,
    { card: `card-other-${atMs}` },
    order(`t-other-${atMs}`, 100),
  );
}

/** Four orders on two channels, the fifth by call centre, and what says that they are one person's, with her consent. */
export function tellAmbassador(who: number, startMs: number) {
  const customer = `cu-${who}`;
  const card = `card-${who}`;
  const phone = `+3362${String(who).padStart(7, "0")}`;
  const names: Readonly<Record<string, string>>[] = [{ customer }, { customer }, { customer }, { card }];
  const consents = [{ purpose: "marketing", channel: "sms", granted: true, proof: "form-1" }];
  const place = (n: number) => order(`o${n}-${who}`, 25_000);
  const orders = names.map((named, n) => {
    return say(
      n === 3 ? "store" : "web",
      `o${n + 1}-${who}`,
      "order-placed",
      startMs + n * HOUR_MS,
      named,
      place(n + 1),
    );
  });
  const [first, second, third, fourth] = orders as [StoryEvent, StoryEvent, StoryEvent, StoryEvent];
  const fifthAt = startMs + 5 * HOUR_MS;
  return {
    events: {
      first,
      second,
      third,
      fourth,
      fifth: say("call-centre", `o5-${who}`, "order-placed", fifthAt, { phone }, place(5)),
      stitch: say(
        "crm",
        `crm-${who}`,
        "consent-changed",
        startMs + 4 * HOUR_MS,
        { customer, card, phone },
        { consents },
      ),
    },
    back: say("call-centre", `r5-${who}`, "order-returned", fifthAt + HOUR_MS, { phone }, place(5)),
    again: say("web", `o6-${who}`, "order-placed", fifthAt + 2 * HOUR_MS, { customer }, place(6)),
  };
}

/** In the order of the positions of its members. */
export function permute<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, n) => permute(list.toSpliced(n, 1)).map((others) => [one, ...others]));
}
