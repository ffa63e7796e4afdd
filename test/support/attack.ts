// A log that is folded turn by turn, what was said in each turn, and what of it is a victim's.

import { deepEqual, equal, ok } from "node:assert/strict";
import { compareText } from "#core/comparison.ts";
import type { Configuration } from "#core/configuration.ts";
import type { Output, PublicProfile } from "#core/effect.ts";
import type { IdentifierClaim } from "#core/event.ts";
import { identifierKey } from "#core/identifier.ts";
import { DUPLICATE_WINDOW_EVENTS } from "#core/event-window.ts";
import { profileId } from "#core/profile.ts";
import { createRegistry } from "#core/registry.ts";
import { Fold } from "#services/fold/fold.ts";
import { lookUp } from "#services/wire/lookup.ts";
import { HERS, isHers, type Turn, valueOf } from "./adversary.ts";
import type { Flood } from "./floods.ts";
import { configuration, hash } from "./histories.ts";

/** Beyond it every signal that was open has gone out. */
const END_MS = Date.UTC(2026, 0, 12);

const registry = createRegistry(configuration, hash);
const keyOf = (claim: IdentifierClaim) => identifierKey(registry, claim.namespace, valueOf(claim));
const HER_KEYS = new Set(HERS.map(keyOf));
/** Under which her profiles go, whatever the shop tells of her. */
const HER_IDS = new Set([...HER_KEYS].map((key) => profileId(hash, key)));
/** Of her traits, which nobody else says. */
const HER_WORDS = ["Ana", "Nantes", "Rennes"];
/** What stands of her in a dossier, where the shop told it: what he claims is shown beside it, under other names. */
const STANDING = ["consents", "cases", "subscriptions", "loyalty", "groups"] as const;
type Standing = Readonly<Record<(typeof STANDING)[number], readonly object[]>>;

/** Her consents, and her cases, subscriptions and tiers that the shop told. */
export function standingOf(view: Standing) {
  return STANDING.map((facet) => {
    const told = facet === "consents" ? view[facet] : view[facet].filter((one) => JSON.stringify(one).includes("Ana"));
    return [facet, told] as const;
  });
}

export interface Step {
  /** null: time passed. */
  readonly isHers: boolean | null;
  readonly outputs: readonly Output[];
  /** Of hers, named in this turn. */
  readonly named: ReadonlySet<string>;
}

export interface Attack {
  readonly fold: Fold;
  readonly steps: readonly Step[];
}

function namesOf({ events }: Turn): ReadonlySet<string> {
  const claims = events.flatMap(({ event }) => event.identifiers);
  return new Set(claims.map(({ namespace, value }) => `${namespace} ${valueOf({ namespace, value })}`));
}

export async function foldTurns(turns: readonly Turn[], told: Configuration): Promise<Attack> {
  const fold = new Fold({ configuration: told, hash });
  const steps: Step[] = [];
  const since = (from: number) => fold.outputs.slice(from);
  for (const turn of turns) {
    const from = fold.outputs.length;
    await fold.add(turn.events);
    steps.push({ isHers: turn.isHers, outputs: since(from), named: namesOf(turn) });
  }
  const from = fold.outputs.length;
  await fold.advance(END_MS);
  steps.push({ isHers: null, outputs: since(from), named: new Set() });
  return { fold, steps };
}

/** Segments by profile, as somebody has them who reads what is said. */
class Segments {
  readonly now = new Map<string, string>();

  read(outputs: readonly Output[]): void {
    for (const one of outputs) {
      if (one.kind === "transition" && one.to !== null) this.now.set(one.profileId, one.to);
      if (one.kind === "transition" && one.to === null) this.now.delete(one.profileId);
      if (one.kind !== "identity-changed" || one.change !== "alias" || one.otherProfileId === null) continue;
      const segment = this.now.get(one.otherProfileId);
      this.now.delete(one.otherProfileId);
      if (segment !== undefined) this.now.set(one.profileId, segment);
    }
  }
}

/**
 * By profile. One that goes into another is told as `alias` where the other named nobody, and as `merged` with its end
 * where it did.
 */
