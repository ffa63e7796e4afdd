// The pattern of a signal: *after A, unless B*. What it would be open for now is a function of a profile's facts: the
// latest A, unless a B happened at or after it, all by occurredAt, whatever the order of recording (P1).

import { findAnniversary } from "./anniversary.ts";
import { readDate } from "./calendar-date.ts";
import { findSettlement } from "./case.ts";
import { sortedEntries } from "./comparison.ts";
import { MOMENTS, type MomentName, type SignalRule, type SourceConfiguration } from "./configuration.ts";
import { DEMOGRAPHIC_FIELDS, findTold } from "./demographics.ts";
import { findLatest, findLatestOfAll, listRecencyKeys, type Moment } from "./recency.ts";
import type { Registry } from "./registry.ts";
import { compileCondition } from "./segment.ts";
import type { ProfileView } from "./view.ts";

export interface Pattern {
  readonly rule: SignalRule;
  /** Sources of files that could refute it: it waits until each is complete up to its due instant. */
  readonly awaited: readonly string[];
  /** The activity that would open it, or null. asOf: of a yearly one the instant before which days are over. */
  find(view: ProfileView, asOf: number, signalledUpTo: number | null): number | null;
  /** What led to it, as JSON texts by path. */
  describe(view: ProfileView): Record<string, string>;
}

export function compilePattern(rule: SignalRule, registry: Registry): Pattern {
  const { yearly } = rule;
  const holds = rule.while === null ? () => true : compileCondition(rule.while);
  const findOpening = compileMoment(rule.after);
  // What opens and refutes at once opens anew.
  const findRefutation = compileMoment(rule.unless.filter((name) => !rule.after.includes(name)));
  const findFollowed = (view: ProfileView, signalledUpTo: number | null): number | null => {
    const opening = findOpening(view);
    // Loading history opens none (O5).
    if (opening === null || opening.backfill) return null;
    if (signalledUpTo !== null && opening.at <= signalledUpTo) return null;
    const refutation = findRefutation(view);
    return refutation !== null && refutation.at >= opening.at ? null : opening.at;
  };
  const findYearly = (view: ProfileView, trait: string, asOf: number, signalledUpTo: number | null): number | null => {
    const date = readDay(registry, view, trait);
    // Of whom only history has been told, the days are those of history.
    return date === null || findLatestOfAll(view.recency)?.backfill !== false
      ? null
      : findAnniversary(date, asOf, signalledUpTo);
  };
  return {
    rule,
    awaited: listAwaited(rule, registry.configuration.sources),
    find(view, asOf, signalledUpTo) {
      const activityAt =
        yearly === null ? findFollowed(view, signalledUpTo) : findYearly(view, yearly, asOf, signalledUpTo);
      return activityAt !== null && holds(view.facts) ? activityAt : null;
    },
    describe: (view) => Object.assign({}, ...rule.after.map((name) => describeMoment(view, name))),
  };
}

/** A day without a year is told so on purpose. */
const YEARLESS = /^--\d\d-\d\d$/;

/** In the one spelling; a date of birth as demographics read it, whatever name it goes by. Null: there is none that can be read. */
function readDay(registry: Registry, { told, traits }: ProfileView, name: string): string | null {
  const field = DEMOGRAPHIC_FIELDS[name];
  const trait = field === undefined ? traits.get(name) : findTold(registry, told, field.names)?.trait;
  if (typeof trait?.value !== "string") return null;
  const text = trait.value.trim();
  if (YEARLESS.test(text)) return text;
  const country = registry.sources.get(trait.source)?.country ?? "";
  return (field === undefined ? readDate(text, country) : field.read(text, country, trait.at)).value;
}

/** Those that could still tell what refutes it or moves it on: an order those trusted for orders, anything else any. */
function listAwaited({ after, unless, yearly }: SignalRule, sources: readonly SourceConfiguration[]): string[] {
  const names = [...after, ...unless].filter((name) => name !== "cart-activity");
  if (yearly !== null || names.length === 0) return [];
  const isOfOrders = names.every((name) => name === "valid-order");
  return sources
    .filter(({ delivery, trustedForOrders }) => delivery === "files" && (trustedForOrders || !isOfOrders))
    .map(({ name }) => name);
}

function isMoment(name: string): name is MomentName {
  return (MOMENTS as readonly string[]).includes(name);
}

/** Finds the latest of these. */
function compileMoment(names: readonly string[]): (view: ProfileView) => Moment | null {
  const readers = names.filter(isMoment).map((name) => READ[name]);
  const keys = listRecencyKeys(names.filter((name) => !isMoment(name)));
  return (view) => {
    let latest = findLatest(view.recency, keys);
    for (const read of readers) {
      const moment = read(view);
      if (moment === null || (latest !== null && moment.at < latest.at)) continue;
      // Of a tie what was not told as history.
      if (latest === null || moment.at > latest.at || !moment.backfill) latest = moment;
    }
    return latest;
  };
}

const READ: Readonly<Record<MomentName, (view: ProfileView) => Moment | null>> = {
  "cart-activity": ({ cart }) => (cart === null || cart.emptied ? null : cart),
  "valid-order": ({ latestValidOrders: [latest, ...others] }) =>
    latest === undefined
      ? null
      : { at: latest.at, backfill: latest.backfill && others.every(({ at, backfill }) => at < latest.at || backfill) },
  "cases-settled": ({ dossier }) => (dossier === null ? null : findSettlement(dossier.cases)),
};

function describeMoment({ cart, facts, dossier, recency }: ProfileView, name: string): Record<string, string> {
  if (name === "cart-activity")
    return {
      "cart.totalMinor": JSON.stringify(cart?.totalMinor ?? null),
      "cart.currency": JSON.stringify(cart?.currency ?? null),
    };
  if (name === "valid-order")
    return {
      "orders.valid": JSON.stringify(facts.orders.valid),
      "orders.spentMinor": JSON.stringify(Object.fromEntries(sortedEntries(facts.orders.spentMinor))),
    };
  if (name === "cases-settled") {
    const last = dossier === null ? null : findSettlement(dossier.cases);
    return { "case.source": JSON.stringify(last?.source ?? null), "case.caseId": JSON.stringify(last?.caseId ?? null) };
  }
  return { [`${name}.at`]: JSON.stringify(findLatest(recency, listRecencyKeys([name]))?.at ?? null) };
}
