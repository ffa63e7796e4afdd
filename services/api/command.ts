// How a command reaches the log: nothing is sent until the log and the registry answer, and where the log goes away in
// between the caller is told that nobody knows. Never half done.

import { RegistryUnavailable } from "#ports/codec.ts";
import { LogError } from "#ports/log.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import type { Hash } from "#core/identifier.ts";
import type { Gate } from "./outage.ts";
import { ApiProblem } from "./problem.ts";
import type { ApiServices } from "./services.ts";

/** Of the digest: so many that no two commands under one id have the same. */
const DIGEST_LENGTH = 11;

/**
 * The id of a command's event: the command's own and a keyed digest of what it says. The engine drops a second event of an id,
 * so one that is sent again counts once, and another one under an id that was used is not taken for the first.
 */
export function nameEvent(hash: Hash, id: string, said: unknown): string {
  return `${id}.${hash(JSON.stringify(said)).slice(0, DIGEST_LENGTH)}`;
}

/** What `work` asks of the log, in the time of a call. Throws ApiProblem. */
export async function askLog<T>(gate: Gate, work: () => Promise<T>): Promise<T> {
  return await gate.pass(async () => {
    try {
      return await work();
    } catch (error) {
      throw isOutage(error) ? new ApiProblem("log-unavailable", {}, { cause: error }) : error;
    }
  });
}

/** What `work` reads of the topic, once the log and the registry answer. Throws ApiProblem. */
export async function requireLog<T>(
  { codec, log, logGate }: Pick<ApiServices, "codec" | "log" | "logGate">,
  { topic, schema }: { readonly topic: string; readonly schema: string },
  work: () => Promise<T>,
): Promise<T> {
  return await askLog(logGate, async () => {
    await codec.encoder(topic, schema);
    await log.endOffsets([topic]);
    return await work();
  });
}

/** The request to forget somebody of this id; null: there is none. Throws ApiProblem. */
export async function findErasure(
  services: Pick<ApiServices, "codec" | "log" | "logGate" | "privacy">,
  id: string,
): Promise<ErasureRequest | null> {
  const { privacy } = services;
  await requireLog(services, { topic: privacy.topic, schema: "PrivacyRequest" }, () => privacy.catchUp());
  return privacy.find(id);
}

/** Runs `publish` for the command of this id, which writes one record of the schema to the topic. Throws ApiProblem. */
export async function sendCommand(
  services: Pick<ApiServices, "codec" | "log" | "logGate">,
  { id, topic, schema }: { readonly id: string; readonly topic: string; readonly schema: string },
  publish: () => Promise<void>,
): Promise<void> {
  await requireLog(services, { topic, schema }, async () => {});
  try {
    await services.logGate.pass(publish);
  } catch (error) {
    if (error instanceof ApiProblem || isOutage(error))
      throw new ApiProblem("outcome-unknown", { detail: `the command's id is ${id}` }, { cause: error });
    throw error;
  }
}

export function isOutage(error: unknown): boolean {
  return error instanceof LogError || error instanceof RegistryUnavailable;
}
