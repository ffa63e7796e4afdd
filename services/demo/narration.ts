// Facts as lines of at most 100 columns: time, channel, what happened, and the move between segments if there was one.
// Every name, amount and count is the fact's.

import { formatDay, formatMoment, formatTime } from "./moment.ts";
import type { Amounts, Apart, Fact, FactChange, LookedUp, Merged, Move, Reminded, Shared } from "./question.ts";

export type Style = "day" | "channel" | "move";
/** Colours on a terminal; the text itself elsewhere. */
export type Paint = (style: Style, text: string) => string;

const WIDTH = 100;
const CHANNEL_WIDTH = 11;
const INDENT = 2 + 5 + 2 + CHANNEL_WIDTH + 2;
const ID_LENGTH = 6;

export class Narrator {
  readonly #paint: Paint;
  #day = "";

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  /** The lines of one fact, with its day above them where a new one begins. */
  narrate(fact: Fact): string[] {
    const atMs = Date.parse(fact.at);
    const day = formatDay(atMs);
    const heading = day === this.#day ? [] : ["", this.#paint("day", day)];
    this.#day = day;
    const channel = this.#paint("channel", channelOf(fact).padEnd(CHANNEL_WIDTH));
    const move = "to" in fact ? formatMove(fact) : fact.fact === "merged" ? formatMerged(fact) : "";
    const [first = "", ...rest] = wrap(describeFact(fact), move.length);
    const gap = move === "" ? "" : " ".repeat(WIDTH - INDENT - first.length - move.length);
    return [
      ...heading,
      `  ${formatTime(atMs)}  ${channel}  ${first}${gap}${this.#paint("move", move)}`.trimEnd(),
      ...rest.map((line) => `${" ".repeat(INDENT)}${line}`),
    ];
  }
}

function channelOf(fact: Fact): string {
  if (fact.fact === "reminded") return "signal";
  return ("source" in fact ? fact.source : null) ?? "";
}

function describeFact(fact: Fact): string {
  switch (fact.fact) {
    case "arrived":
      return `somebody new: ${listIdentifiers(fact.identifiers)}${describeDelay(fact.occurredAt, fact.at)}`;
    case "moved":
      return `${nameOf(fact)} ${describeChanges(fact.changes)}${describeDelay(fact.occurredAt, fact.at)}`;
    case "recognised":
      return `${nameOf(fact)} logs in (${listIdentifiers(fact.identifiers)}): what the cookie did is now ${fact.known ? "a known person's" : "theirs"}; profile ${shorten(fact.formerProfileId)} → ${shorten(fact.profileId)}`;
    case "apart":
      return describeApart(fact);
    case "shared":
      return describeShared(fact);
    case "merged":
      return `one record names ${fact.namespaces.filter((name) => name !== "cookie" && name !== "device").join(", ")}: profile ${shorten(fact.absorbedProfileId)} goes into ${nameOf(fact)}'s (identity-changed: merged), and it is the merge that moves the segment (cause: ${listCauses(fact)}), which pays no voucher`;
    case "promoted":
      return `${nameOf(fact)}'s voucher is due: ${countOf(fact.validOrders, "valid order")}, ${formatAmounts(fact.spentMinor)}. Transitions ${fact.from} → ${fact.to} of this profile: ${fact.count}`;
    case "repeated":
      return `the same order arrives again: ${countOf(fact.records, "record")} about ${nameOf(fact)} come out; transitions that it has caused in all: ${fact.transitions}`;
    case "refused":
      return `a broken build sends nothing but "null" and "undefined": ${fact.reason}, its ${fact.bytes} bytes kept in ${fact.topic}`;
    case "looked-up":
      return describeLookUp(fact);
    case "awaited":
      return `the carts of ${fact.people.join(" and ")} are a day old: ${countOf(fact.signals, "reminder")}. The till's file of today may still hold a purchase, so the engine waits for it`;
    case "spared":
      return `${nameOf(fact)} had bought in the store after the cart${describeDelay(fact.occurredAt, fact.at)}, by loyalty card: ${countOf(fact.signals, "reminder")}`;
    case "reminded":
      return describeReminded(fact);
  }
}

