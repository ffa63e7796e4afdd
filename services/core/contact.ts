// Contact points: the addresses and numbers that are identifiers of the person, those that traits tell, and postal
// addresses; what became of messages to them, and one of each kind that is used first.

import { compareText } from "./comparison.ts";
import type { Entry } from "./component.ts";
import { isAuthenticated } from "./configuration.ts";
import { readCountry } from "./country.ts";
import { classedKey, NOTHING_TOLD, type RegisterRules, type Registers } from "./facet.ts";
import type { TraitValue } from "./fragment.ts";
import { hasFrenchPost, readFrenchAddress, writeFrenchAddress } from "./french-address.ts";
import { normaliseIdentifier } from "./identifier.ts";
import type { EventItem } from "./item.ts";
import type { LimitKind } from "./limit.ts";
import { readMessageStep } from "./message.ts";
import type { RegisteredNamespace, Registry } from "./registry.ts";

export const REACHES_MAX = 64;
/** Of each kind, in a view. */
export const CONTACTS_LISTED_MAX = 32;

/** When a message to an address last arrived, was answered from there, came back. */
export interface Reach {
  readonly key: string;
  /** Whether the identifier was asserted, by whoever says so. */
  readonly authenticated: boolean;
  readonly deliveredAt: number | null;
  readonly clickedAt: number | null;
  readonly bouncedAt: number | null;
}

export const REACH_RULES: RegisterRules<Reach> = {
  join: joinReaches,
  max: REACHES_MAX,
  keep: "first",
  classed: true,
  limit: "reaches",
};

function joinReaches(a: Reach, b: Reach): Reach {
  return {
    ...a,
    deliveredAt: latest(a.deliveredAt, b.deliveredAt),
    clickedAt: latest(a.clickedAt, b.clickedAt),
    bouncedAt: latest(a.bouncedAt, b.bouncedAt),
  };
}

function latest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

export function reachKey({ authenticated, key }: Reach): string {
  return classedKey(authenticated, key);
}

/** A click counts as one where whoever tells it may vouch for the address; else it has arrived, no more (I5). */
export function readReaches(registry: Registry, item: EventItem, type: string, at: number): Registers<Reach> {
  const step = readMessageStep(type);
  if (step === null || step === "sent") return NOTHING_TOLD;
  const reaches = item.identifiers.flatMap(({ key, namespace, assurance }): [string, Reach][] => {
    if (!leadsToContact(registry, namespace)) return [];
    const authenticated = isAuthenticated(assurance);
    const isClick = step === "clicked" && authenticated;
    const isBounce = step === "bounced";
    const reach = {
      key,
      authenticated,
      deliveredAt: isClick || isBounce ? null : at,
      clickedAt: isClick ? at : null,
      bouncedAt: isBounce ? at : null,
    };
    return [[reachKey(reach), reach]];
  });
  return new Map(reaches);
}

/** An address, or the digest of one. */
function leadsToContact({ namespaces }: Registry, name: string): boolean {
  const namespace = namespaces.get(name);
  return namespace?.contact === true || namespaces.get(namespace?.digestOf ?? "")?.contact === true;
}

/** From the best to the worst. */
const VERIFICATIONS = ["verified", "delivered", "unverified", "bounced"] as const;
export type Verification = (typeof VERIFICATIONS)[number];

export interface ContactView {
  /** The namespace (email, phone), or postal. */
  readonly kind: string;
  readonly value: string;
  /** As it was told, where that is another spelling; of identifiers null. */
  readonly original: string | null;
  /** The first of its kind to be used. */
  readonly primary: boolean;
  readonly verification: Verification;
  /** Who told it first, of an identifier; whose trait it is. */
  readonly source: string;
  /** When it was last heard of: of an identifier when a message to it had a fate, of a trait when that was so. */
  readonly at: number | null;
}

interface Candidate extends Omit<ContactView, "primary"> {
  readonly authenticated: boolean;
}

const NO_CONTACTS: readonly ContactView[] = [];

/** What of a profile its contact points follow from. */
export interface Contactable {
  readonly entries: readonly Entry[];
  /** All values of its traits, and the ones that hold. */
  readonly told: ReadonlyMap<string, ReadonlyMap<string, TraitValue>>;
  readonly traits: ReadonlyMap<string, TraitValue>;
  readonly reaches: Registers<Reach>;
}

/** By kind, the primary one first: verification, then authenticated, then last heard of, then value. */
export function viewContacts(registry: Registry, from: Contactable, limits: LimitKind[]): readonly ContactView[] {
  if (from.entries.length === 0 && from.told.size === 0) return NO_CONTACTS;
  const known = new Map<string, Candidate>();
  for (const candidate of [...listEntries(from), ...listTraits(registry, from), ...listPostal(registry, from)]) {
    const name = `${candidate.kind}/${candidate.value}`;
    const present = known.get(name);
    if (present === undefined || compareCandidates(candidate, present) < 0) known.set(name, candidate);
  }
  const listed: ContactView[] = [];
  const counts = new Map<string, number>();
  for (const { kind, value, original, verification, source, at } of [...known.values()].sort(compareCandidates)) {
    const before = counts.get(kind) ?? 0;
    counts.set(kind, before + 1);
    if (before < CONTACTS_LISTED_MAX)
      listed.push({ kind, value, original, primary: before === 0, verification, source, at });
    else limits.push("contacts-listed");
  }
  return listed;
}

