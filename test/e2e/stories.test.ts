// The acceptance stories on real Kafka and Redis: every order of their events, each a person of its own, all in one log
// of which the test says how much time passes. The automation is the command, killed and started again.

import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import type { ProfileSignal, SegmentTransition } from "#core/effect.ts";
import type { LogRecord } from "#ports/log.ts";
import { topicNames } from "#services/config/topics.ts";
import { Deployment } from "#support/deployment.ts";
import { servicesOrSkip } from "#support/services.ts";
import {
  DUE_MS,
  HOUR_MS,
  LATE_MS,
  permute,
  tellAmbassador,
  tellCart,
  tellTill,
  type StoryEvent,
} from "#support/stories.ts";
import { ToldTime } from "#support/told-time.ts";
import { Worker } from "#support/workers.ts";

const TEN_MS = Date.UTC(2026, 2, 5, 10);
const ENGINE = "{ shards: 8, stitchSlots: 2, resolverSlots: 2, transactionInterval: 20ms }";

async function readValues<T>(
  { runtime: { wires } }: ToldTime,
  topic: string,
): Promise<{ value: T; record: LogRecord }[]> {
  const values: { value: T; record: LogRecord }[] = [];
  for await (const record of wires.log.read([topic], { from: "start", follow: false })) {
    await wires.codec.prepare([record.value]);
    const decoded = wires.codec.decode(record.value);
    ok(decoded.ok);
    values.push({ value: decoded.value as T, record });
  }
  return values;
}

async function onServices(
  t: Parameters<typeof servicesOrSkip>[0],
  body: (deployment: Deployment, time: ToldTime) => Promise<void>,
) {
  const services = await servicesOrSkip(t);
  if (services === null) return;
  const deployment = new Deployment(services, { engine: ENGINE });
  let time: ToldTime | null = null;
  try {
    await deployment.open();
    time = await ToldTime.open(deployment);
    await body(deployment, time);
  } finally {
    await time?.close();
    await deployment.close();
  }
}

/** What is recorded at each instant, in order. */
async function tellAll(time: ToldTime, told: readonly { at: number; one: StoryEvent }[]): Promise<void> {
  const instants = [...new Set(told.map(({ at }) => at))].toSorted((a, b) => a - b);
  for (const instant of instants) {
    const events = told.filter(({ at }) => at === instant).map(({ one }) => one);
    await time.tell(instant, events);
  }
}

/** Hours after ten at which the n-th of a story is recorded: so many of them before the due instant. */
const hourOf = (n: number, early: number) => (n < early ? 2 + n / 60 : 30 + n * 7);

test("an abandoned cart draws a reminder only where it was not bought, whatever is recorded when (S36)", async (t) => {
  await onServices(t, async (deployment, time) => {
    const told: { at: number; one: StoryEvent }[] = [];
    const unbought: string[] = [];
    let people = 0;
    for (const isBought of [true, false])
      for (const joined of [-0.5, 0.5, 2])
        for (const names of permute(isBought ? ["cart", "purchase", "stitch"] : ["cart", "stitch"]))
          for (const early of Array.from({ length: names.length + 1 }, (_, n) => n))
            for (const doubled of ["none", ...names]) {
              const who = `p${(people += 1)}`;
              const story: Readonly<Record<string, StoryEvent>> = tellCart(who, TEN_MS, TEN_MS + joined * HOUR_MS);
              const list = [...names, doubled].flatMap((name) => story[name] ?? []);
              for (const [n, one] of list.entries()) told.push({ at: TEN_MS + hourOf(n, early) * HOUR_MS, one });
              if (!isBought) unbought.push(who);
            }
    await tellAll(time, told);
    const { profileSignal } = topicNames(deployment.loaded);
    deepEqual(await readValues(time, profileSignal), [], "nobody is reminded while the store has not told");
    await time.pass(TEN_MS + DUE_MS + LATE_MS);
    const late = await readValues<ProfileSignal>(time, profileSignal);
    equal(late.length, unbought.length, "one for each that was not bought");
    equal(new Set(late.map(({ value }) => value.profileId)).size, unbought.length);
    for (const { value } of late) equal(value.certainty, "source-late");

    // Five days later the store tells in time.
    const nextMs = TEN_MS + 5 * DUE_MS;
    const { cart, stitch } = tellCart("later", nextMs, nextMs);
    const bought = tellCart("later-bought", nextMs, nextMs);
    await time.tell(nextMs, [cart, stitch, bought.stitch]);
    await time.tell(nextMs + DUE_MS + HOUR_MS, [bought.cart]);
    await time.tell(nextMs + DUE_MS + 2 * HOUR_MS, [bought.purchase, tellTill(nextMs + DUE_MS)]);
    await time.pass(nextMs + 5 * DUE_MS);
    const all = await readValues<ProfileSignal>(time, profileSignal);
    deepEqual(
      all.filter(({ value }) => value.dueAt > nextMs).map(({ value: { certainty, at } }) => [certainty, at]),
      [["complete", nextMs + DUE_MS + 2 * HOUR_MS]],
    );
    t.diagnostic(`${people} people, ${told.length} events`);
  });
});

