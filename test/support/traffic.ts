// Seeded traffic of a small retailer, as JSON lines: people who browse, log in, share a tablet at home, buy on the web
// and at the till, are joined by the CRM, click in mails; some lines come twice, some late. The same seed and start
// give the same bytes.

import { createRandom, type Random } from "./cluster.ts";

export interface TrafficOptions {
  readonly seed: number;
  readonly people: number;
  /**
   * Addresses are typed of somebody among so many who are numbered one behind the other, which ties all of these together.
   * Default: of all of them.
   */
  readonly neighbours?: number;
  readonly events: number;
  /** Number of the first event, where there was other traffic of these people before. */
  readonly first?: number;
  /** Record times lie between these. */
  readonly fromMs: number;
  readonly toMs: number;
}

interface Claim {
  readonly namespace: string;
  readonly value: string;
}

export interface TrafficLine {
  readonly source: string;
  readonly eventId: string;
  readonly recordedAt: number;
  readonly [name: string]: unknown;
}

const HOUSEHOLD_PEOPLE = 3;
const LATE_MAX_MS = 12 * 3_600_000;

type Act = (
  person: number,
  random: Random,
  number: number,
  neighbours: number,
) => Record<string, unknown> & { source: string };

const customer = (person: number): Claim => ({ namespace: "customer", value: `c-${person}` });
const card = (person: number): Claim => ({ namespace: "card", value: `2099${100_000 + person}` });
const email = (person: number): Claim => ({ namespace: "email", value: `person${person}@example.fr` });
const phone = (person: number): Claim => {
  // A household answers one phone.
  return { namespace: "phone", value: `06123${String(10_000 + Math.floor(person / HOUSEHOLD_PEOPLE))}` };
};

/** Their own phone or browser, or the tablet at home. */
function deviceOf(person: number, random: Random): Claim {
  if (random() < 0.15) return { namespace: "cookie", value: `tablet-${Math.floor(person / HOUSEHOLD_PEOPLE)}` };
  return { namespace: "cookie", value: `ck-${person}-${Math.floor(random() * 3)}` };
}

function order(number: number, random: Random): Record<string, unknown> {
  const lines = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
    productId: `p${Math.floor(random() * 40)}`,
    quantity: 1 + Math.floor(random() * 2),
    unitPriceMinor: 500 + Math.floor(random() * 40_000),
  }));
  const totalMinor = lines.reduce((sum, line) => sum + line.quantity * line.unitPriceMinor, 0);
  return { orderId: `o${number}`, currency: "EUR", totalMinor, lines };
}

const ACTS: readonly (readonly [weight: number, act: Act])[] = [
  [30, (person, random) => ({ source: "web", type: "page-viewed", identifiers: [deviceOf(person, random)] })],
  [
    14,
    (person, random) => ({
      source: "web",
      type: "product-added",
      identifiers: [deviceOf(person, random)],
      cart: { cartId: `k${person}`, currency: "EUR", totalMinor: 1000 + Math.floor(random() * 9000) },
    }),
  ],
  [
    14,
    (person, random) => ({
      source: "web",
      type: "identified",
      identifiers: [customer(person), deviceOf(person, random)],
    }),
  ],
  [
    10,
    (person, random, number) => ({
      source: "web",
      type: "order-placed",
      identifiers: [customer(person), email(person), deviceOf(person, random)],
      order: order(number, random),
    }),
  ],
  [
    10,
    (person, random, number) => ({
      source: "store",
      type: "order-placed",
      identifiers: [card(person), ...(random() < 0.3 ? [phone(person)] : [])],
      order: order(number, random),
    }),
  ],
  // Nobody known: the till was in a hurry.
  [2, (_person, random, number) => ({ source: "store", type: "order-placed", order: order(number, random) })],
  [
    8,
    (person, random) => ({
      source: "crm",
      type: "traits-changed",
      identifiers: [
        { namespace: "crm-contact", value: `m-${person}` },
        customer(person),
        ...(random() < 0.6 ? [card(person)] : []),
        ...(random() < 0.6 ? [email(person)] : []),
        ...(random() < 0.4 ? [phone(person)] : []),
      ],
      traits: { firstName: `Name ${person}`, city: `City ${Math.floor(random() * 5)}` },
    }),
  ],
  [
    8,
    (person, random) => ({
      source: "email",
      type: random() < 0.7 ? "message-clicked" : "message-opened",
      identifiers: [email(person), deviceOf(person, random)],
    }),
  ],
  // Whoever types an address in a form proves nothing by it.
  [
    4,
    (person, random, _number, neighbours) => {
      const place = person % neighbours;
      const identifiers = [deviceOf(person, random), email(person - place + Math.floor(place / 2))];
      return { source: "web", type: "checkout-started", identifiers };
    },
  ],
];

const WEIGHT = ACTS.reduce((sum, [weight]) => sum + weight, 0);

function chooseAct(random: Random): Act {
  let left = random() * WEIGHT;
  for (const [weight, act] of ACTS) {
    left -= weight;
    if (left < 0) return act;
  }
  return (ACTS[0] as (typeof ACTS)[number])[1];
}

/** In the order of recording. */
export function createTraffic(options: TrafficOptions): TrafficLine[] {
  const { seed, people, neighbours = people, events, first = 0, fromMs, toMs } = options;
  const random = createRandom(seed);
  const lines: TrafficLine[] = [];
  for (let number = first; number < first + events; number += 1) {
    const recordedAt = Math.floor(fromMs + ((toMs - fromMs) * (number - first)) / events);
    const late = random() < 0.05 ? Math.floor(random() * LATE_MAX_MS) : 0;
    const act = chooseAct(random)(Math.floor(random() * people), random, number, neighbours);
    const line = { eventId: `e${number}`, occurredAt: recordedAt - late, recordedAt, ...act };
    lines.push(line);
    // A producer that did not hear the answer sends again, at once or much later.
    if (random() < 0.03) {
      const again = Math.min(toMs, recordedAt + Math.floor(random() * LATE_MAX_MS));
      lines.push({ ...line, recordedAt: again });
    }
  }
  return lines.sort((a, b) => a.recordedAt - b.recordedAt);
}

export function formatTraffic(lines: readonly TrafficLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
