// A request to forget a person (G1): whom it is about, as the state says, and its items for the homes of what it names.

import { randomUUID } from "node:crypto";
import { compareText } from "#core/comparison.ts";
import { isHidden, type Component } from "#core/component.ts";
import type { Erasures, ErasureRequest } from "#core/erasure.ts";
import { lifeKey, PRIVACY } from "#core/erasure.ts";
import { isForgottenAt } from "#core/erasing.ts";
import type { Hash } from "#core/identifier.ts";
import { identifierKey } from "#core/identifier.ts";
import type { IndexView } from "#core/routing.ts";
import type { Carried, ComponentId, EventItem, RoutedIdentifier } from "#core/item.ts";
import { findSubject, firstKey } from "#core/subject.ts";
import { membersOf, summaryOf } from "#core/membership.ts";
import { listObjections } from "#core/objection.ts";
import { isKnown } from "#core/weighed.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { ERASE, type PrivacyLedger, type PrivacyRecord } from "./privacy-ledger.ts";
import { isVouchedFor, readOrdersUnder } from "./lookup.ts";
import {
  findIdentifier,
  hasEnded,
  locateKey,
  locateLife,
  locateNaming,
  locateOrderLife,
  type LookupServices,
} from "./location.ts";

/** Identifiers and orders of one request: they travel in one record. */
export const ERASED_MAX = 20_000;

export type ErasureRefusal =
  | "unknown-namespace"
  | "not-an-identifier"
  | "unknown-identifier"
  | "held-apart"
  /** And she is a person whom the shop knows. */
  | "claimed-only"
  | "not-settled"
  | "too-large";

export type ErasureDraft =
  | {
      readonly ok: true;
      readonly profileId: string;
      readonly keys: Omit<ErasureRequest, "requestId" | "at">;
    }
  | { readonly ok: false; readonly reason: ErasureRefusal };

function refuse(reason: ErasureRefusal) {
  return { ok: false, reason } as const;
}

/** What a request that names a person by this identifier is about. */
export async function draftErasure(
  services: LookupServices,
  namespace: string,
  raw: string,
  country: string,
): Promise<ErasureDraft> {
  const { registry } = services.engine;
  const found = await findIdentifier(services, namespace, raw, country);
  if (!found.found) return refuse(found.reason);
  const { component, entry } = found;
  const naming = entry.profile;
  if (naming === null) return refuse("held-apart");
  const isPersonKnown = [...membersOf(component, naming)].some((key) => {
    const member = component.identifiers.get(key);
    return member !== undefined && isKnown(registry, member);
  });
  if (isPersonKnown && !isVouchedFor(registry, component, entry)) return refuse("claimed-only");
  return draftErasureOf(services, component, naming);
}

/** What a request about this profile is about; whoever asks vouches for it. */
export async function draftErasureOf(
  services: LookupServices,
  component: Component,
  naming: string,
): Promise<ErasureDraft> {
  const { registry } = services.engine;
  const record = component.profiles.get(naming);
  if (record?.alive !== true) return refuse("not-settled");
  const { own, claimed, shared, isSettled } = findSubject(registry, component, naming);
  if (!isSettled) return refuse("not-settled");
  const named = await readOrdersUnder(services, component, new Set([...membersOf(component, naming), ...shared]));
  for (const key of shared.filter((one) => !component.identifiers.has(one))) {
    const far = await locateKey(services, key);
    if (far !== null) named.push(...(await readOrdersUnder(services, far.component, new Set([key]))));
  }
  const orders = named.map(({ name }) => identifierKey(registry, "order", name));
  const contactable = [...own, ...claimed];
  const keys = {
    ...listObjections(registry, summaryOf(component, naming)?.dossier ?? null, contactable),
    own: own.map((member) => firstKey(registry, member)).sort(compareText),
    claimed: claimed.map(({ key }) => key).sort(compareText),
    shared,
    orders: orders.sort(compareText),
  };
  if (contactable.length + shared.length + orders.length > ERASED_MAX) return refuse("too-large");
  return { ok: true, profileId: record.id, keys };
}

