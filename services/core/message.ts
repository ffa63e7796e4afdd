// Messages to the person: how many were sent, delivered, opened, clicked and bounced on each channel, and on which days
// they were sent, so that contact pressure at an instant is a function of the set and of that instant.

import { compareText, sortedEntries } from "./comparison.ts";
import type { ChannelEvent } from "./event.ts";
import { cutText, NOTHING_TOLD, type RegisterRules, type Registers, type Telling } from "./facet.ts";

/** Pairs of step and channel that are counted. */
export const MESSAGE_COUNTS_MAX = 64;
/** Pairs of day and channel on which messages were sent. */
export const PRESSURE_DAYS_MAX = 128;
const DAY_MS = 86_400_000;

const MESSAGE_STEPS = ["sent", "delivered", "opened", "clicked", "bounced"] as const;
export type MessageStep = (typeof MESSAGE_STEPS)[number];

/** By `<step>/<channel>`. */
export const MESSAGE_RULES: RegisterRules<number> = {
  join: (a, b) => a + b,
  max: MESSAGE_COUNTS_MAX,
  keep: "first",
  classed: false,
  limit: "messages",
};

/** By `<day since 1970, five digits>/<channel>`; the latest days are kept. */
export const PRESSURE_RULES: RegisterRules<number> = {
  join: (a, b) => a + b,
  max: PRESSURE_DAYS_MAX,
  keep: "last",
  classed: false,
  limit: "pressure-days",
};

export function readMessageStep(type: string): MessageStep | null {
  return MESSAGE_STEPS.find((step) => type === `message-${step}`) ?? null;
}

export interface Messages {
  readonly messages: Registers<number>;
  readonly pressure: Registers<number>;
}

const NO_MESSAGES: Messages = { messages: NOTHING_TOLD, pressure: NOTHING_TOLD };

export function readMessages(telling: Telling, event: ChannelEvent): Messages {
  const step = readMessageStep(event.type);
  if (step === null) return NO_MESSAGES;
  const channel = cutText(event.message?.channel ?? telling.channel, telling.limits);
  const day = String(dayOf(telling.told.at)).padStart(5, "0");
  return {
    messages: new Map([[`${step}/${channel}`, 1]]),
    pressure: step === "sent" ? new Map([[`${day}/${channel}`, 1]]) : NOTHING_TOLD,
  };
}

function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

export type MessagesView = Readonly<Record<MessageStep, number>> & { readonly channel: string };

/** By channel. */
export function viewMessages(messages: Registers<number>): MessagesView[] {
  const channels = new Map<string, MessagesView>();
  for (const [step, channel, count] of splitKeys(messages)) {
    const none = { channel, sent: 0, delivered: 0, opened: 0, clicked: 0, bounced: 0 };
    channels.set(channel, { ...(channels.get(channel) ?? none), [step]: count });
  }
  return sortedEntries(channels).map(([, view]) => view);
}

/** Messages sent on a channel on a day (UTC, as 2026-01-31). */
export interface PressureView {
  readonly channel: string;
  readonly day: string;
  readonly sent: number;
}

/** By channel, then by day. */
export function viewPressure(pressure: Registers<number>): PressureView[] {
  return splitKeys(pressure)
    .map(([day, channel, sent]) => ({ channel, day: new Date(Number(day) * DAY_MS).toISOString().slice(0, 10), sent }))
    .sort((a, b) => compareText(a.channel, b.channel) || compareText(a.day, b.day));
}

/** Messages sent on the channel in so many days (UTC), of which the last is that of the instant. */
export function countPressure(pressure: Registers<number>, channel: string, at: number, days: number): number {
  let sent = 0;
  for (const [day, on, count] of splitKeys(pressure)) {
    const ago = dayOf(at) - Number(day);
    if (on === channel && ago >= 0 && ago < days) sent += count;
  }
  return sent;
}

/** What stands before the first slash is a word of ours. */
function splitKeys(counts: Registers<number>): [string, string, number][] {
  return [...counts].map(([key, count]) => {
    const cut = key.indexOf("/");
    return [key.slice(0, cut), key.slice(cut + 1), count];
  });
}
