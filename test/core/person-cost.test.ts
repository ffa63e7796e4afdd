// What an event costs does not grow with a person's cookies: of one who has 10,000 it costs what it does of one who has
// ten, be the cookie hers already or new, seen first with a log-in or browsed with before, which is a hand-over (P5). In
// bytes written, which are the same on every run, and in time of the processor.

import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "#ports/store.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { DirectFold } from "#support/direct-fold.ts";
import { configuration, hash } from "#support/histories.ts";

const FEW = 10;
const MANY = 10_000;
const RATIO_MAX = 1.5;
/** Beyond the window of duplicates (256 events) nothing of a fragment grows. */
const EVENTS_BEFORE = 300;
const BATCH = 100;
const START_MS = Date.UTC(2026, 0, 5);
/** People of few cookies, each measured with few events, so that they stay such. */
const PEOPLE = 48;
const ROUNDS = PEOPLE;
/** Where the machine was busy it is measured again. */
const ATTEMPTS_MAX = 8;

interface Spent {
  readonly us: number[];
  bytes: number;
}

/** Some people of so many cookies each. */
class Crowd {
  readonly fold = new Fold({ configuration, hash });
  readonly #cookies: number[];
  #written = 0;
  #told = 0;

  constructor(people: number) {
    this.#cookies = Array.from({ length: people }, () => 0);
    const { commit } = this.fold.store;
    const counting: Store["commit"] = (step) => {
      for (const value of step.parts.values()) this.#written += value?.length ?? 0;
      return commit(step);
    };
    Object.assign(this.fold.store, { commit: counting });
  }

