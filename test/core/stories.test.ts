// The acceptance stories in one process, in every order of their events, each of them late, doubled, or before the stitch.

import { deepEqual, equal, ok } from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { ProfileSignal, SegmentTransition } from "#core/effect.ts";
import { AutomationOutbox, type Message } from "#services/automation/outbox.ts";
import { runAutomation } from "#services/automation/reader.ts";
import { Fold, type FoldEvent } from "#services/fold/fold.ts";
import { makeFolder } from "#support/folder.ts";
import { someMove } from "#support/moves.ts";
import { configuration, hash } from "#support/histories.ts";
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
import { openToldTopics, topics } from "#support/told-topics.ts";

const TEN_MS = Date.UTC(2026, 2, 5, 10);

async function foldAll(events: readonly FoldEvent[], untilMs: number): Promise<Fold> {
  const fold = new Fold({ configuration, hash });
  for (const event of events) await fold.fold(event);
  await fold.advance(untilMs);
  return fold;
}

const recorded = ({ source, event }: StoryEvent, recordedAt: number): FoldEvent => ({ source, event, recordedAt });

const signalsOf = ({ outputs }: Fold) => outputs.filter((one): one is ProfileSignal => one.kind === "signal");
const movesOf = ({ outputs }: Fold) =>
  outputs.filter((one): one is SegmentTransition => one.kind === "transition" || one.kind === "retraction");

/** The first `early` of them soon after ten, the others after the due instant, and a copy of one last; all within the 36 hours. */
function spread(events: readonly StoryEvent[], early: number, doubled: StoryEvent | null): FoldEvent[] {
  const list = [...events, ...(doubled === null ? [] : [doubled])];
  return list.map((one, n) =>
    recorded(one, TEN_MS + (n < early ? 2 * HOUR_MS + n * 60_000 : DUE_MS + (6 + n * 7) * HOUR_MS)),
  );
}

describe("an abandoned cart (S36)", () => {
  const hours = [-0.5, 0.5, 2];

  it("that was bought in the store draws no reminder, in whatever order that is learned within the 36 hours", async () => {
    let told = 0;
    for (const joined of hours) {
      const { cart, purchase, stitch } = tellCart("ana", TEN_MS, TEN_MS + joined * HOUR_MS);
      for (const events of permute([cart, purchase, stitch]))
        for (const early of [0, 1, 2, 3])
          for (const doubled of [null, cart, purchase, stitch]) {
            const till = tellTill(TEN_MS + DUE_MS + LATE_MS + HOUR_MS);
            const list = [...spread(events, early, doubled), recorded(till, till.event.occurredAt)];
            const fold = await foldAll(list, TEN_MS + 10 * DUE_MS);
            deepEqual(signalsOf(fold), [], `${events.map(({ event }) => event.eventId).join(", ")}; ${early} early`);
            told += 1;
          }
    }
    equal(told, 3 * 6 * 4 * 4);
  });

  it("that was not draws exactly one: once the store is complete up to then, else 36 hours later as source-late", async () => {
    let told = 0;
    for (const joined of hours) {
      const { cart, stitch } = tellCart("ana", TEN_MS, TEN_MS + joined * HOUR_MS);
      for (const events of permute([cart, stitch]))
        for (const early of [0, 1, 2])
          for (const doubled of [null, cart, stitch])
            for (const tillHours of [26, 40, null]) {
              const till =
                tillHours === null ? [] : [recorded(tellTill(TEN_MS + DUE_MS), TEN_MS + tillHours * HOUR_MS)];
              const list = [...spread(events, early, doubled), ...till].toSorted((a, b) => a.recordedAt - b.recordedAt);
              const [signal, ...others] = signalsOf(await foldAll(list, TEN_MS + 10 * DUE_MS));
              deepEqual(others, []);
              const certain = tillHours !== null;
              equal(signal?.certainty, certain ? "complete" : "source-late");
              equal(signal?.dueAt, TEN_MS + DUE_MS);
              if (!certain) equal(signal?.at, TEN_MS + DUE_MS + LATE_MS);
              ok(signal !== undefined && signal.at >= signal.dueAt && signal.at <= signal.dueAt + LATE_MS);
              told += 1;
            }
    }
    equal(told, 3 * 2 * 3 * 3 * 3);
  });
});

/** What an automation that has seen nothing before would send. */
function automate(moves: readonly SegmentTransition[], outbox = new AutomationOutbox()): Message[] {
  outbox.transact(() => {
    for (const move of moves) outbox.takeMove(move);
  });
  return outbox.unsent();
}