function listMoves(outputs: readonly Output[], ids: ReadonlyMap<string, string>): string[] {
  const moves = outputs.flatMap((one): [string, string][] => {
    const { kind } = one;
    // A retraction repeats where the move came from: of her first one that may be where he had brought the profile.
    if (kind === "retraction" || (kind === "transition" && one.to !== null))
      return ids.has(one.profileId)
        ? [[one.profileId, `${kind} ${kind === "retraction" ? "" : one.from} ${one.to}`]]
        : [];
    const isEnd = kind === "identity-changed" && (one.change === "alias" || one.change === "merged");
    return isEnd && ids.has(one.otherProfileId ?? "") ? [[one.otherProfileId ?? "", `goes into ${one.profileId}`]] : [];
  });
  return moves.toSorted(([a], [b]) => compareText(a, b)).map((move) => move.join(" "));
}

/**
 * From the shop's first word of a profile of hers on: what he says moves it nowhere, to no rung, ends it and renames it
 * not; what the shop says moves it as if he had said nothing; after each event of hers it is in the same segment. Before
 * it, he may have made a profile under one of her identifiers, which nobody knows: that one climbs by his visits, and her
 * first move is then from there. (So a move of hers may be `late-data` where it would be `event`: his visit was later.)
 */
export function checkMoves(alone: Attack, attacked: Attack): void {
  const [quiet, loud] = [new Segments(), new Segments()];
  const hers = alone.steps.filter(({ isHers: is }) => is === true);
  let standing: ReadonlyMap<string, string> = new Map();
  for (const step of attacked.steps) {
    const own = step.isHers === true ? hers.shift() : undefined;
    deepEqual(listMoves(step.outputs, standing), listMoves(own?.outputs ?? [], standing), "nothing of his moves her");
    quiet.read(own?.outputs ?? []);
    loud.read(step.outputs);
    if (own !== undefined) standing = new Map(quiet.now);
    for (const [id, segment] of standing) equal(loud.now.get(id), segment, "she is in the segment that is hers");
  }
}

/** Of a victim known by her phone alone, whose id may change: the same segment after each event of hers. */
export function checkSegments(alone: Attack, attacked: Attack): void {
  const read = ({ steps }: Attack) => {
    const states = new Map<string, PublicProfile>();
    return steps.flatMap(({ isHers: is, outputs }) => {
      for (const one of outputs) {
        if (one.kind !== "profile-state") continue;
        states.delete(one.profileId);
        if (one.state !== null) states.set(one.profileId, one.state);
      }
      const isHolder = ({ identifiers }: PublicProfile) =>
        identifiers.some((i) => i.namespace === "phone" && isHers(i));
      return is === true ? [[...states.values()].filter(isHolder).map(({ segment }) => segment)] : [];
    });
  };
  deepEqual(read(attacked), read(alone));
}

/** What readers of profile-state have of her at the end: her identifiers that the shop told, and the traits that it told. */
export function readStates({ fold }: Attack, known: ReadonlySet<string>, traits: ReadonlySet<string>) {
  const states = new Map<string, unknown>();
  for (const one of fold.outputs) {
    if (one.kind !== "profile-state") continue;
    const { state } = one;
    states.delete(one.profileId);
    const identifiers = state?.identifiers.filter((i) => isHers(i) && known.has(i.value)) ?? [];
    if (state === null || identifiers.length === 0) continue;
    const told = Object.entries(state.traits).filter(([name]) => traits.has(name));
    states.set(one.profileId, { identifiers, traits: told, orders: state.orders, standing: standingOf(state) });
  }
  return [...states].toSorted(([a], [b]) => compareText(a, b));
}

/** Kinds of output that were said of others than her, and looked at. */
export const looked = new Map<string, number>();

/**
 * No output under an id that is not hers has a word of hers: no value of her traits, no order, none of her identifiers
 * that he has not named himself, nor, once the shop has told it, one that he has.
 */
