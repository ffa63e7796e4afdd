// What was said between the shop and the person, and about her, the latest of it: calls, notes (of who knows her: no claim
// says anything about a person), and the messages that were sent to her with what became of each. A message is answered by
// being opened or clicked; the counts of all are in message.ts.

import { compareText } from "./comparison.ts";
import type { ChannelEvent } from "./event.ts";
import { isViewing } from "./journey.ts";
import { cutText, NONE_TOLD, type LatestRules, type Telling, type Told } from "./facet.ts";
import { readMessageStep, type MessageStep } from "./message.ts";

export const CALL_RULES: LatestRules = { max: 16, limit: "calls" };
export const NOTE_RULES: LatestRules = { max: 16, limit: "notes" };
export const MESSAGE_STEP_RULES: LatestRules = { max: 32, limit: "message-steps" };

export interface Call extends Told {
  readonly channel: string;
  readonly caseId: string | null;
  readonly motive: string | null;
}

export interface Note extends Told {
  readonly type: string;
  readonly text: string;
}

export interface MessageTold extends Told {
  readonly step: MessageStep;
  readonly channel: string;
  readonly messageId: string;
  readonly campaignId: string | null;
}

export interface Correspondence {
  readonly calls: readonly Call[];
  readonly notes: readonly Note[];
  readonly messageSteps: readonly MessageTold[];
}

export const NO_CORRESPONDENCE: Correspondence = { calls: NONE_TOLD, notes: NONE_TOLD, messageSteps: NONE_TOLD };

export function readCorrespondence(telling: Telling, event: ChannelEvent): Correspondence {
  const { told, type, limits } = telling;
  const cut = (text: string | null | undefined) =>
    text === null || text === undefined || text === "" ? null : cutText(text, limits);
  const text = telling.authenticated && !isViewing(type) ? cut(event.note) : null;
  const noted: Correspondence =
    text === null
      ? NO_CORRESPONDENCE
      : { ...NO_CORRESPONDENCE, notes: [{ ...told, type: cutText(type, limits), text }] };
  if (type === "called") {
    const { caseId, motive, channel } = event.case ?? {};
    const call = { ...told, channel: cut(channel) ?? telling.channel, caseId: cut(caseId), motive: cut(motive) };
    return { ...noted, calls: [call] };
  }
  const step = readMessageStep(type);
  const messageId = cut(event.message?.messageId);
  if (step === null || messageId === null) return noted;
  const channel = cut(event.message?.channel) ?? telling.channel;
  const one = { ...told, step, channel, messageId, campaignId: cut(event.message?.campaignId) };
  return { ...noted, messageSteps: [one] };
}

export interface CallView extends Told {
  readonly channel: string;
  readonly caseId: string | null;
  readonly motive: string | null;
}

export interface MessageView {
  readonly messageId: string;
  readonly channel: string;
  readonly campaignId: string | null;
  /** The first of each; null: not among the latest steps. */
  readonly sentAt: number | null;
  readonly deliveredAt: number | null;
  readonly openedAt: number | null;
  readonly clickedAt: number | null;
  readonly bouncedAt: number | null;
  readonly answered: boolean;
  /** When it was heard of last. */
  readonly at: number;
}

export interface CorrespondenceView {
  readonly calls: readonly CallView[];
  readonly notes: readonly Note[];
  readonly latestMessages: readonly MessageView[];
}

/** The latest first. */
export function viewCorrespondence({ calls, notes, messageSteps }: Correspondence): CorrespondenceView {
  const messages = new Map<string, MessageView>();
  for (const { at, step, channel, messageId, campaignId } of messageSteps) {
    const name = JSON.stringify([channel, messageId]);
    // Steps come the latest first: an earlier one of the same kind takes the place of a later.
    const known = messages.get(name) ?? { ...NOT_HEARD, messageId, channel, campaignId, at };
    const answered = known.answered || step === "opened" || step === "clicked";
    messages.set(name, { ...known, campaignId: known.campaignId ?? campaignId, answered, [`${step}At`]: at });
  }
  return {
    calls: calls.map(({ at, channel, caseId, motive, source, eventId }) => ({
      at,
      channel,
      caseId,
      motive,
      source,
      eventId,
    })),
    notes: notes.map(({ at, type, text, source, eventId }) => ({ at, type, text, source, eventId })),
    latestMessages: [...messages.values()].sort(
      (a, b) => b.at - a.at || compareText(a.channel, b.channel) || compareText(a.messageId, b.messageId),
    ),
  };
}

const NOT_HEARD = {
  sentAt: null,
  deliveredAt: null,
  openedAt: null,
  clickedAt: null,
  bouncedAt: null,
  answered: false,
};
