// Which of many identifiers a record of an output names: a record is bounded, a person's cookies are not. Known ones first,
// so that no flood of claims drives them out (I5), then the best anchors, so what goes unnamed are devices; how many there
// are is said beside. A listing moves with its profile, so that nobody sorts thousands of cookies for each event (P5).

import { compareText } from "./comparison.ts";
import { isUntold, type Entry } from "./component.ts";
import type { Registry } from "./registry.ts";
import { isKnown } from "./weighed.ts";

/** Identifiers that one record names. */
export const LISTED_IDENTIFIERS_MAX = 200;

export interface IdentifierView {
  readonly namespace: string;
  readonly value: string;
  readonly state: Entry["state"];
}

export interface IdentifierKey {
  readonly namespace: string;
  readonly key: string;
}

export interface Listing {
  /** Known ones first, by rank and key, at most LISTED_IDENTIFIERS_MAX. */
  readonly best: readonly Entry[];
  /** The same, as a record names them by key. */
  readonly keys: readonly IdentifierKey[];
  /** The same by namespace and value, those of which nobody has said yet what they are called left out. */
  readonly views: readonly IdentifierView[];
}

export function viewIdentifiers(entries: Iterable<Entry>): IdentifierView[] {
  return Array.from(entries)
    .filter((entry) => !isUntold(entry))
    .map(viewIdentifier)
    .sort(compareViews);
}

function viewIdentifier({ namespace, value, state }: Entry): IdentifierView {
  return { namespace, value, state };
}

function compareViews(a: IdentifierView, b: IdentifierView): number {
  return compareText(a.namespace, b.namespace) || compareText(a.value, b.value);
}

function compareRanks(registry: Registry): (a: Entry, b: Entry) => number {
  const rankOf = ({ namespace }: Entry) => registry.namespaces.get(namespace)?.anchorRank ?? Number.MAX_SAFE_INTEGER;
  return (a, b) =>
    Number(isKnown(registry, b)) - Number(isKnown(registry, a)) || rankOf(a) - rankOf(b) || compareText(a.key, b.key);
}

export function createListing(registry: Registry, entries: Iterable<Entry>): Listing {
  const best = [...entries].sort(compareRanks(registry)).slice(0, LISTED_IDENTIFIERS_MAX);
  return { best, keys: best.map(nameByKey), views: viewIdentifiers(best) };
}

export function nameByKey({ namespace, key }: Entry): IdentifierKey {
  return { namespace, key };
}

/** With one more; the same where that goes unnamed. */
export function addToListing(registry: Registry, listing: Listing, entry: Entry): Listing {
  const place = findPlace(listing.best, entry, compareRanks(registry));
  if (place >= LISTED_IDENTIFIERS_MAX) return listing;
  const best = insert(listing.best, entry, place);
  const keys = insert(listing.keys, nameByKey(entry), place);
  const view = viewIdentifier(entry);
  const { views: told } = listing;
  const views = isUntold(entry) ? [...told] : insert(told, view, findPlace(told, view, compareViews));
  if (best.length > LISTED_IDENTIFIERS_MAX) {
    keys.pop();
    const dropped = best.pop() as Entry;
    if (!isUntold(dropped)) views.splice(findPlace(views, viewIdentifier(dropped), compareViews), 1);
  }
  return { best, keys, views };
}

function insert<T>(list: readonly T[], one: T, place: number): T[] {
  return [...list.slice(0, place), one, ...list.slice(place)];
}

/** Of the first that does not come before it. */
function findPlace<T>(list: readonly T[], one: T, compare: (a: T, b: T) => number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as T, one) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
