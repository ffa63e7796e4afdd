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
/** Enough of a profile id to follow it down the page. */
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
    const move = describeMove(fact);
    const [first = "", ...rest] = wrap(describeFact(fact), move.length);
    const gap = move === "" ? "" : " ".repeat(WIDTH - INDENT - first.length - move.length);
    return [
      ...heading,
      `  ${formatTime(atMs)}  ${channel}  ${first}${gap}${move === "" ? "" : this.#paint("move", move)}`,
      ...rest.map((line) => `${" ".repeat(INDENT)}${line}`),
    ];
  }
}

function channelOf(fact: Fact): string {
  if (fact.fact === "reminded") return "signal";
  return ("source" in fact ? fact.source : null) ?? "";
}

/** What stands at the end of the line. */
function describeMove(fact: Fact): string {
  if (fact.fact === "ordered") return fact.transitions === 0 ? `still ${fact.segment}` : fact.segment;
  if (fact.fact === "merged") {
    const move = fact.moves.find((one) => one.profileId === fact.profileId);
    return move === undefined ? "" : formatMove(move);
  }
  return "to" in fact ? formatMove(fact) : "";
}

function describeFact(fact: Fact): string {
  switch (fact.fact) {
    case "arrived":
      return `somebody new (${shorten(fact.profileId)}): ${listIdentifiers(fact.identifiers)}${describeDelay(fact)}`;
    case "moved":
      return `${nameOf(fact)} ${describeChanges(fact.changes)}${describeDelay(fact)}`;
    case "ordered":
      return `${nameOf(fact)} orders: ${countOf(fact.validOrders, "valid order")}, ${formatAmounts(fact.spentMinor)}`;
    case "recognised":
      return `${nameOf(fact)} logs in, ${listIdentifiers(fact.identifiers)}: what the cookie did is ${fact.known ? "a known person's" : "theirs"} now (${fact.kind} ${shorten(fact.formerProfileId)} → ${shorten(fact.profileId)})`;
    case "apart":
      return describeApart(fact);
    case "shared":
      return describeShared(fact);
    case "merged":
      return `named together: ${listNamespaces(fact)} turn out to be hers. ${shorten(fact.absorbedProfileId)} goes into ${nameOf(fact)} (${shorten(fact.profileId)}). The transition says "${listCauses(fact)}", so nobody mistakes it for behaviour`;
    case "promoted":
      return `${nameOf(fact)}'s voucher: ${countOf(fact.validOrders, "valid order")}, ${formatAmounts(fact.spentMinor)} (${countOf(fact.count, `${fact.from} → ${fact.to} transition`)} of hers in the topic)`;
    case "repeated":
      return `the shop sends that order again: ${countOf(fact.records, "record")} about ${nameOf(fact)} come out; it has caused ${countOf(fact.transitions, "transition")} in all`;
    case "refused":
      return `${listQuoted(fact.identifiers)}: nobody's name, refused (${fact.reason}), its ${fact.bytes} bytes kept in ${fact.topic}`;
    case "looked-up":
      return describeLookUp(fact);
    case "carted":
      return `${fact.people.join(" and ")} fill carts (${countOf(fact.added, "article")}) and leave`;
    case "awaited":
      return `their carts are a day old, ${countOf(fact.signals, "reminder")} so far: today's till file may still hold a purchase by ${fact.people.join(" or ")}, and the engine waits for it`;
    case "spared":
      return `${nameOf(fact)} had bought, card ${fact.card}${describeDelay(fact)}: ${countOf(fact.signals, "reminder")}`;
    case "reminded":
      return describeReminded(fact);
  }
}

function describeApart({ person, identityChanges, value, holder, profileId }: Apart): string {
  const where = holder === profileId ? "is on this profile already" : `stays with ${shorten(holder)}`;
  return `${person ?? "somebody"} types ${value}: ${countOf(identityChanges, "identity change")}; the address ${where}. Typing it proves nothing`;
}

function describeShared({ person, holders, namespace, state, identityChanges }: Shared): string {
  const changes = Object.entries(identityChanges)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(", ");
  const others = holders.filter((name) => name !== person).join(" and ");
  return `${person ?? "somebody"} logs in on the ${namespace} that was ${others}'s: ${state} from now on, nobody's (${changes}, ${identityChanges["merged"] ?? 0} merged)`;
}

function describeLookUp(fact: LookedUp): string {
  const asked = `${fact.namespace} ${fact.value}?`;
  if (!fact.found) return `${asked} ${fact.reason}: several people share it, so nobody's profile is shown`;
  const from = fact.city === null ? "" : `, ${fact.city}`;
  return `${asked} ${fact.person ?? "no name"}${from}: ${fact.segment}, ${countOf(fact.orders, "order")}, ${formatAmounts(fact.orderedMinor)}`;
}

function describeReminded(fact: Reminded): string {
  const { person, count, signal, cartMinor, activityAt, dueAt, certainty } = fact;
  const meaning =
    certainty === "complete" ? "every channel that takes orders has told up to then" : "a channel is late";
  return `${person ?? "somebody"}: ${count} ${signal}, ${formatAmounts(cartMinor)} since ${formatMoment(Date.parse(activityAt))}, due ${formatMoment(Date.parse(dueAt))}; certainty ${certainty}: ${meaning}`;
}

/** What the rules read, in words where there are some. */
function describeChanges(changes: readonly FactChange[]): string {
  const byPath = new Map(changes.map((change) => [change.path, change]));
  const valid = byPath.get("orders.valid");
  if (valid !== undefined) {
    const spent = byPath.get("orders.spentMinor")?.after as Amounts | undefined;
    const verb = Number(valid.after) > Number(valid.before ?? 0) ? "orders" : "sends it back";
    return `${verb}: ${countOf(Number(valid.after), "valid order")}, ${formatAmounts(spent ?? {})}`;
  }
  if (byPath.has("profile.cartsFilled")) return "fills a cart";
  if (byPath.has("profile.checkouts")) return "starts a checkout";
  if (byPath.has("profile.known")) return "is known now";
  return changes.map(({ path, after }) => `${path} ${JSON.stringify(after)}`).join(", ");
}

/** What a file told later than it happened. */
function describeDelay({ occurredAt, at }: { readonly occurredAt: string | null; readonly at: string }): string {
  if (occurredAt === null || occurredAt.slice(0, 10) === at.slice(0, 10)) return "";
  return `, on ${formatMoment(Date.parse(occurredAt))}`;
}

function listIdentifiers(identifiers: readonly { readonly namespace: string; readonly value: string }[]): string {
  return identifiers.map(({ namespace, value }) => `${namespace} ${value}`).join(", ");
}

function listQuoted(identifiers: readonly { readonly namespace: string; readonly value: string }[]): string {
  return identifiers.map(({ namespace, value }) => `${namespace} "${value}"`).join(", ");
}

/** Without what only ever names a device. */
function listNamespaces({ namespaces }: Merged): string {
  const names = namespaces.filter((name) => name !== "cookie" && name !== "device");
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function listCauses({ moves }: Merged): string {
  return [...new Set(moves.map(({ cause }) => cause))].join(", ");
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
  return texts.join(" and ") || "nothing spent";
}

export function countOf(count: number, noun: string): string {
  return `${count === 0 ? "no" : count} ${noun}${count === 1 ? "" : "s"}`;
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
