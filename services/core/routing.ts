// Where an event goes: which components its identifiers have, which of them the event joins, and what is told to whom.
// Pure over what is known of the index; the resolver asks the index, repeats where another resolver was first, and
// appends the items. The index is a concurrent union-find: `birth` of an identifier and `parent` of a component are
// set once and never change; a root of the later (class, time, hash) gets the earlier one as parent, so there are no
// cycles. Strong evidence joins at once; so does weak evidence that touches an anonymous root. The rest are ties.

import { isAuthenticated } from "./configuration.ts";
import { isWithoutFacts, type AcceptedIdentifier } from "./declaration.ts";
import type { AcceptedEvent } from "./acceptance.ts";
import { joins, type Registry } from "./registry.ts";
import { compareText } from "./comparison.ts";
import { createPlaceItem } from "./group-home.ts";
import type { AbsorbItem, ComponentId, EventItem, RoutedIdentifier } from "./item.ts";

const PERSON = "0";
const ANONYMOUS = "1";
const REFERENCE = "2";

/** What is known of the index, plus what this batch means to set. */
export interface IndexView {
  birth(key: string): ComponentId | null;
  root(component: ComponentId): ComponentId;
  /** Proposes a birth; the index decides later who was first. */
  setBirth(key: string, component: ComponentId): void;
  /** Proposes a parent of a present root. */
  setParent(loser: ComponentId, winner: ComponentId): void;
}

export interface Routing {
  readonly absorbs: readonly AbsorbItem[];
  /** The anchor's home first. */
  readonly items: readonly EventItem[];
}

function createComponentId(componentClass: string, recordedAt: number, key: string): ComponentId {
  return `${componentClass}-${String(recordedAt).padStart(13, "0")}-${key}`;
}

function isPerson(component: ComponentId): boolean {
  return component.startsWith(PERSON);
}

function isReference(component: ComponentId): boolean {
  return component.startsWith(REFERENCE);
}

export function routeEvent(
  registry: Registry,
  view: IndexView,
  accepted: AcceptedEvent,
  meta: { backfill: boolean; traceparent: string | null },
): Routing {
  const absorbs: AbsorbItem[] = [];
  const cause = {
    source: accepted.source,
    eventId: accepted.event.eventId,
    at: accepted.recordedAt,
    occurredAt: accepted.event.occurredAt,
    ...meta,
  };
  const rootOf = (identifier: AcceptedIdentifier): ComponentId | null => {
    const birth = view.birth(identifier.key);
    return birth === null ? null : view.root(birth);
  };
  const join = (a: ComponentId, b: ComponentId): ComponentId => {
    const [ra, rb] = [view.root(a), view.root(b)];
    if (ra === rb) return ra;
    const [winner, loser] = compareText(ra, rb) < 0 ? [ra, rb] : [rb, ra];
    view.setParent(loser, winner);
    absorbs.push({ kind: "absorb", component: loser, into: winner, cause });
    return winner;
  };
  const bear = (identifiers: readonly AcceptedIdentifier[], component: ComponentId): void => {
    for (const identifier of identifiers)
      if (view.birth(identifier.key) === null) view.setBirth(identifier.key, component);
  };
  if (isWithoutFacts(accepted) && accepted.ruling?.verdict !== "linked") {
    // It joins nothing; an identifier that nobody has met yet gets its birth from it.
    for (const identifier of accepted.identifiers) bear([identifier], bornOf(registry, accepted, identifier));
    return { absorbs, items: createItems(accepted, meta, view) };
  }
  const rootsOf = (identifiers: readonly AcceptedIdentifier[]): ComponentId[] => {
    const roots: ComponentId[] = [];
    for (const identifier of identifiers) {
      const root = rootOf(identifier);
      if (root !== null && !roots.includes(root)) roots.push(root);
    }
    return roots.length > 1 ? roots.sort(compareText) : roots;
  };

  const strong: AcceptedIdentifier[] = [];
  const weak: AcceptedIdentifier[] = [];
  for (const identifier of accepted.identifiers) {
    const isDevice = registry.namespaces.get(identifier.namespace)?.kind === "device";
    (isAuthenticated(identifier.assurance) && !isDevice ? strong : weak).push(identifier);
  }
  const [bestStrong] = strong;
  const [bestWeak] = weak;

  if (bestStrong !== undefined) {
    // Values that count as one are weighed at one home.
    const isReplaced = ({ key }: AcceptedIdentifier) =>
      accepted.ruling?.verdict === "replaced" && [accepted.ruling.one, accepted.ruling.other].includes(key);
    const joining = rootsOf(strong.filter((one) => joins(registry, one.assurance) || isReplaced(one)));
    let target =
      joining.find(isPerson) ??
      rootsOf(strong).find(isPerson) ??
      createComponentId(PERSON, accepted.recordedAt, bestStrong.key);
    bear(strong, target);
    for (const root of rootsOf(strong)) if (joining.includes(root) || !isPerson(root)) target = join(target, root);
    for (const root of rootsOf(weak)) if (!isPerson(root)) target = join(target, root);
    bear(weak, target);
  } else if (bestWeak !== undefined) {
    const roots = rootsOf(weak);
    const target = roots[0] ?? createComponentId(ANONYMOUS, accepted.recordedAt, bestWeak.key);
    for (const root of roots) if (!isPerson(root)) join(target, root);
    bear(weak, target);
  }
  const { order, group } = accepted;
  if (group !== null) bear([group], createComponentId(REFERENCE, accepted.recordedAt, group.key));
  const [best] = accepted.identifiers.filter((i) => i.key === accepted.anchor);
  if (order !== null) {
    const anchorRoot = best === undefined ? null : rootOf(best);
    bear([order], anchorRoot ?? createComponentId(REFERENCE, accepted.recordedAt, order.key));
    const orderRoot = rootOf(order);
    if (anchorRoot !== null && orderRoot !== null && orderRoot !== anchorRoot && isReference(orderRoot))
      join(anchorRoot, orderRoot);
  }
  return { absorbs, items: createItems(accepted, meta, view) };
}

