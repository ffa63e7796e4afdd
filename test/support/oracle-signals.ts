// The oracle's signals: for each that the rules declare, what it would be open for, told from all events of the profile at
// once, as section 5 of SPEC.md says it. Nothing has been sent yet.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import type { SignalRule } from "#core/configuration.ts";
import type { Registry } from "#core/registry.ts";
import { byTime, chooseVouched, groupBy } from "./oracle-facts.ts";
import { must } from "./oracle-identity.ts";
import { compareIds, type OrderFacts } from "./oracle-orders.ts";

export interface Told {
  readonly registry: Registry;
  readonly facts: readonly AcceptedEvent[];
  readonly orders: readonly OrderFacts[];
  readonly isHistory: (event: AcceptedEvent) => boolean;
  /** The value of a trait, as survivorship has it. */
  readonly traitOf: (name: string) => unknown;
  /** Whether a condition over the facts holds. */
  readonly holds: (condition: string) => boolean;
}

interface Happening {
  readonly at: number;
  readonly live: boolean;
}

const CART_TYPES = ["product-added", "product-removed", "cart-viewed", "checkout-started"];

/** By name: the instant of the activity; of a yearly one the days that are still to come until then. */
export function listOpenSignals(told: Told, afterMs: number, untilMs: number): Record<string, readonly number[]> {
  const { rules } = told.registry.configuration;
  return Object.fromEntries(rules.signals.map((rule) => [rule.signal, listActivities(told, rule, afterMs, untilMs)]));
}

function listActivities(told: Told, rule: SignalRule, afterMs: number, untilMs: number): readonly number[] {
  if (rule.while !== null && !told.holds(rule.while)) return [];
  if (rule.yearly !== null) return listDays(told, rule.yearly, afterMs, untilMs - rule.dueAfterMs);
  const latest = latestOf(rule.after.flatMap((name) => happeningsOf(told, name)));
  if (latest?.live !== true) return [];
  const followed = rule.unless
    .filter((name) => !rule.after.includes(name))
    .some((name) => happeningsOf(told, name).some(({ at }) => at >= latest.at));
  return followed ? [] : [latest.at];
}

/** Of one instant what is live. */
function latestOf(happenings: readonly Happening[]): Happening | undefined {
  return happenings.toSorted((a, b) => b.at - a.at || Number(b.live) - Number(a.live))[0];
}

function happeningsOf(told: Told, name: string): Happening[] {
  const { facts, orders, isHistory } = told;
  if (name === "valid-order")
    return orders.filter(({ valid }) => valid).map(({ at, history }) => ({ at, live: !history }));
  if (name === "cases-settled") return listSettled(told);
  if (name === "cart-activity") {
    const [last] = facts
      .filter(({ event }) => CART_TYPES.includes(event.type))
      .toSorted(
        (a, b) => b.event.occurredAt - a.event.occurredAt || compareText(b.source, a.source) || compareIds(b, a),
      );
    if (last === undefined) return [];
    const { type, cart, occurredAt } = last.event;
    const mayEmpty = type === "product-removed" || type === "cart-viewed";
    const emptied = mayEmpty && cart?.lines?.every(({ quantity }) => quantity <= 0) === true;
    return emptied ? [] : [{ at: occurredAt, live: !isHistory(last) }];
  }
  return facts
    .filter(({ event }) => event.type === name)
    .map((event) => ({ at: event.event.occurredAt, live: !isHistory(event) }));
}

/** When each case was closed last; nothing while one is open. */
function listSettled({ registry, facts, isHistory }: Told): Happening[] {
  const stepOf = ({ event }: AcceptedEvent): number => {
    if (event.type === "case-opened") return 0;
    if (event.type === "case-closed" || event.case?.status === "closed") return 2;
    return event.case?.status === "open" ? 0 : 1;
  };
  const named = facts.filter(({ event }) => (event.case?.caseId ?? "") !== "");
  const cases = groupBy(named, ({ source, event }) => [
    must(registry.sources.get(source)).caseIdScope ?? source,
    event.case?.caseId,
  ]).map((group) =>
    chooseVouched(group).toSorted(
      (a, b) => a.event.occurredAt - b.event.occurredAt || stepOf(a) - stepOf(b) || byTime(a, b),
    ),
  );
  // An update changes nothing of a case that is closed.
  const isClosed = (lived: readonly AcceptedEvent[]) =>
    lived.filter((event, place) => stepOf(event) !== 1 || place === 0).at(-1) === closingOf(lived);
  const closingOf = (lived: readonly AcceptedEvent[]) => lived.findLast((event) => stepOf(event) === 2);
  if (!cases.every(isClosed)) return [];
  return cases.map((lived) => {
    const closing = must(closingOf(lived));
    return { at: closing.event.occurredAt, live: !isHistory(closing) };
  });
}

/** Day by day, because that cannot be wrong about leap years. */
function listDays({ facts, traitOf, isHistory }: Told, trait: string, afterMs: number, untilMs: number): number[] {
  const latest = latestOf(facts.map((event) => ({ at: event.event.occurredAt, live: !isHistory(event) })));
  const date = traitOf(trait);
  const isDate = typeof date === "string" && /^(\d{4}|-)-\d\d-\d\d$/.test(date);
  const [year, ...monthAndDay] = isDate ? date.split("-").slice(-3) : [];
  if (latest?.live !== true || monthAndDay.length !== 2) return [];
  const wanted = monthAndDay.join("-");
  const days: number[] = [];
  for (let day = Math.floor(afterMs / 86_400_000) * 86_400_000; day <= untilMs; day += 86_400_000) {
    const text = new Date(day).toISOString().slice(0, 10);
    const tomorrow = new Date(day + 86_400_000).toISOString().slice(5, 10);
    const isIt = text.slice(5) === wanted || (wanted === "02-29" && text.endsWith("02-28") && tomorrow === "03-01");
    if (isIt && text.slice(0, 4) > (year ?? "")) days.push(day);
  }
  return days;
}
