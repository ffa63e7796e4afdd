// The configuration with its look-ups made once.

import {
  assuranceLevel,
  type Assurance,
  type Configuration,
  type NamespaceConfiguration,
  type SourceConfiguration,
} from "./configuration.ts";
import { listJunkDigests, listJunkValues, type Hash } from "./identifier.ts";
import { createJunkList, type JunkList } from "./junk.ts";

export interface RegisteredNamespace extends NamespaceConfiguration {
  readonly anchorRank: number;
  /** Where its values are counted: digests with the values that they are of. */
  readonly counted: string;
  /** Values that a profile may have: one of a unique namespace. Null: any number. */
  readonly heldMax: number | null;
  /** Another namespace has the digests of its values. */
  readonly digested: boolean;
  /** What is junk here beside the list of all: as it was written, and as it is normalised. */
  readonly junkList: JunkList;
  readonly junkValues: ReadonlySet<string>;
}

export interface Registry {
  readonly configuration: Configuration;
  readonly hash: Hash;
  readonly namespaces: ReadonlyMap<string, RegisteredNamespace>;
  readonly sources: ReadonlyMap<string, SourceConfiguration>;
  /** No identifier with fewer ties is quarantined. */
  readonly tiesMin: number;
  /** By the namespace of addresses: that of their mailboxes. */
  readonly folds: ReadonlyMap<string, string>;
  /** The level of evidence that joins two known identifiers. */
  readonly joinLevel: number;
}

export function createRegistry(configuration: Configuration, hash: Hash): Registry {
  const countries = new Set(configuration.sources.map(({ country }) => country));
  return {
    configuration,
    hash,
    namespaces: new Map(
      configuration.namespaces.map((namespace, anchorRank) => {
        const digested = configuration.namespaces.some(({ digestOf }) => digestOf === namespace.name);
        const plain = configuration.namespaces.find(({ name }) => name === namespace.digestOf);
        const { kind, valuesMax, name: counted } = plain ?? namespace;
        const heldMax = kind === "unique" ? 1 : (valuesMax ?? null);
        const digests = plain === undefined ? [] : listJunkDigests(hash, listJunkValues(plain, countries));
        const junkList = createJunkList([...namespace.junk, ...digests]);
        const junkValues = listJunkValues(namespace, countries);
        return [namespace.name, { ...namespace, junkList, junkValues, anchorRank, digested, counted, heldMax }];
      }),
    ),
    folds: new Map(
      configuration.namespaces.flatMap(({ name, foldOf }) => (foldOf === undefined ? [] : [[foldOf, name] as const])),
    ),
    sources: new Map(configuration.sources.map((source) => [source.name, source])),
    joinLevel: assuranceLevel(configuration.joinAssurance),
    tiesMin: Math.min(...configuration.namespaces.flatMap((one) => [one.tiedUniquesMax, one.tiedOthersMax])),
  };
}

/** Whether evidence of that assurance joins two who are known. */
export function joins({ joinLevel }: Registry, assurance: Assurance): boolean {
  return assuranceLevel(assurance) >= joinLevel;
}

/** Two names of one identifier: whether the first says its value where the other says the digest of it. */
export function isPlainer({ namespaces }: Registry, name: string, other: string): boolean {
  if (name === other) return false;
  return namespaces.get(name)?.digestOf === undefined && namespaces.get(other)?.digestOf !== undefined;
}
