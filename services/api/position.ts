// Positions that readers may wait for (`?at-least=`): a place on a shard's log, a command that is to take effect.
// Opaque to callers, and without a personal value: identifiers stand in them as their keyed hashes.

import { setTimeout as sleep } from "node:timers/promises";
import { isInEffect } from "#services/wire/ruling.ts";
import { isStated } from "#services/wire/statement.ts";
import { isErased } from "#services/wire/erasure.ts";
import { countShards } from "#services/wire/rules.ts";
import { unlessClosing } from "./closing.ts";
import { findErasure } from "./command.ts";
import { ApiProblem, refuse } from "./problem.ts";
import type { ApiServices } from "./services.ts";

const SHARD = /^(\d{1,4})\.(\d{1,15})$/;
const RULING = /^r\.([0-9A-Fa-f-]{36}\.[A-Za-z0-9_-]{11})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})$/;
const STATEMENT = /^s\.([0-9A-Fa-f-]{36}\.[A-Za-z0-9_-]{11})\.([A-Za-z0-9_-]{22})\.(\d{1,15})$/;
const ERASURE = /^e\.([0-9A-Fa-f-]{36})$/;
const RULES = /^g\.(\d{1,15})$/;
export const POSITION = new RegExp([SHARD, RULING, STATEMENT, ERASURE, RULES].map(({ source }) => source).join("|"));

const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 100;

/** keys: of the two identifiers. */
export function formatRulingPosition(eventId: string, [a, b]: readonly [string, string]): string {
  return `r.${eventId}.${a}.${b}`;
}

/** key: of the identifier that it is about. */
export function formatStatementPosition(eventId: string, key: string, atMs: number): string {
  return `s.${eventId}.${key}.${atMs}`;
}

export function formatErasurePosition(id: string): string {
  return `e.${id}`;
}

export function formatRulesPosition(sequence: number): string {
  return `g.${sequence}`;
}

/** Resolves once what the position names is in what a reader reads. Throws ApiProblem. */
export async function awaitPosition(services: ApiServices, text: string): Promise<void> {
  const isThere = await openPosition(services, text);
  const deadline = performance.now() + services.waitMs;
  for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, 2 * pauseMs)) {
    if (await services.storeGate.pass(isThere)) return;
    if (performance.now() + pauseMs > deadline) throw new ApiProblem("position-not-reached");
    await unlessClosing(services.closing, sleep(pauseMs));
  }
}

/** What tells whether it is reached. Throws ApiProblem. */
async function openPosition(services: ApiServices, text: string): Promise<() => Promise<boolean>> {
  const [, shard, offset] = SHARD.exec(text) ?? [];
  if (shard !== undefined) {
    const place = { shard: Number(shard), offset: Number(offset) };
    if (place.shard >= services.shards) throw refuse("query.at-least", "no such shard");
    return async () => ((await services.store.standing(place.shard))?.position.offset ?? 0) >= place.offset;
  }
  const [, stated, key = "", atMs] = STATEMENT.exec(text) ?? [];
  if (stated !== undefined) return () => isStated(services, stated, key, Number(atMs));
  const [, erasure] = ERASURE.exec(text) ?? [];
  if (erasure !== undefined) {
    const request = await findErasure(services, erasure);
    if (request === null) return async () => false;
    return () => isErased({ ...services, index: services.index.anew() }, services.privacy, erasure);
  }
  const [, sequence] = RULES.exec(text) ?? [];
  if (sequence !== undefined)
    return async () => (await countShards(services.store, services.shards, Number(sequence))).there === services.shards;
  const [, ruling = "", a = "", b = ""] = RULING.exec(text) ?? [];
  return () => isInEffect(services, ruling, [a, b]);
}
