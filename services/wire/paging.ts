// A component in the store: one part while it is small; beyond that a head and pages. What it holds by key (identifiers,
// evidence, births, far ends, what these were told) lies on the page that the key's hash says, so that a change writes a
// page or two, however much there is (P5). Pages double in number and never become fewer; then all of it is written.

import { compareText } from "#core/comparison.ts";
import {
  componentPart,
  createComponent,
  joinSlices,
  openAbroad,
  pagePart,
  type Component,
  type Part,
} from "#core/component.ts";
import { hashText } from "#core/text-hash.ts";
import { StoreDamaged } from "#ports/store.ts";
import { decodeComponent, encodeComponent, type ReadComponent, type StoredPart } from "./component-state.ts";

/** Things that a component of one part may hold. */
const UNPAGED_MAX = 64;
const PAGES_MIN = 8;
/** On average. */
const PAGE_THINGS_MAX = 12;

type EncodePart = (part: Part) => StoredPart;

export function encodePages(
  component: Component,
  keys: Iterable<string>,
  isHeadChanged: boolean,
  encodePart: EncodePart,
): StoredPart[] {
  const pageCount = countPages(component);
  const head = componentPart(component.id);
  if (pageCount === 0) return [{ key: head, value: encodeComponent(component, 0, encodePart) }];
  const isLaidOut = component.pages?.length === pageCount;
  const pages = isLaidOut && component.pages !== null ? component.pages : Array.from({ length: pageCount }, createPage);
  component.pages = pages;
  const dirty = new Set<number>(isLaidOut ? [] : pages.keys());
  for (const key of isLaidOut ? keys : listKeys(component)) {
    const place = hashText(key) % pageCount;
    dirty.add(place);
    if (holds(component, key)) pages[place]?.add(key);
    else pages[place]?.delete(key);
  }
  const parts = Array.from(dirty, (place): StoredPart => {
    const page = takeOut(component, pages[place] ?? createPage());
    return { key: pagePart(component.id, place), value: encodeComponent(page, pageCount, encodePart) };
  });
  if (isHeadChanged || !isLaidOut)
    parts.push({ key: head, value: encodeComponent(takeHead(component), pageCount, encodePart) });
  return parts;
}

function createPage(): Set<string> {
  return new Set();
}

function countPages({ held, identifiers, evidence, abroad, pages }: Component): number {
  const things = held.size + identifiers.size + evidence.size + (abroad?.far.size ?? 0) + (abroad?.told.size ?? 0);
  if (pages === null && things <= UNPAGED_MAX) return 0;
  let count = pages?.length ?? PAGES_MIN;
  while (things > count * PAGE_THINGS_MAX) count *= 2;
  return count;
}

function* listKeys({ held, identifiers, evidence, abroad }: Component): Generator<string> {
  for (const things of [held, identifiers, evidence, abroad?.far, abroad?.told]) yield* things?.keys() ?? [];
}

function holds({ held, identifiers, evidence, abroad }: Component, key: string): boolean {
  return [held, identifiers, evidence, abroad?.far, abroad?.told].some((things) => things?.has(key) === true);
}

/** What stands under the keys, as a component of its own. */
function takeOut(component: Component, keys: ReadonlySet<string>): Component {
  const { held, identifiers, evidence, abroad, profiles } = component;
  const page: Component = { ...createComponent(component.id), held: new Set(), profiles };
  // In one order, so that the same page is the same bytes, whatever was loaded and changed when.
  for (const key of [...keys].sort(compareText)) {
    const [entry, one, end, told] = [
      identifiers.get(key),
      evidence.get(key),
      abroad?.far.get(key),
      abroad?.told.get(key),
    ];
    if (held.has(key)) page.held.add(key);
    if (entry !== undefined) page.identifiers.set(key, entry);
    if (one !== undefined) page.evidence.set(key, one);
    if (end !== undefined) openAbroad(page).far.set(key, end);
    if (told !== undefined) openAbroad(page).told.set(key, told);
  }
  return page;
}

function takeHead({ id, rulings, abroad }: Component): Component {
  const head: Component = { ...createComponent(id), held: new Set(), rulings };
  if (abroad !== null) head.abroad = { ...abroad, far: new Map(), told: new Map() };
  return head;
}

export type Load = (keys: readonly string[]) => Promise<readonly (Uint8Array | null)[]>;

/** Components and forwarders out of their parts or heads, in one more round trip where there are pages. */
export async function joinPages(
  load: Load,
  heads: readonly Uint8Array[],
  decodePart: (part: StoredPart) => Part,
): Promise<ReadComponent[]> {
  const read = heads.map((bytes) => decodeComponent(bytes, decodePart));
  const wanted = read.flatMap(({ component: { id }, pageCount }) =>
    Array.from({ length: pageCount }, (_, place) => pagePart(id, place)),
  );
  const values = wanted.length === 0 ? [] : await load(wanted);
  let at = 0;
  return read.map((head) => {
    const { component, pageCount } = head;
    if (component.forward !== undefined || pageCount === 0) return head;
    const pages = values.slice(at, at + pageCount).map((value) => {
      const page = value === null ? null : decodeComponent(value, decodePart);
      if (page === null || page.component.forward !== undefined || page.pageCount !== pageCount)
        throw new StoreDamaged(`component ${component.id} has a page that is not there`);
      return { slice: page.component, stateful: page.stateful };
    });
    at += pageCount;
    component.pages = pages.map(({ slice }) => new Set(listKeys(slice)));
    joinSlices([component, ...pages.map(({ slice }) => slice)]);
    return { component, pageCount, stateful: pages.flatMap(({ stateful }) => stateful) };
  });
}