function bornOf(
  registry: Registry,
  { recordedAt }: AcceptedEvent,
  { namespace, key }: AcceptedIdentifier,
): ComponentId {
  const kind = registry.namespaces.get(namespace)?.kind;
  return createComponentId(kind === "device" ? ANONYMOUS : PERSON, recordedAt, key);
}

function roleOf(accepted: AcceptedEvent, isAnchor: boolean, isOrder: boolean): EventItem["role"] {
  if (isWithoutFacts(accepted)) return "ruling";
  if (accepted.suppressed === true) return "tie";
  return isAnchor ? "anchor" : isOrder ? "order" : "tie";
}

/** An identifier with where it was born and where it lives. */
interface Placed {
  readonly identifier: AcceptedIdentifier;
  readonly birth: ComponentId;
  readonly root: ComponentId;
}

function createItems(
  accepted: AcceptedEvent,
  meta: { backfill: boolean; traceparent: string | null },
  view: IndexView,
): EventItem[] {
  const place = (identifier: AcceptedIdentifier): Placed => {
    const birth = view.birth(identifier.key) as ComponentId;
    return { identifier, birth, root: view.root(birth) };
  };
  const placed = accepted.identifiers.map(place);
  const order = accepted.order === null ? null : place(accepted.order);
  const anchor = placed.find(({ identifier }) => identifier.key === accepted.anchor) ?? order;
  if (anchor === null) return [];
  const homes = new Set([anchor.root]);
  for (const { root } of placed) homes.add(root);
  if (order !== null) homes.add(order.root);
  const routeTo =
    (component: ComponentId) =>
    ({ identifier, birth, root }: Placed): RoutedIdentifier => ({
      ...identifier,
      birth,
      local: root === component,
    });
  const items = Array.from(homes, (component): EventItem => {
    const route = routeTo(component);
    return {
      kind: "event",
      component,
      role: roleOf(accepted, component === anchor.root, component === order?.root),
      ruling: accepted.ruling,
      source: accepted.source,
      eventId: accepted.event.eventId,
      recordedAt: accepted.recordedAt,
      backfill: meta.backfill,
      traceparent: meta.traceparent,
      anchor: accepted.anchor,
      identifiers: placed.map(route),
      order: order === null ? null : route(order),
    };
  });
  const group = accepted.group === null ? null : place(accepted.group);
  if (group !== null) {
    const route = routeTo(group.birth);
    items.push(createPlaceItem(accepted, meta, route(anchor), route(group)));
  }
  return items;
}
