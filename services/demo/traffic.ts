// Passers-by around the story: seeded, so that a seed gives the same ones each time. They browse, log in, fill carts,
// order on the web, in the app and by card in the store; some of their events are sent twice. Nobody of the story
// shares an identifier or an order with them.

import { MINUTE_MS, on } from "./moment.ts";
import { cart, claim, type Named, order, type Parts, type Scene, type StoryEvent, traits } from "./scene.ts";

export const PEOPLE_MAX = 2_000;

const PRODUCTS = ["JKT-22", "BOOT-07", "BOOT-09", "BAG-03", "CAP-11", "LAMP-04", "MAT-01", "TENT-02"];
const REPEATED_SHARE = 0.04;

type Random = () => number;

interface PasserBy {
  readonly cookie: string;
  readonly device: string;
  /** null: never logs in. */
  readonly customer: string | null;
  /** null: has no loyalty card. */
  readonly card: string | null;
  readonly email: string;
  /** How often they show up. */
  readonly zeal: number;
}

/** The events of passers-by in each scene, in the order of the scenes. */
export function createTraffic(scenes: readonly Scene[], people: number, seed: number): StoryEvent[][] {
  const random = createRandom(seed);
  const passersBy = Array.from({ length: people }, (_, number) => createPasserBy(random, number));
  let count = 0;
  const nextId = () => `by-${String((count += 1)).padStart(5, "0")}`;
  return scenes.map((scene) =>
    passersBy.flatMap((person) => {
      const [source] = scene.open.filter((name) => canUse(person, name) && random() < person.zeal);
      return source === undefined ? [] : useChannel(random, person, source, scene, nextId);
    }),
  );
}

/** Mulberry32: small, seeded, the same everywhere. */
function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function createPasserBy(random: Random, number: number): PasserBy {
  const id = String(number + 1).padStart(5, "0");
  const isCustomer = random() < 0.5;
  return {
    cookie: `ck-by-${id}`,
    device: `app-by-${id}`,
    customer: isCustomer ? `C-9${id}` : null,
    card: random() < 0.4 ? `20990${id}` : null,
    email: `person-${id}@example.com`,
    zeal: 0.03 + random() * 0.22,
  };
}

function canUse({ customer, card }: PasserBy, source: string): boolean {
  if (source === "store") return card !== null;
  if (source === "app") return customer !== null;
  if (source === "email") return false;
  return source === "crm" ? customer !== null && card !== null : true;
}

function useChannel(
  random: Random,
  person: PasserBy,
  source: string,
  scene: Scene,
  nextId: () => string,
): StoryEvent[] {
  const events: StoryEvent[] = [];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  let at = scene.fromMs + Math.floor(random() * (scene.toMs - scene.fromMs) * 0.5);
  const send = (type: string, named: Named, parts: Parts = {}, occurredAt = at) => {
    const event = { eventId: nextId(), type, occurredAt, identifiers: claim(named), ...parts };
    events.push({ source, recordedAt: at, event });
    if (random() < REPEATED_SHARE) events.push({ source, recordedAt: at, event });
    at += Math.floor((scene.toMs - at) * 0.2 * random());
  };
  const price = 990 + Math.floor(random() * 120) * 100;
  const nextOrder = () => order(`BY-${nextId()}`, price, pick(PRODUCTS));
  const { cookie, device, customer, card, email } = person;
  if (source === "store" && card !== null) {
    send("order-placed", { card }, nextOrder(), findSale(random, scene));
  } else if (source === "crm" && customer !== null && card !== null) {
    send("traits-changed", { customer, card, email }, traits({ city: pick(["Nantes", "Lyon", "Lille", "Brest"]) }));
  } else {
    const named: Named = source === "app" ? { device } : { cookie };
    const whole = customer !== null && (source === "app" || random() < 0.5) ? { ...named, customer } : named;
    send("page-viewed", named);
    if (random() < 0.5) send("product-viewed", whole, { product: { productId: pick(PRODUCTS) } });
    if (whole !== named && random() < 0.5) send("identified", whole);
    if (random() < 0.35) send("product-added", whole, cart(price, pick(PRODUCTS)));
    if (random() < 0.25) send("order-placed", whole, nextOrder());
  }
  return events;
}

/** Some time yesterday, before the last sale of the story's till. */
function findSale(random: Random, { fromMs }: Scene): number {
  const yesterday = fromMs - (fromMs % (24 * 60 * MINUTE_MS)) - 24 * 60 * MINUTE_MS;
  const opening = on("Mon 09:00") - on("Mon 00:00");
  return yesterday + opening + Math.floor(random() * 10 * 60) * MINUTE_MS;
}