function compareCandidates(a: Candidate, b: Candidate): number {
  return (
    compareText(a.kind, b.kind) ||
    VERIFICATIONS.indexOf(a.verification) - VERIFICATIONS.indexOf(b.verification) ||
    Number(b.authenticated) - Number(a.authenticated) ||
    (b.at ?? 0) - (a.at ?? 0) ||
    compareText(a.value, b.value) ||
    compareText(a.source, b.source) ||
    compareText(a.original ?? "", b.original ?? "")
  );
}

function listEntries({ entries, reaches }: Contactable): Candidate[] {
  return entries.map(({ key, namespace, value, first, firstAuthenticated }) => {
    const found = [true, false].flatMap((authenticated) => reaches.get(classedKey(authenticated, key)) ?? []);
    const reach = found.length === 0 ? null : found.reduce(joinReaches);
    const at = reach === null ? null : latest(latest(reach.deliveredAt, reach.clickedAt), reach.bouncedAt);
    const authenticated = firstAuthenticated !== null;
    const { source } = first;
    return { kind: namespace, value, original: null, verification: verify(reach), source, at, authenticated };
  });
}

function verify(reach: Reach | null): Verification {
  if (reach === null) return "unverified";
  const arrived = latest(reach.deliveredAt, reach.clickedAt);
  if (reach.bouncedAt !== null && (arrived === null || reach.bouncedAt >= arrived)) return "bounced";
  return reach.clickedAt === null ? "delivered" : "verified";
}

function listTraits(registry: Registry, { told, entries }: Contactable): Candidate[] {
  if (told.size === 0) return [];
  const names = new Set(entries.map(({ namespace, value }) => `${namespace}/${value}`));
  return [...registry.namespaces.values()].flatMap((namespace) => {
    if (!namespace.contact) return [];
    return [...(told.get(namespace.name)?.values() ?? [])].flatMap((trait): Candidate[] => {
      const value = normaliseTrait(registry, namespace, trait);
      if (value === null || names.has(`${namespace.name}/${value}`)) return [];
      return [describeTrait(namespace.name, value, trait.value as string, trait)];
    });
  });
}

function describeTrait(
  kind: string,
  value: string,
  told: string,
  { source, at, authenticated }: TraitValue,
): Candidate {
  const original = told === value ? null : told;
  return { kind, value, original, verification: "unverified", source, at, authenticated };
}

/** A value never changes, so it is read once: numbers are not cheap to read. */
const normalised = new WeakMap<TraitValue, string | null>();

function normaliseTrait(registry: Registry, namespace: RegisteredNamespace, trait: TraitValue): string | null {
  const known = normalised.get(trait);
  if (known !== undefined) return known;
  const value =
    typeof trait.value === "string" ? normaliseIdentifier(namespace, trait.value, countryOf(registry, trait)) : null;
  normalised.set(trait, value);
  return value;
}

/** Whole addresses, and the one that street, postcode, city and country make; French ones in their one form. */
function listPostal(registry: Registry, { told, traits }: Contactable): Candidate[] {
  const whole = [...(told.get("address")?.values() ?? [])].flatMap((trait) =>
    typeof trait.value === "string" && trait.value.trim() !== ""
      ? [describeTrait("postal", normaliseAddress(registry, trait, trait.value.trim()), trait.value.trim(), trait)]
      : [],
  );
  const street = traits.get("street");
  if (street === undefined || typeof street.value !== "string" || street.value.trim() === "") return whole;
  const [postcode = "", city = "", country = ""] = ["postcode", "city", "country"].map((name) =>
    String(traits.get(name)?.value ?? "").trim(),
  );
  const said = [street.value.trim(), postcode, city, country];
  const parts = said.filter((part) => part !== "").join(", ");
  const key = JSON.stringify(said);
  const made = joined.get(street);
  if (made?.key === key) return [...whole, describeTrait("postal", made.value, parts, street)];
  const home = country === "" ? countryOf(registry, street) : readCountry(country).value;
  const french = hasFrenchPost(home ?? "") ? writeFrenchAddress(street.value, postcode, city) : null;
  const value = french ?? parts;
  joined.set(street, { key, value });
  return [...whole, describeTrait("postal", value, parts, street)];
}

/** By the street's value: what it and the other parts made last. */
const joined = new WeakMap<TraitValue, { readonly key: string; readonly value: string }>();

function normaliseAddress(registry: Registry, trait: TraitValue, told: string): string {
  const known = normalised.get(trait);
  if (known !== undefined && known !== null) return known;
  const value = (hasFrenchPost(countryOf(registry, trait)) ? readFrenchAddress(told) : null) ?? told;
  normalised.set(trait, value);
  return value;
}

function countryOf(registry: Registry, trait: TraitValue): string {
  return registry.sources.get(trait.source)?.country ?? "";
}
