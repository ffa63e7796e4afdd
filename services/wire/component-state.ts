// Components as bytes of the store and back. A component says few texts many times (keys, births, sources, the events
// that its stamps name), so each is written once and its place stands for it.

import type { Abroad, Component, Entry, Erased, Evidence, FarEnd, Forwarder, Part, Unlinked } from "#core/component.ts";
import { stateOf } from "#core/component.ts";
import type { Stamp } from "#core/comparison.ts";
import { evidenceKey } from "#core/component.ts";
import type { Carried, EventItem, Status } from "#core/item.ts";
import { takeRuling, type Ruling, type Rulings } from "#core/ruling.ts";
import { decodeValue, encodeValue, parseSchema, toBuffer, type TypeRegistry } from "./avro.ts";

const registry: TypeRegistry = {};
parseSchema("../../schemas/ResolvedBundle.avsc", registry);
const componentType = parseSchema("schemas/ComponentState.avsc", registry);

export interface StoredPart {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** A place in the component's texts. */
type Text = number;

interface StoredStamp {
  readonly t: number;
  readonly source: Text;
  readonly eventId: Text;
}

interface StoredStatus {
  readonly known: boolean;
  readonly person: Text | null;
  readonly claimants: readonly Text[];
  readonly released: StoredStamp | null;
}

interface StoredUnlinked extends Pick<Unlinked, "isUnsaid"> {
  readonly first: StoredStamp | null;
  readonly firstAuthenticated: StoredStamp | null;
}

interface StoredIdentifier extends Pick<Entry, "statusVersion" | "state" | "limited" | "pending" | "ordersListed"> {
  readonly key: Text;
  readonly namespace: Text;
  readonly value: Text;
  readonly birth: Text;
  readonly first: StoredStamp;
  readonly firstAuthenticated: StoredStamp | null;
  readonly unlinked: StoredUnlinked | null;
  readonly status: StoredStatus | null;
  readonly profile: Text | null;
  readonly claimants: readonly Text[];
  readonly stateful: boolean;
  readonly erased: Erased | null;
}

interface StoredEvidence extends Pick<Evidence, "assurance"> {
  readonly a: Text;
  readonly b: Text;
  readonly source: Text;
  readonly stamp: StoredStamp;
}

interface StoredRuling extends Pick<Ruling, "verdict"> {
  readonly a: Text;
  readonly b: Text;
  readonly stamp: StoredStamp;
}

interface StoredFarEnd extends Pick<FarEnd, "version"> {
  readonly key: Text;
  readonly namespace: Text;
  readonly birth: Text;
  readonly status: StoredStatus | null;
}

interface StoredAbroad {
  readonly far: readonly StoredFarEnd[];
  readonly told: Readonly<Record<string, number>>;
  readonly looseOrders: readonly string[];
  readonly parked: readonly Carried<EventItem>[];
  readonly arriving: readonly { readonly from: string; readonly parts: readonly StoredPart[] }[];
  readonly asked: readonly string[];
  readonly forgets: readonly string[];
  readonly ended: Readonly<Record<string, number>>;
}

interface StoredComponent extends StoredAbroad {
  readonly texts: readonly string[];
  readonly id: Text;
  readonly forward: Text | null;
  readonly held: readonly Text[];
  readonly identifiers: readonly StoredIdentifier[];
  readonly evidence: readonly StoredEvidence[];
  readonly rulings: readonly StoredRuling[];
  readonly pages: number;
}

const NOTHING_ABROAD: StoredAbroad = {
  far: [],
  told: {},
  looseOrders: [],
  parked: [],
  arriving: [],
  asked: [],
  forgets: [],
  ended: {},
};

class Texts {
  readonly list: string[] = [];
  readonly #places = new Map<string, Text>();

  put(text: string): Text {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    this.#places.set(text, this.list.length);
    return this.list.push(text) - 1;
  }

  putOrNull(text: string | null): Text | null {
    return text === null ? null : this.put(text);
  }

  putAll(texts: readonly string[]): readonly Text[] {
    return texts.length === 0 ? NONE : texts.map((text) => this.put(text));
  }

  putStamp({ t, source, eventId }: Stamp): StoredStamp {
    return { t, source: this.put(source), eventId: this.put(eventId) };
  }

  putStampOrNull(stamp: Stamp | null): StoredStamp | null {
    return stamp === null ? null : this.putStamp(stamp);
  }