  #tell(names: Readonly<Record<string, string>>): FoldEvent {
    this.#told += 1;
    const recordedAt = START_MS + this.#told * 1000;
    const identifiers = Object.entries(names).map(([namespace, value]) => ({ namespace, value }));
    const event = { eventId: `e${this.#told}`, type: "page-viewed", occurredAt: recordedAt, identifiers };
    return { source: "web", recordedAt, event };
  }

  #visit(person: number, place: number): FoldEvent {
    return this.#tell({ cookie: `${person}-${place}`, customer: `c-${person}` });
  }

  /** Every other cookie was browsed with before it logged in. */
  async gather(cookies: number): Promise<void> {
    for (const person of this.#cookies.keys()) {
      await this.fold.add(Array.from({ length: EVENTS_BEFORE }, () => this.#tell({ customer: `c-${person}` })));
      for (let from = 0; from < cookies; from += BATCH) {
        const places = Array.from({ length: Math.min(BATCH, cookies - from) }, (_, place) => from + place);
        const browsed = places.filter((place) => place % 2 === 0);
        await this.fold.add(browsed.map((place) => this.#tell({ cookie: `${person}-${place}` })));
        await this.fold.add(places.map((place) => this.#visit(person, place)));
      }
      this.#cookies[person] = cookies;
    }
  }

  /** A visit with a cookie that the person has. */
  async return(round: number, spent: Spent): Promise<void> {
    const person = round % this.#cookies.length;
    await this.#measure(spent, [this.#visit(person, (round * 7919) % (this.#cookies[person] ?? 1))]);
  }

  /** The first visit with another one. */
  async arrive(round: number, spent: Spent): Promise<void> {
    const { person, place } = this.#add(round);
    await this.#measure(spent, [this.#visit(person, place)]);
  }

  /** The first two visits with another one, the first of them anonymous. */
  async browse(round: number, spent: Spent): Promise<void> {
    const { person, place } = this.#add(round);
    await this.#measure(spent, [this.#tell({ cookie: `${person}-${place}` }), this.#visit(person, place)]);
  }

  #add(round: number): { person: number; place: number } {
    const person = round % this.#cookies.length;
    const place = this.#cookies[person] ?? 0;
    this.#cookies[person] = place + 1;
    return { person, place };
  }

  async #measure(spent: Spent, events: readonly FoldEvent[]): Promise<void> {
    const [before, startedAt] = [this.#written, process.cpuUsage()];
    for (const event of events) await this.fold.add([event]);
    // Of the processor, not of the clock: others may be busy on this machine.
    const { user, system } = process.cpuUsage(startedAt);
    spent.us.push(user + system);
    spent.bytes += (this.#written - before) / ROUNDS;
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

test(`an event of a person of ${MANY} cookies costs what one of a person of ${FEW} does (P5)`, async (t) => {
  const [few, many] = [new Crowd(PEOPLE), new Crowd(1)];
  await few.gather(FEW);
  await many.gather(MANY);
  for (const kind of ["return", "arrive", "browse"] as const) {
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && best > RATIO_MAX; attempt += 1) {
      const [little, much]: [Spent, Spent] = [
        { us: [], bytes: 0 },
        { us: [], bytes: 0 },
      ];
      for (let round = 0; round < ROUNDS; round += 1) {
        await few[kind](round, little);
        await many[kind](round, much);
      }
      const [us, usOfMany] = [median(little.us), median(much.us)];
      t.diagnostic(
        `${kind}: ${FEW} cookies: ${Math.round(little.bytes)} bytes, ${Math.round(us)} us; ` +
          `${MANY}: ${Math.round(much.bytes)} bytes, ${Math.round(usOfMany)} us`,
      );
      ok(much.bytes <= little.bytes * RATIO_MAX, `${much.bytes} bytes instead of ${little.bytes}`);
      best = Math.min(best, usOfMany / us);
    }
    ok(best <= RATIO_MAX, `${best} times the time`);
  }
  const { profiles } = await many.fold.readPeople();
  equal(profiles.length, 1);
  ok((profiles[0]?.identifiers.length ?? 0) > MANY);
  // An alarm for each, when it grew beyond what people have (O4).
  equal(many.fold.limits.get("component-identifiers"), 1);
  equal(few.fold.limits.get("component-identifiers"), undefined);
});

const TYPED = 5_000;
const SAMPLE = 200;
/** What the first of them cost, and what the last may: a component is one part, and grows. */
const TYPED_RATIO_MAX = 4;

/** Whoever types addresses: with one cookie; with as many, logged in; and under one cookie with his own customer number. */
const TYPISTS: Readonly<Record<string, (n: number) => Readonly<Record<string, string>>>> = {
  "one cookie": () => ({ cookie: "k" }),
  "cookies that log in": (n) => ({ cookie: `k${n}`, customer: "c-666" }),
  "one cookie that logs in": () => ({ cookie: "k", customer: "c-666" }),
};

for (const [who, names] of Object.entries(TYPISTS))
  test(`an address that is typed costs the same after ${TYPED} others: ${who} (P5, I5)`, async (t) => {
    const fold = new DirectFold({ configuration, hash });
    let n = 0;
    /** The median of what as many more addresses cost, in us. */
    const type = (count: number): number => {
      const us = Array.from({ length: count }, () => {
        const identifiers = Object.entries({ ...names(n), email: `a${n}@example.fr` });
        const recordedAt = START_MS + n * 1000;
        const event = {
          eventId: `e${n}`,
          type: "page-viewed",
          occurredAt: recordedAt,
          identifiers: identifiers.map(([namespace, value]) => ({ namespace, value })),
        };
        n += 1;
        const startedAt = process.cpuUsage();
        fold.add([{ source: "web", recordedAt, event }]);
        const { user, system } = process.cpuUsage(startedAt);
        return user + system;
      });
      return median(us);
    };
    // Beyond the limits of ties and of values: what comes before is dearer.
    type(SAMPLE);
    const first = type(SAMPLE);
    type(TYPED - 3 * SAMPLE);
    let last = Number.POSITIVE_INFINITY;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && last > first * TYPED_RATIO_MAX; attempt += 1)
      last = Math.min(last, type(SAMPLE));
    t.diagnostic(`${who}: ${Math.round(first)} us after ${SAMPLE} addresses, ${Math.round(last)} us after ${TYPED}`);
    ok(last <= first * TYPED_RATIO_MAX, `${last} us instead of ${first}`);
    const { profiles } = fold.readPeople();
    ok(profiles.length > TYPED - 100, "most of them are nobody's");
  });
