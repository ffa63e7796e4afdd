// What of a configuration, beside the rules, decides who is one person and what profiles say, by section: compared with the
// log at start, so that nobody folds one log under two of them without anybody's saying so (T1).

import { createHash } from "node:crypto";
import type { LoadedConfiguration } from "./configuration.ts";

/** Those of FIXED are the log's for good: under others it is another log. */
export const FINGERPRINTED = ["identityKey", "layout", "namespaces", "sources", "facts"] as const;
export type Fingerprinted = (typeof FINGERPRINTED)[number];
export const FIXED: readonly Fingerprinted[] = ["identityKey", "layout"];

export type Fingerprints = Readonly<Record<Fingerprinted, string>>;

export function fingerprint({
  configuration,
  deployment,
}: Pick<LoadedConfiguration, "configuration" | "deployment">): Fingerprints {
  const { joinAssurance, namespaces, sources, purposesWithoutProof, declaredFields } = configuration;
  const { shards, resolverSlots } = deployment.engine;
  return {
    identityKey: deployment.identityKey.fingerprint,
    layout: `${shards} shards, ${resolverSlots} resolver slots`,
    namespaces: digest({ joinAssurance, namespaces }),
    sources: digest(sources),
    facts: digest({ purposesWithoutProof, declaredFields }),
  };
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