describe("an ambassador's voucher (S41 to S46)", () => {
  const { events, back, again } = tellAmbassador(1, TEN_MS);
  const names = Object.keys(events) as (keyof typeof events)[];
  const at = (n: number) => TEN_MS + (48 + n) * HOUR_MS;

  it("comes of one transition that stands, in every order of her events, and at most once whatever is doubled", async () => {
    const counts = { vouchers: 0, stories: 0 };
    for (const [turn, way] of permute(names).entries()) {
      const list = way.map((name) => events[name]);
      // Copies right behind, or all of them once more at the end.
      const doubled = turn % 2 === 0 ? list.flatMap((one) => [one, one]) : [...list, ...list];
      const fold = await foldAll(
        doubled.map((one, n) => recorded(one, at(n))),
        at(100),
      );
      const moves = movesOf(fold);
      const gone = new Set(moves.flatMap(({ retracts }) => retracts ?? []));
      const rises = moves.filter(
        ({ kind, to, transitionId }) => kind === "transition" && to === "ambassador" && !gone.has(transitionId),
      );
      equal(rises.length, 1, way.join(", "));
      const [rise] = rises;
      ok(rise !== undefined);
      equal(rise.valueTier, "gold");
      deepEqual(rise.decisive, ["orders.spentMinor", "orders.valid"]);
      const vouchers = automate(moves);
      // What was learned late, and a stitch, are no behaviour.
      const isHers = rise.from === "multi-buyer" && rise.nature === "behaviour" && rise.reachable.includes("sms");
      equal(vouchers.length, Number(isHers), way.join(", "));
      const isStory = way.at(-1) === "fifth";
      if (isStory) equal(rise.cause, "event");
      ok(!isStory || isHers, "the fifth order, by call centre, pays");
      if (way.at(-1) === "stitch") equal(rise.nature, "artefact");
      counts.vouchers += vouchers.length;
      counts.stories += Number(isStory);
    }
    equal(counts.stories, 120);
    ok(counts.vouchers >= counts.stories);
  });

  it("is not paid again when she goes back and comes again, nor by a replay, a rebuild, a doubled topic or a crash", async (t) => {
    const folder = makeFolder("automation");
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "automation.sqlite");
    const way: StoryEvent[] = [
      ...Object.values(events).filter((one) => one !== events.fifth),
      events.fifth,
      back,
      again,
    ];
    const tell = () =>
      foldAll(
        way.map((one, n) => recorded(one, at(n))),
        at(100),
      );
    const { outputs } = await tell();
    const rebuilt = (await tell()).outputs;
    const steps = movesOf(await tell()).slice(-3);
    deepEqual(
      steps.map(({ from, to, nature }) => `${from} > ${to} (${nature})`),
      [
        "multi-buyer > ambassador (behaviour)",
        "ambassador > multi-buyer (behaviour)",
        "multi-buyer > ambassador (behaviour)",
      ],
    );
    const told = await openToldTopics();
    const sent: Message[] = [];
    const run = async (send: (message: Message) => void) => {
      const outbox = new AutomationOutbox(file);
      try {
        await runAutomation(told, outbox, topics, { follow: false, send });
      } finally {
        outbox.close();
      }
    };
    await told.publish(outputs);
    const dies = run(() => {
      throw new Error("the process ends here");
    });
    equal(await dies.catch((error: Error) => error.message), "the process ends here");
    await run((message) => sent.push(message));
    await told.publish(outputs);
    await run((message) => sent.push(message));
    await told.publish(rebuilt);
    await run((message) => sent.push(message));
    deepEqual(
      sent.map(({ id, kind }) => [id, kind]),
      [[`voucher.${steps[0]?.transitionId}`, "voucher"]],
    );
  });

  it("goes along with her when her id becomes another", () => {
    const outbox = new AutomationOutbox();
    const move = { ...RISE, transitionId: "a.3", profileId: "a" };
    equal(automate([move], outbox).length, 1);
    outbox.transact(() => outbox.takeAlias({ oldProfileId: "a", profileId: "b" }));
    equal(automate([{ ...RISE, transitionId: "b.9", profileId: "b" }], outbox).length, 1, "no other message");
  });

  it("is each one's own once an id that had gone on as hers lives on its own again (I6)", async () => {
    const told = await openToldTopics();
    const outbox = new AutomationOutbox();
    const sent: string[] = [];
    const run = async () => {
      const send = ({ profileId }: Message) => void sent.push(profileId);
      await runAutomation(told, outbox, topics, { follow: false, send });
    };
    await told.publish([
      { kind: "alias", oldProfileId: "tablet", profileId: "a", at: TEN_MS },
      { ...RISE, transitionId: "a.1", profileId: "a" },
    ]);
    await run();
    await told.publish([
      { kind: "alias", oldProfileId: "tablet", profileId: null, at: TEN_MS },
      { ...RISE, transitionId: "tablet.1", profileId: "tablet" },
    ]);
    await run();
    deepEqual(sent, ["a", "tablet"]);
  });

  it("is not for those who may not be reached by SMS, nor for history", () => {
    deepEqual(automate([{ ...RISE, reachable: ["email"] }]), []);
    deepEqual(automate([{ ...RISE, cause: "backfill", nature: "artefact" }]), []);
    deepEqual(automate([{ ...RISE, kind: "retraction", retracts: "x.1" }]), []);
    equal(automate([RISE]).length, 1);
  });
});

const RISE = someMove({
  from: "multi-buyer",
  to: "ambassador",
  by: { source: "web", eventId: "e", at: TEN_MS, occurredAt: TEN_MS, backfill: false, traceparent: null },
  valueTier: "gold",
  reachable: ["sms"],
});
