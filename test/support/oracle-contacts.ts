// The oracle's contact points: who can be reached where, and what the messages to each address say of it.

import type { AcceptedEvent } from "#core/acceptance.ts";
import { compareText } from "#core/comparison.ts";
import { isAuthenticated } from "#core/configuration.ts";
import { readFrenchAddress } from "#core/french-address.ts";
import { normaliseIdentifier } from "#core/identifier.ts";
import type { Registry } from "#core/registry.ts";
import { byTime, groupBy, iso, isVouched } from "./oracle-facts.ts";
import { type Identifier, isKnown, must } from "./oracle-identity.ts";

const GRADES = ["verified", "delivered", "unverified", "bounced"];

const LISTED_OF_A_KIND = 32;

interface Contact {
  readonly kind: string;
  readonly value: string;
  readonly original: string | null;
  readonly verification: string;
  readonly source: string;
  readonly at: number | null;
  readonly known: boolean;
}

export function listContacts(registry: Registry, members: readonly Identifier[], facts: readonly AcceptedEvent[]) {
  const kinds = [...registry.namespaces.values()].filter(({ contact }) => contact);
  const named = members
    .filter(({ namespace }) => kinds.some(({ name }) => name === namespace))
    .map((member): Contact => {
      const { namespace: kind, value } = member;
      return {
        kind,
        value,
        original: null,
        source: member.first.source,
        known: isKnown(member),
        ...gradeAddress(member, facts),
      };
    });
  const told = kinds.flatMap((namespace) =>
    listTold(namespace.name, facts).flatMap((trait) => {
      const { country } = must(registry.sources.get(trait.source));
      const value = typeof trait.value === "string" ? normaliseIdentifier(namespace, trait.value, country) : null;
      const isNamed = named.some((one) => one.kind === namespace.name && one.value === value);
      return value === null || isNamed ? [] : [describe(namespace.name, value, trait.value as string, trait)];
    }),
  );
  const postal = listTold("address", facts).flatMap((trait) =>
    typeof trait.value === "string" && trait.value.trim() !== ""
      ? [describe("postal", readFrenchAddress(trait.value) ?? trait.value.trim(), trait.value.trim(), trait)]
      : [],
  );
  const sorted = [...named, ...told, ...postal].toSorted(
    (a, b) =>
      compareText(a.kind, b.kind) ||
      GRADES.indexOf(a.verification) - GRADES.indexOf(b.verification) ||
      Number(b.known) - Number(a.known) ||
      (b.at ?? 0) - (a.at ?? 0) ||
      compareText(a.value, b.value) ||
      compareText(a.source, b.source) ||
      compareText(a.original ?? "", b.original ?? ""),
  );
  const once = sorted.filter(
    ({ kind, value }, place) => sorted.findIndex((other) => other.kind === kind && other.value === value) === place,
  );
  const isListed = (contact: Contact) =>
    once.filter(({ kind }) => kind === contact.kind).indexOf(contact) < LISTED_OF_A_KIND;
  return once.filter(isListed).map(({ kind, value, original, verification, source, at }, place) => ({
    kind,
    value,
    original,
    primary: once.filter(isListed).findIndex((other) => other.kind === kind) === place,
    verification,
    source,
    at: at === null ? null : iso(at),
  }));
}

function describe(
  kind: string,
  value: string,
  told: string,
  { source, at, vouched }: ReturnType<typeof listTold>[number],
): Contact {
  const original = told === value ? null : told;
  return { kind, value, original, verification: "unverified", source, at, known: vouched };
}

/** The latest value of each source, vouched for and claimed apart. */
function listTold(name: string, facts: readonly AcceptedEvent[]) {
  const telling = facts.filter(({ event }) => Object.hasOwn(event.traits ?? {}, name));
  return groupBy(telling, (event) => [event.source, isVouched(event)]).map((group) => {
    const last = must(group.toSorted(byTime).at(-1));
    const value = last.event.traits?.[name];
    return { value, source: last.source, at: last.event.occurredAt, vouched: isVouched(last) };
  });
}

/** What came back last was not reached; a click of whoever may vouch for the address is hers; anything else has arrived. */
function gradeAddress({ key }: Identifier, facts: readonly AcceptedEvent[]) {
  const fates = facts.flatMap(({ event, identifiers }) => {
    const named = identifiers.find((identifier) => identifier.key === key);
    const step = ["delivered", "opened", "clicked", "bounced"].find((one) => event.type === `message-${one}`);
    if (named === undefined || step === undefined) return [];
    const clicked = step === "clicked" && isAuthenticated(named.assurance);
    return [{ at: event.occurredAt, fate: step === "bounced" ? "bounced" : clicked ? "verified" : "delivered" }];
  });
  if (fates.length === 0) return { verification: "unverified", at: null };
  const at = Math.max(...fates.map((one) => one.at));
  const holds = (fate: string) => fates.some((one) => one.fate === fate && (fate !== "bounced" || one.at === at));
  return { verification: must(["bounced", "verified", "delivered"].find(holds)), at };
}
