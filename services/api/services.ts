// What the routes work with: the engine's readers and the log, behind gates that keep a service that is away from holding
// requests up.

import type { FastifyBaseLogger } from "fastify";
import { compareText } from "#core/comparison.ts";
import type { Hash } from "#core/identifier.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";
import { StoreBehind, StoreDamaged, StoreUnavailable } from "#ports/store.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { topicNames } from "#services/config/topics.ts";
import { countryOfAskers } from "#services/wire/lookup.ts";
import type { LookupServices } from "#services/wire/location.ts";
import type { PayloadKeys } from "#services/wire/payload-keys.ts";
import type { FoldedWith } from "#services/wire/rules.ts";
import { Directory } from "./directory.ts";
import { Gate } from "./outage.ts";
import { Passages } from "./passages.ts";
import { PrivacyLedger } from "#services/wire/privacy-ledger.ts";
import { awaitPosition } from "./position.ts";
import { ApiProblem, refuse } from "./problem.ts";

/** What the index has lost and got back otherwise is noticed after this long; those who repair it are other processes. */
const INDEX_KEPT_MS = 30_000;

/** What the process that starts the API brings. */
export interface ApiSurroundings extends Omit<LookupServices, "shards"> {
  readonly loaded: LoadedConfiguration;
  readonly hash: Hash;
  readonly log: Log;
  readonly codec: Codec;
  readonly foldedWith: FoldedWith;
  readonly keys: Pick<PayloadKeys, "toOpen">;
}

export interface ApiServices extends ApiSurroundings, LookupServices {
  readonly country: string;
  readonly directory: Directory;
  readonly passages: Passages;
  /** Read where somebody asks about a request. */
  readonly privacy: PrivacyLedger;
  readonly storeGate: Gate;
  readonly logGate: Gate;
  readonly waitMs: number;
  readonly heartbeatMs: number;
  /** Aborted with a problem once the process is being stopped: whatever only waits is given up. */
  readonly closing: AbortSignal;
}

export interface Patience {
  /** How long a reader waits for its position. */
  readonly waitMs: number;
  /** How long the store or the log may take for one answer. */
  readonly callMs: number;
  /** How often a stream shows that it lives, and looks whether its reader still may. */
  readonly heartbeatMs: number;
}

export function createServices(
  surroundings: ApiSurroundings,
  { waitMs, callMs, heartbeatMs }: Patience,
  { closing, logger }: { readonly closing: AbortSignal; readonly logger: Pick<FastifyBaseLogger, "warn"> },
): ApiServices {
  const { configuration, deployment } = surroundings.loaded;
  const topics = topicNames(surroundings.loaded);
  let { index } = surroundings;
  let indexSinceMs = performance.now();
  const tellAway = (key: string) => () => logger.warn({ file: key }, "not read on for too long, begun anew");
  return {
    ...surroundings,
    get index() {
      if (performance.now() - indexSinceMs > INDEX_KEPT_MS) {
        index = index.anew();
        indexSinceMs = performance.now();
      }
      return index;
    },
    directory: new Directory(deployment.api.directoryFile, surroundings, {
      topic: topics.profileState,
      hash: surroundings.hash,
      gate: new Gate("directory-behind", callMs),
      onAwayTooLong: tellAway("api.directoryFile"),
    }),
    passages: new Passages(deployment.api.passagesFile, surroundings, {
      topics,
      gate: new Gate("passages-behind", callMs),
      onAwayTooLong: tellAway("api.passagesFile"),
    }),
    privacy: new PrivacyLedger(topics.privacy, surroundings.log, surroundings.codec),
    shards: deployment.engine.shards,
    country: countryOfAskers(configuration),
    storeGate: new Gate("store-unavailable", callMs),
    logGate: new Gate("log-unavailable", callMs),
    waitMs,
    heartbeatMs,
    closing,
  };
}

/** Reads once the position is reached, if there is one. Throws ApiProblem. */
export async function read<T>(services: ApiServices, atLeast: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    if (atLeast !== undefined) await awaitPosition(services, atLeast);
    return await services.storeGate.pass(work);
  } catch (error) {
    throw translateStore(error);
  }
}

/** Which namespaces there are is no secret, and a misspelt one is no person that nobody knows. Throws ApiProblem. */
export function requireNamespace({ engine }: Pick<ApiServices, "engine">, name: string, path: string): void {
  const { namespaces } = engine.registry;
  if (namespaces.has(name)) return;
  throw refuse(path, `none of ${[...namespaces.keys()].sort(compareText).join(", ")}`);
}

/** The same of each of a list. Throws ApiProblem. */
export function requireNamespaces(
  services: Pick<ApiServices, "engine">,
  identifiers: readonly { readonly namespace: string }[],
): void {
  for (const [place, { namespace }] of identifiers.entries())
    requireNamespace(services, namespace, `body.identifiers.${place}.namespace`);
}

export function translateStore(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return new ApiProblem("store-unavailable", {}, { cause: error });
  if (error instanceof StoreBehind || error instanceof StoreDamaged)
    return new ApiProblem("store-behind", {}, { cause: error });
  return error;
}