interface Sent {
  readonly id: string;
  readonly profileId: string;
}

async function automate(deployment: Deployment): Promise<Sent[]> {
  const out = await deployment.mustRun(["demo-automation", "--json"]);
  return out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Sent]));
}

test("an ambassador has one voucher, in every order of her events, and none more by whatever happens (S41 to S46)", async (t) => {
  await onServices(t, async (deployment, time) => {
    const told: { at: number; one: StoryEvent }[] = [];
    const stories = permute(["first", "second", "third", "fourth", "fifth", "stitch"] as const).map((way, who) => {
      return { way, ...tellAmbassador(who, TEN_MS) };
    });
    for (const [turn, { way, events }] of stories.entries()) {
      const list = way.map((name) => events[name]);
      const doubled = turn % 2 === 0 ? list.flatMap((one) => [one, one]) : [...list, ...list];
      for (const [n, one] of doubled.entries()) told.push({ at: TEN_MS + (48 + n) * HOUR_MS, one });
    }
    await tellAll(time, told);
    const { segmentTransition } = topicNames(deployment.loaded);
    const moves = await readValues<SegmentTransition>(time, segmentTransition);
    const gone = new Set(moves.flatMap(({ value }) => value.retracts ?? []));
    const rises = moves.filter(({ value: { kind, to, transitionId } }) => {
      return kind === "transition" && to === "ambassador" && !gone.has(transitionId);
    });
    equal(rises.length, stories.length, "one transition that stands for each person");
    const paying = rises
      .map(({ value }) => value)
      .filter(
        ({ from, nature, reachable }) => from === "multi-buyer" && nature === "behaviour" && reachable.includes("sms"),
      );
    ok(paying.length >= 120, "the fifth order, by call centre, pays");

    // Killed while it prints, started again.
    const killed = new Worker(deployment, "demo-automation", ["--json", "--follow"]);
    while (killed.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await killed.kill();
    const first = killed.lines as unknown as Sent[];
    const second = await automate(deployment);
    const ids = new Set([...first, ...second].map(({ id }) => id));
    deepEqual([...ids].toSorted(), paying.map(({ transitionId }) => `voucher.${transitionId}`).toSorted());
    equal(new Set([...first, ...second].map(({ profileId }) => profileId)).size, ids.size, "one each");

    // The topic once more, as a replay or a rebuild writes it.
    await time.runtime.wires.log.append(
      moves.map(({ record: { topic, partition, key, value, headers } }) => ({ topic, partition, key, value, headers })),
    );
    deepEqual(await automate(deployment), []);

    const some = stories.slice(0, 24);
    await time.tell(
      TEN_MS + 70 * HOUR_MS,
      some.map(({ back }) => back),
    );
    await time.tell(
      TEN_MS + 71 * HOUR_MS,
      some.map(({ again }) => again),
    );
    const all = await readValues<SegmentTransition & { readonly at: number }>(time, segmentTransition);
    const after = all.filter(({ value }) => value.at >= TEN_MS + 70 * HOUR_MS);
    const steps = (from: string, to: string) =>
      after.filter(({ value }) => value.from === from && value.to === to && value.nature === "behaviour").length;
    equal(steps("ambassador", "multi-buyer"), some.length, "what she returns takes her back");
    equal(steps("multi-buyer", "ambassador"), some.length, "and she comes again");
    const paid = new Set(paying.map(({ profileId }) => profileId));
    for (const { profileId } of await automate(deployment)) ok(!paid.has(profileId), "coming back does not pay twice");
    t.diagnostic(`${stories.length} people, ${told.length} events, ${paying.length} vouchers`);
  });
});