/** Whether the homes of all that the request names have forgotten it; false where the ledger has not read of it. */
export async function isErased(
  services: LookupServices,
  ledger: Pick<PrivacyLedger, "erasures" | "find">,
  requestId: string,
): Promise<boolean> {
  const { hash } = services.engine.registry;
  const { erasures } = ledger;
  const request = ledger.find(requestId);
  if (request === null) return false;
  const { claimed, shared, orders } = request;
  const lives = listLives(hash, erasures, request);
  const hers = new Set(lives);
  for (const first of request.own)
    for (const life of erasures.livesUpTo(first, requestId))
      if (!(await hasNothingLeft(services, lifeKey(hash, first, life), life))) return false;
  for (const [kind, keys] of [
    ["claimed", claimed],
    ["shared", shared],
  ] as const)
    for (const key of keys) {
      const located = await locateLife(services, key);
      const rotation = erasures.rotation(key, requestId);
      if (located !== null && !isForgottenAt(located.component, located.entry, kind, rotation, hers)) return false;
    }
  const owners = new Set([...lives, ...claimed, ...shared]);
  for (const first of orders) {
    const order = await locateOrderLife(services, erasures.erasedKey(hash, first, requestId));
    if (order !== null && order.erased !== true && (order.owner === null || owners.has(order.owner))) return false;
  }
  return true;
}

/** Whether what was told under a profile id, of then, is forgotten since; null: nobody has been met under that id. */
export async function isForgotten(services: LookupServices, profileId: string, at: number): Promise<boolean | null> {
  const located = await locateNaming(services, profileId);
  if (located === null) return null;
  const { entry } = located;
  return isHidden(entry) || (entry.erased !== null && entry.erased.at >= at);
}

/** Of several records of one id the first counts, so each has a key of its own: compaction would keep the last. */
export async function publishErasure(
  { codec, log }: { readonly codec: Codec; readonly log: Pick<Log, "append"> },
  topic: string,
  request: Omit<PrivacyRecord, "kind">,
): Promise<void> {
  const encode = await codec.encoder(topic, "PrivacyRequest");
  const key = `${request.requestId}.${randomUUID()}`;
  await log.append([{ topic, partition: 0, key, value: encode({ kind: ERASE, ...request }) }]);
}

/** Of two requests at once the second ends a life of which nothing has come: there is nothing of it to forget. */
async function hasNothingLeft(services: LookupServices, key: string, life: number): Promise<boolean> {
  if (await hasEnded(services, key)) return true;
  return life > 0 && (await services.index.findStart(key)) === null;
}

/** Keys of her identifiers in the lives that the request ends. */
export function listLives(hash: Hash, erasures: Erasures, { own, requestId }: ErasureRequest): string[] {
  return own.map((key) => erasures.erasedKey(hash, key, requestId));
}

/** Keys of everything that the request names, in the lives that it ends. */
export function listErasedKeys(hash: Hash, erasures: Erasures, request: ErasureRequest): string[] {
  const lived = [...request.own, ...request.orders].map((key) => erasures.erasedKey(hash, key, request.requestId));
  return [...lived, ...request.claimed, ...request.shared];
}

/**
 * A life that nobody has met begins at the home of the first, so that its end is known there before anything of it comes: who
 * resolves that at this moment may not know of the request.
 */
function placeUnmet(view: IndexView, request: ErasureRequest, lives: readonly string[]): void {
  for (const [place, key] of lives.entries()) {
    const first = view.birth(request.own[place] ?? "");
    if (first !== null && view.birth(key) === null) view.setBirth(key, view.root(first));
  }
}

/** One item for each home; of what nobody has ever met there is none: the events that will name it say that it is erased. */
export function routeErasure(hash: Hash, erasures: Erasures, view: IndexView, request: ErasureRequest): Carried[] {
  const { requestId, at, claimed, shared } = request;
  const own = listLives(hash, erasures, request);
  const orders = request.orders.map((key) => erasures.erasedKey(hash, key, requestId));
  placeUnmet(view, request, own);
  const homes = new Map<ComponentId, RoutedIdentifier[]>();
  const place = (keys: readonly string[], namespace: string): void => {
    for (const key of keys) {
      const birth = view.birth(key);
      if (birth === null) continue;
      const home = view.root(birth);
      const list = homes.get(home) ?? [];
      homes.set(home, list);
      const rotation = erasures.rotation(key, requestId);
      list.push({ namespace, value: "", key, rotation, assurance: "operator", birth, local: true });
    }
  };
  place([...own, ...claimed, ...shared], "");
  place(orders, "order");
  const erasure = { requestId, at, own, claimed, shared, orders };
  return [...homes].map(
    ([component, identifiers]): Carried<EventItem> => ({
      item: {
        kind: "event",
        component,
        role: "ruling",
        ruling: null,
        erasure,
        source: PRIVACY,
        eventId: requestId,
        recordedAt: at,
        backfill: false,
        traceparent: null,
        anchor: identifiers[0]?.key ?? "",
        identifiers,
        order: null,
      },
      event: null,
    }),
  );
}