export function checkLeaks({ steps }: Attack, ofHers: (id: string) => boolean = () => false): void {
  const [named, told] = [new Set<string>(), new Set<string>()];
  for (const step of steps) {
    for (const name of step.named) (step.isHers === true ? told : named).add(name);
    const isSecret = (claim: IdentifierClaim) => {
      const name = `${claim.namespace} ${valueOf(claim)}`;
      return told.has(name) || !named.has(name);
    };
    const secrets = HERS.filter(isSecret);
    const keys = new Set(secrets.map(keyOf));
    for (const output of step.outputs) {
      const id = output.kind === "alias" ? output.oldProfileId : output.profileId;
      if (HER_IDS.has(id) || ofHers(id)) continue;
      looked.set(output.kind, (looked.get(output.kind) ?? 0) + 1);
      const said = JSON.stringify(
        output.kind === "profile-changed" ? { ...output, changes: output.changes.filter(isStill) } : output,
      );
      for (const word of [...HER_WORDS, ...secrets.map(valueOf), ...keys])
        ok(!said.includes(word), `${word} in ${said}`);
      checkOrders(output);
    }
  }
}

/** An identifier that he had named, and that has left his profile for hers, is no more than he knew. */
const isStill = ({ path, after }: { path: string; after: string | null }) =>
  after !== null || !path.startsWith("identifiers.");

function checkOrders(output: Output): void {
  if (output.kind === "profile-state" && output.state !== null) {
    deepEqual(output.state.orders, { count: 0, valid: 0, spentMinor: {} }, "he has no order");
    deepEqual(output.state.consents, [], "nor a consent");
  }
  if (output.kind === "transition" || output.kind === "retraction" || output.kind === "signal")
    for (const [name, value] of Object.entries(output.facts))
      if (name.startsWith("orders.")) ok(value === "0" || value === "{}", `${name} is ${value}`);
  if (output.kind === "profile-changed")
    for (const { path, after } of output.changes) if (path.startsWith("orders.")) equal(after, "0");
}

/** `weft lookup` by what he owns shows nothing of hers either. Returns how many look-ups found something. */
export async function checkLookups({ fold }: Attack, his: readonly IdentifierClaim[], known: ReadonlySet<string>) {
  const services = { engine: fold.engine, index: fold.index, store: fold.store, shards: 1 };
  let found = 0;
  for (const { namespace, value } of his) {
    const answer = await lookUp(services, namespace, value, "FR");
    if (!answer.found) continue;
    found += 1;
    deepEqual(answer.profile.view.orders, []);
    deepEqual(answer.profile.view.consents, []);
    const said = JSON.stringify(answer);
    for (const word of [...HER_WORDS, ...known, ...HER_IDS]) ok(!said.includes(word), `${word} in ${said}`);
  }
  return found;
}

/** The limits of SPEC.md section 7 that his claims reach: as the engine counted them, or as his events alone show. */
export const PASSABLE = [
  "traits",
  "trait-length",
  "event-types",
  "profile-values",
  "ties",
  "identifiers-listed",
  "contacts-listed",
  "timeline",
  "cases",
  "subscriptions",
  "programmes",
  "stated-preferences",
  "inferred-preferences",
  "categories",
  "searches",
  "touches",
  "facet-length",
  "messages",
  "pressure-days",
  "reaches",
  "identifiers of an event",
  "duplicate window of an anchor of hers",
  "events of an order of hers",
  "values of unique namespaces beside an identifier of hers",
] as const;

export function listPassed({ fold }: Attack, floods: readonly Flood[]): string[] {
  const passed: string[] = [...fold.limits.keys()];
  if (fold.outcomes.some(({ reason }) => reason === "too-many-identifiers")) passed.push("identifiers of an event");
  const folded = new Map<string, number>();
  for (const { outcome, anchor } of fold.outcomes)
    if (outcome === "folded" && anchor !== null && HER_KEYS.has(anchor))
      folded.set(anchor, (folded.get(anchor) ?? 0) + 1);
  if ([...folded.values()].some((count) => count > DUPLICATE_WINDOW_EVENTS))
    passed.push("duplicate window of an anchor of hers");
  if (floods.includes("order")) passed.push("events of an order of hers");
  if (floods.includes("tied-uniques")) passed.push("values of unique namespaces beside an identifier of hers");
  return passed;
}