function describeApart({ person, identityChanges, value, holder, profileId }: Apart): string {
  const where = holder === profileId ? "is hers already" : `stays with profile ${shorten(holder)}`;
  return `${person ?? "somebody"} types ${value}: ${countOf(identityChanges, "identity change")}. A typed address joins no two known people: it ${where}`;
}

function describeShared({ person, holders, namespace, state, identityChanges }: Shared): string {
  const changes = Object.entries(identityChanges)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(", ");
  const others = holders.filter((name) => name !== person).join(" and ");
  return `${person ?? "somebody"} logs in on the ${namespace} that was ${others}'s: it is ${state} now (${changes}), and nobody is merged (${identityChanges["merged"] ?? 0} merged)`;
}

function describeLookUp(fact: LookedUp): string {
  const asked = `${fact.namespace} ${fact.value}?`;
  if (!fact.found) return `${asked} ${fact.reason}: more than one person claims it, so nobody's profile is shown`;
  const from = fact.city === null ? "" : `, ${fact.city}`;
  return `${asked} ${fact.person ?? "no name"}${from}: ${fact.segment}, ${countOf(fact.orders, "order")}, ${formatAmounts(fact.orderedMinor)}`;
}

function describeReminded(fact: Reminded): string {
  return `${fact.person ?? "somebody"}: ${fact.count} ${fact.signal}, ${formatAmounts(fact.cartMinor)} since ${formatMoment(Date.parse(fact.activityAt))}, due ${formatMoment(Date.parse(fact.dueAt))}; certainty ${fact.certainty}: every channel that takes orders has told up to then`;
}

/** What the rules read, in words where there are some. */
function describeChanges(changes: readonly FactChange[]): string {
  const after = new Map(changes.map((change) => [change.path, change]));
  const valid = after.get("orders.valid");
  if (valid !== undefined) {
    const spent = after.get("orders.spentMinor")?.after as Amounts | undefined;
    const verb = Number(valid.after) > Number(valid.before ?? 0) ? "orders" : "sends it back";
    return `${verb}: ${countOf(Number(valid.after), "valid order")}, ${formatAmounts(spent ?? {})}`;
  }
  if (after.has("profile.cartsFilled")) return "fills a cart";
  if (after.has("profile.checkouts")) return "starts a checkout";
  if (after.has("profile.known")) return "is known now";
  return changes.map(({ path, after: value }) => `${path} ${JSON.stringify(value)}`).join(", ");
}

/** What a file told later than it happened. */
function describeDelay(occurredAt: string | null, at: string): string {
  if (occurredAt === null || occurredAt.slice(0, 10) === at.slice(0, 10)) return "";
  return ` (${formatMoment(Date.parse(occurredAt))}, told by the till's file)`;
}

function listIdentifiers(identifiers: readonly { readonly namespace: string; readonly value: string }[]): string {
  return identifiers.map(({ namespace, value }) => `${namespace} ${value}`).join(", ");
}

function listCauses({ moves }: Merged): string {
  return [...new Set(moves.map(({ cause }) => cause))].join(", ");
}

/** Of the profile that goes on. */
function formatMerged({ moves, profileId }: Merged): string {
  const move = moves.find((one) => one.profileId === profileId);
  return move === undefined ? "" : formatMove(move);
}

function formatMove({ from, to }: Pick<Move, "from" | "to">): string {
  return `${from ?? "new"} → ${to ?? "gone"}`;
}

function nameOf(fact: { readonly person: string | null; readonly profileId?: string }): string {
  return fact.person ?? (fact.profileId === undefined ? "somebody" : `profile ${shorten(fact.profileId)}`);
}

export function shorten(profileId: string | null): string {
  return profileId === null ? "?" : profileId.slice(0, ID_LENGTH);
}

export function formatAmounts(amounts: Amounts): string {
  const texts = Object.entries(amounts).map(([currency, minor]) => {
    const [whole = "", cents = ""] = (minor / 100).toFixed(2).split(".");
    return `${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${cents} ${currency}`;
  });
  return texts.join(" and ") || "0.00";
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Words into lines; the first one leaves room for the move at its end. */
function wrap(text: string, moveLength: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const room = WIDTH - INDENT - (lines.length === 0 && moveLength > 0 ? moveLength + 2 : 0);
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