  putStatus(status: Status | null): StoredStatus | null {
    if (status === null) return null;
    const released = this.putStampOrNull(status.released);
    if (status.known) return { known: true, person: this.putOrNull(status.person), claimants: NONE, released };
    return { known: false, person: null, claimants: this.putAll(status.claimants), released };
  }
}

const NONE: readonly never[] = [];

/** pageCount: of the component that it is the head or a page of; encodePart: for the parts of a hand-over under way. */
export function encodeComponent(
  component: Component | Forwarder,
  pageCount: number,
  encodePart: (part: Part) => StoredPart,
): Buffer {
  if (component.forward !== undefined) return encodeForwarder(component);
  const texts = new Texts();
  const stored: StoredComponent = {
    ...NOTHING_ABROAD,
    texts: texts.list,
    id: texts.put(component.id),
    forward: null,
    held: Array.from(component.held, (birth) => texts.put(birth)),
    identifiers: Array.from(component.identifiers.values(), (entry) =>
      writeIdentifier(texts, entry, stateOf(component, entry.key) !== null),
    ),
    evidence: Array.from(component.evidence.values(), (one) => writeEvidence(texts, one)),
    rulings:
      component.rulings === null ? NONE : Array.from(component.rulings.values(), (one) => writeRuling(texts, one)),
    pages: pageCount,
  };
  const { abroad } = component;
  return encodeValue(
    componentType,
    abroad === null ? stored : { ...stored, ...writeAbroad(texts, abroad, encodePart) },
  );
}

function encodeForwarder({ id, forward }: Forwarder): Buffer {
  const none = { held: NONE, identifiers: NONE, evidence: NONE, rulings: NONE, pages: 0, ...NOTHING_ABROAD };
  return encodeValue(componentType, { texts: [id, forward], id: 0, forward: 1, ...none } satisfies StoredComponent);
}

function writeIdentifier(texts: Texts, entry: Entry, stateful: boolean): StoredIdentifier {
  return {
    key: texts.put(entry.key),
    namespace: texts.put(entry.namespace),
    value: texts.put(entry.value),
    birth: texts.put(entry.birth),
    first: texts.putStamp(entry.first),
    firstAuthenticated: texts.putStampOrNull(entry.firstAuthenticated),
    unlinked: writeUnlinked(texts, entry.unlinked),
    statusVersion: entry.statusVersion,
    status: texts.putStatus(entry.status),
    profile: texts.putOrNull(entry.profile),
    claimants: texts.putAll(entry.claimants),
    state: entry.state,
    limited: entry.limited,
    pending: entry.pending,
    stateful,
    ordersListed: entry.ordersListed,
    erased: entry.erased,
  };
}

function writeUnlinked(texts: Texts, unlinked: Unlinked | null): StoredUnlinked | null {
  if (unlinked === null) return null;
  const { first, firstAuthenticated, isUnsaid } = unlinked;
  return { first: texts.putStampOrNull(first), firstAuthenticated: texts.putStampOrNull(firstAuthenticated), isUnsaid };
}

function writeEvidence(texts: Texts, { a, b, source, assurance, stamp }: Evidence): StoredEvidence {
  return { a: texts.put(a), b: texts.put(b), source: texts.put(source), assurance, stamp: texts.putStamp(stamp) };
}

function writeRuling(texts: Texts, { a, b, verdict, stamp }: Ruling): StoredRuling {
  return { a: texts.put(a), b: texts.put(b), verdict, stamp: texts.putStamp(stamp) };
}

function writeAbroad(texts: Texts, abroad: Abroad, encodePart: (part: Part) => StoredPart): StoredAbroad {
  return {
    far: [...abroad.far.values()].map(({ key, namespace, birth, version, status }) => ({
      key: texts.put(key),
      namespace: texts.put(namespace),
      birth: texts.put(birth),
      version,
      status: texts.putStatus(status),
    })),
    told: Object.fromEntries(abroad.told),
    looseOrders: [...abroad.looseOrders],
    parked: abroad.parked.map(({ item, event }) => ({ item, event: event === null ? null : toBuffer(event) })),
    arriving: [...abroad.arriving].map(([from, parts]) => ({ from, parts: parts.map(encodePart) })),
    asked: [...abroad.asked],
    forgets: [...abroad.forgets],
    ended: Object.fromEntries(abroad.ended),
  };
}

/** What is read of a component before its pages and its identifiers' state are; stateful: the identifiers that have some. */
export interface ReadComponent {
  readonly component: Component | Forwarder;
  readonly pageCount: number;
  readonly stateful: readonly string[];
}

export function decodeComponent(bytes: Uint8Array, decodePart: (part: StoredPart) => Part): ReadComponent {
  const stored = decodeValue(componentType, bytes) as StoredComponent;
  const { texts } = stored;
  const take = (place: Text): string => texts[place] as string;
  const id = take(stored.id);
  if (stored.forward !== null) return { component: { id, forward: take(stored.forward) }, pageCount: 0, stateful: [] };
  const stateful: string[] = [];
  const identifiers = new Map<string, Entry>();
  for (const identifier of stored.identifiers) {
    const entry = readIdentifier(texts, identifier);
    identifiers.set(entry.key, entry);
    if (identifier.stateful) stateful.push(entry.key);
  }
  const evidence = new Map<string, Evidence>();
  for (const { a, b, source, assurance, stamp } of stored.evidence) {
    const one = { a: take(a), b: take(b), source: take(source), assurance, stamp: readStamp(texts, stamp) };
    evidence.set(evidenceKey(one.a, one.b, one.source, assurance), one);
  }
  const component: Component = {
    id,
    held: new Set(stored.held.map(take)),
    identifiers,
    evidence,
    profiles: new Map(),
    rulings: readRulings(texts, stored.rulings),
    abroad: readAbroad(texts, stored, decodePart),
    memberships: null,
    ties: null,
    pages: null,
  };
  return { component, pageCount: stored.pages, stateful };
}

function readIdentifier(texts: readonly string[], stored: StoredIdentifier): Entry {
  const take = (place: Text): string => texts[place] as string;
  return {
    key: take(stored.key),
    namespace: take(stored.namespace),
    value: take(stored.value),
    birth: take(stored.birth),
    first: readStamp(texts, stored.first),
    firstAuthenticated: readStampOrNull(texts, stored.firstAuthenticated),
    unlinked: readUnlinked(texts, stored.unlinked),
    statusVersion: stored.statusVersion,
    status: readStatus(texts, stored.status),
    profile: stored.profile === null ? null : take(stored.profile),
    claimants: stored.claimants.length === 0 ? NONE : stored.claimants.map(take),
    state: stored.state,
    limited: stored.limited,
    pending: stored.pending,
    fragment: null,
    erased: stored.erased && { ...stored.erased },
    ordersListed: stored.ordersListed,
  };
}

function readUnlinked(texts: readonly string[], stored: StoredUnlinked | null): Unlinked | null {
  if (stored === null) return null;
  const [first, firstAuthenticated] = [stored.first, stored.firstAuthenticated].map((one) =>
    readStampOrNull(texts, one),
  ) as [Stamp | null, Stamp | null];
  return { first, firstAuthenticated, isUnsaid: stored.isUnsaid };
}

function readRulings(texts: readonly string[], stored: readonly StoredRuling[]): Rulings | null {
  if (stored.length === 0) return null;
  const rulings: Rulings = new Map();
  for (const { a, b, verdict, stamp } of stored)
    takeRuling(rulings, { a: texts[a] as string, b: texts[b] as string, verdict, stamp: readStamp(texts, stamp) });
  return rulings;
}

function readStamp(texts: readonly string[], { t, source, eventId }: StoredStamp): Stamp {
  return { t, source: texts[source] as string, eventId: texts[eventId] as string };
}

function readStampOrNull(texts: readonly string[], stamp: StoredStamp | null): Stamp | null {
  return stamp === null ? null : readStamp(texts, stamp);
}

function readStatus(texts: readonly string[], status: StoredStatus | null): Status | null {
  if (status === null) return null;
  const { known, person, claimants } = status;
  const released = readStampOrNull(texts, status.released);
  if (known) return { known, person: person === null ? null : (texts[person] as string), released };
  return { known, claimants: claimants.map((place) => texts[place] as string), released };
}

/** Null where nothing is waiting and nobody has been told anything. */
function readAbroad(
  texts: readonly string[],
  { far, told, looseOrders, parked, arriving, asked, forgets, ended }: StoredAbroad,
  decodePart: (part: StoredPart) => Part,
): Abroad | null {
  const lists = [far, looseOrders, parked, arriving, asked, forgets];
  const names = Object.entries(told);
  const lives = Object.entries(ended);
  if (names.length + lives.length === 0 && lists.every(({ length }) => length === 0)) return null;
  const ends = far.map(({ key, namespace, birth, version, status }): [string, FarEnd] => {
    const name = texts[key] as string;
    const [of, from] = [texts[namespace] as string, texts[birth] as string];
    return [name, { key: name, namespace: of, birth: from, version, status: readStatus(texts, status) }];
  });
  return {
    far: new Map(ends),
    told: new Map(names),
    looseOrders: new Set(looseOrders),
    parked: [...parked],
    arriving: new Map(arriving.map(({ from, parts }) => [from, parts.map(decodePart)])),
    asked: new Set(asked),
    forgets: new Set(forgets),
    ended: new Map(lives),
  };
}
