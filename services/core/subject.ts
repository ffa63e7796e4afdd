// Whom a request of a person is about: what of a component is hers, what only claims tie to her, and what she shares.

import { compareText } from "./comparison.ts";
import { isUntold, type Component, type Entry } from "./component.ts";
import { identifierKey } from "./identifier.ts";
import { membersOf } from "./membership.ts";
import type { Registry } from "./registry.ts";
import { findGroup, isKnown, type Weighed } from "./weighed.ts";
import { weighComponent } from "./weighing.ts";

export interface Subject {
  /** Known identifiers and devices of the profile. */
  readonly own: readonly Entry[];
  /** Its weak identifiers that are no devices: somebody typed them. */
  readonly claimed: readonly Entry[];
  /** Keys of identifiers that are on no profile of hers, or on several, because she is one of those who claim them. */
  readonly shared: readonly string[];
  /** Another home has not said yet whose something is, or nobody what something is called: who it was in its first life is not known. */
  readonly isSettled: boolean;
}

export function findSubject(registry: Registry, component: Component, naming: string): Subject {
  const members = Array.from(membersOf(component, naming), (key) => component.identifiers.get(key) as Entry);
  const isOwn = (entry: Entry) =>
    isKnown(registry, entry) || registry.namespaces.get(entry.namespace)?.kind === "device";
  return {
    own: members.filter(isOwn),
    claimed: members.filter((entry) => !isOwn(entry)),
    shared: findShared(registry, component, naming),
    isSettled: members.every((entry) => !entry.pending && !isUntold(entry)),
  };
}

/** The key by which a request names an identifier: that of its first life. */
export function firstKey(registry: Registry, { namespace, value }: Entry): string {
  return identifierKey(registry, namespace, value);
}

function findShared(registry: Registry, component: Component, naming: string): string[] {
  const { identifiers, abroad, evidence } = component;
  const { identifiers: weighed } = weighComponent(registry, component);
  const leaders = new Set(
    weighed.flatMap(({ entry, person }) => (entry.profile === naming ? (person?.entry.key ?? []) : [])),
  );
  const isHers = (claimants: Iterable<string>) => [...claimants].some((claimant) => leaders.has(claimant));
  const byKey = new Map(weighed.map((one) => [one.entry.key, one]));
  const claimsOf = (key: string): Iterable<string> => {
    const status = abroad?.far.get(key)?.status;
    return byKey.get(key)?.claimants?.keys() ?? (status?.known === false ? status.claimants : []);
  };
  /** Clusters without claimants follow those of what they are tied to. */
  const followers = new Set<Weighed>();
  for (const { a, b } of evidence.values()) {
    for (const [near, other] of [
      [byKey.get(a), b],
      [byKey.get(b), a],
    ] as const)
      if (near !== undefined && !near.known && near.claimants === null && isHers(claimsOf(other)))
        followers.add(findGroup(near));
  }
  const shared = weighed.flatMap((one) => {
    const { entry, shown } = one;
    if (entry.profile === naming) return [];
    const isShown = shown.some((key) => identifiers.get(key)?.profile === naming);
    const isClaimed = one.contested && !one.known && (isHers(claimsOf(entry.key)) || followers.has(findGroup(one)));
    return isShown || isClaimed ? [entry.key] : [];
  });
  const far = [...(abroad?.far.keys() ?? [])].filter((key) => isHers(claimsOf(key)));
  return [...shared, ...far].sort(compareText);
}
