// What transitions carry, against an oracle that keeps every touch of every person and reads the rules anew: touches have
// their share once, in recorded order, and in what came after they happened (O2, S42, U8).

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { compareText } from "#core/comparison.ts";
import { creditChannels } from "#core/credit.ts";
import type { SegmentTransition } from "#core/effect.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { FoldEvent } from "#services/fold/fold.ts";
import { foldEach, START_MS, tell } from "#support/fold-events.ts";
import { configuration } from "#support/histories.ts";
import { checkMet, runs } from "#support/property.ts";

const HOUR_MS = 3_600_000;
const TOUCHES_MAX = 32;
const { passages } = configuration.rules;

const parts: fc.Arbitrary<{ type: string; more: Partial<ChannelEvent> }> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom("email", "search", "social").map((channel) => ({
      type: "campaign-touched",
      more: { touch: { channel, campaignId: "spring" } },
    })),
  },
  {
    weight: 3,
    arbitrary: fc.nat({ max: 6 }).map((n) => ({
      type: "order-placed",
      more: {
        order: {
          orderId: `o${n}`,
          currency: "EUR",
          totalMinor: 25_000,
          lines: [{ productId: "p", quantity: 1, unitPriceMinor: 25_000 }],
        },
      },
    })),
  },
  {
    weight: 1,
    arbitrary: fc.nat({ max: 6 }).map((n) => ({ type: "order-cancelled", more: { order: { orderId: `o${n}` } } })),
  },
);

/** One person, recorded minute by minute, and having happened at some hour before. */
const histories = fc.array(fc.record({ part: parts, hoursAgo: fc.nat({ max: 30 }) }), { minLength: 1, maxLength: 60 });

function toEvents(
  told: readonly { part: { type: string; more: Partial<ChannelEvent> }; hoursAgo: number }[],
): FoldEvent[] {
  return told.map(({ part, hoursAgo }, minute) => {
    const occurredAt = START_MS + minute * 60_000 - hoursAgo * HOUR_MS;
    return tell("crm", minute, part.type, { customer: "c-1" }, { occurredAt, ...part.more });
  });
}

describe("a transition", () => {
  it("carries the touches since the last one, each once, with credit that adds up", async () => {
    const seen = { touches: 0, late: 0, full: 0 };
    await fc.assert(
      fc.asyncProperty(histories, async (told) => {
        const events = toEvents(told);
        const fold = await foldEach(events);
        const moves = fold.outputs.filter((one): one is SegmentTransition => one.kind === "transition");
        let upTo = Number.NEGATIVE_INFINITY;
        let since: number | null = null;
        for (const move of moves) {
          const { by } = move;
          const place = events.findIndex(({ event }) => event.eventId === by.eventId);
          const cause = events[place]?.event;
          ok(cause);
          const kept = events
            .slice(0, place + 1)
            .flatMap(({ event }) => (event.touch ? [event] : []))
            .toSorted((a, b) => a.occurredAt - b.occurredAt || compareText(a.eventId, b.eventId))
            .slice(-TOUCHES_MAX);
          const expected = kept.filter(({ occurredAt }) => occurredAt > upTo && occurredAt <= cause.occurredAt);
          deepEqual(
            move.touches.map(({ at, channel }) => ({ at, channel })),
            expected.map(({ occurredAt, touch }) => ({ at: occurredAt, channel: touch?.channel })),
          );
          deepEqual(move.credit, creditChannels(move.touches, passages.halfLifeMs));
          equal(move.nature, move.cause === "event" ? "behaviour" : "artefact");
          equal(move.timeInFormerMs, since === null ? null : by.at - since);
          const spent = (JSON.parse(move.facts["orders.spentMinor"] ?? "{}") as Record<string, number>)["EUR"] ?? 0;
          equal(move.valueTier, spent >= 100_000 ? "gold" : spent >= 30_000 ? "silver" : spent > 0 ? "bronze" : null);
          for (const path of move.decisive) ok(path in move.facts);
          since = by.at;
          upTo = Math.max(upTo, cause.occurredAt);
          seen.touches += move.touches.length;
          seen.late += Number(move.cause === "late-data");
          seen.full += Number(kept.length === TOUCHES_MAX);
        }
      }),
      runs(300),
    );
    checkMet(seen.touches > 0 && seen.late > 0, JSON.stringify(seen));
  });

  it("names the channels on which she may be reached: by consent, and by an address that is there", async () => {
    const proof = "form-1";
    const grant = (channel: string | null, granted = true) => ({ purpose: "marketing", channel, granted, proof });
    const place = (minute: number) => tell("crm", minute, "order-placed", { customer: "c-1" }, ordered(minute));
    const consent = (minute: number, ...consents: ReturnType<typeof grant>[]) =>
      tell("crm", minute, "consent-changed", { customer: "c-1" }, { consents });
    const reach = async (...events: FoldEvent[]) => {
      const { outputs } = await foldEach([...events, place(90)]);
      return outputs.filter((one): one is SegmentTransition => one.kind === "transition").at(-1)?.reachable;
    };
    const phone = tell("crm", 1, "identified", { customer: "c-1", phone: "+33639980017" });
    const email = tell("crm", 2, "identified", { customer: "c-1", email: "a@x.fr" });
    deepEqual(await reach(phone, email), []);
    deepEqual(await reach(phone, email, consent(3, grant("sms"))), ["sms"]);
    deepEqual(await reach(phone, email, consent(3, grant(null))), ["email", "sms"]);
    deepEqual(await reach(email, consent(3, grant("sms"))), [], "no number");
    deepEqual(await reach(phone, consent(3, grant("sms")), consent(4, grant("sms", false))), []);
    deepEqual(await reach(phone, consent(3, grant("sms")), consent(4, grant(null, false))), [], "refused altogether");
    deepEqual(
      await reach(phone, consent(3, grant("sms", false)), consent(4, grant(null))),
      [],
      "its own refusal stands",
    );
    deepEqual(await reach(phone, consent(3, grant(null, false)), consent(4, grant("sms"))), ["sms"]);
    const bounced = tell("crm", 5, "message-bounced", { customer: "c-1", email: "a@x.fr" });
    deepEqual(await reach(email, consent(3, grant("email")), bounced), []);
    deepEqual(await reach(phone, tell("crm", 3, "consent-changed", { customer: "c-1" }, unproven)), [], "no proof");
  });
});

const unproven = { consents: [{ purpose: "marketing", channel: "sms", granted: true }] };

function ordered(minute: number): Partial<ChannelEvent> {
  const lines = [{ productId: "p", quantity: 1, unitPriceMinor: 100 }];
  return { order: { orderId: `o${minute}`, currency: "EUR", totalMinor: 100, lines } };
}
