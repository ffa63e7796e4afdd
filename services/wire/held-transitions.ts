// What a person's profile went through, for herself: told under its id, and under those of identifiers that are hers now. An id
// that once led to hers and does no more is somebody's else, or that of what several people share. What a rule read then (facts,
// touches, credit) may have been of whoever had her device beside her: what of it is hers is among her events.

import { compareText } from "#core/comparison.ts";
import type { Component } from "#core/component.ts";
import type { KeptMove, SegmentTransition, TransitionCause } from "#core/effect.ts";
import { compareTransitions } from "#core/transition-id.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log } from "#ports/log.ts";

/** One that a reader of the topic keeps for longer than the topic does. */
export interface KeptTransition extends KeptMove {
  readonly at: number;
  /** Of the event that caused it; null: none did. */
  readonly source: string | null;
  readonly eventId: string | null;
  /** Cause of what took it back; null: it stands. */
  readonly retractedBy: TransitionCause | null;
}

/** As she is given it: its event, too, only where that is hers. */
export interface HeldTransition extends Omit<KeptTransition, "at"> {
  readonly at: string;
}

type ToldTransition = Omit<KeptTransition, "retractedBy"> & Pick<SegmentTransition, "kind" | "retracts">;

export interface TransitionServices {
  readonly log: Pick<Log, "read">;
  readonly codec: Codec;
  /** Under an id, those that the topic may have no more. */
  listKept?(profileId: string): readonly KeptTransition[];
}

/** Ids by which she was told of, each with the instant up to which what was told is of somebody who was erased since. */
export function listOwnIds({ identifiers, profiles }: Component, told: Iterable<string>): Map<string, number> {
  const ids = new Map<string, number>();
  for (const key of told) {
    const record = profiles.get(key);
    if (record !== undefined) ids.set(record.id, identifiers.get(key)?.erased?.at ?? Number.NEGATIVE_INFINITY);
  }
  return ids;
}

/** By the topic, which is read whole; the earliest first. */
export async function readHeldTransitions(
  { log, codec, listKept }: TransitionServices,
  topic: string,
  ids: ReadonlyMap<string, number>,
  isHers: (source: string, eventId: string) => boolean,
): Promise<HeldTransition[]> {
  const held = new Map<string, HeldTransition>();
  const retracted = new Map<string, TransitionCause>();
  const add = (told: KeptTransition | ToldTransition): void => {
    if (told.at > (ids.get(told.profileId) ?? 0)) held.set(told.transitionId, describeTransition(told, isHers));
  };
  for (const id of ids.keys())
    for (const kept of listKept?.(id) ?? []) {
      add(kept);
      if (kept.retractedBy !== null) retracted.set(kept.transitionId, kept.retractedBy);
    }
  for await (const { key, value: bytes, partition, offset } of log.read([topic], { from: "start", follow: false })) {
    if (bytes === null || key === null || !ids.has(key)) continue;
    await codec.prepare([bytes]);
    const decoded = codec.decode(bytes);
    if (!decoded.ok) throw new Error(`transition ${partition}@${offset} cannot be read`);
    const told = decoded.value as ToldTransition;
    if (told.kind === "retraction") retracted.set(told.retracts ?? "", told.cause);
    else add(told);
  }
  return [...held.values()]
    .map((one) => ({ ...one, retractedBy: retracted.get(one.transitionId) ?? null }))
    .sort((a, b) => compareText(a.at, b.at) || compareTransitions(a, b));
}

function describeTransition(
  {
    transitionId,
    profileId,
    from,
    to,
    cause,
    nature,
    rule,
    ruleVersion,
    timeInFormerMs,
    valueTier,
    decisive,
    reachable,
    at,
    source,
    eventId,
  }: KeptTransition | ToldTransition,
  isHers: (source: string, eventId: string) => boolean,
): HeldTransition {
  const by = source !== null && eventId !== null && isHers(source, eventId) ? { source, eventId } : NOBODYS;
  return {
    transitionId,
    profileId,
    at: new Date(at).toISOString(),
    from,
    to,
    cause,
    nature,
    ...by,
    rule,
    ruleVersion,
    timeInFormerMs,
    valueTier,
    decisive: [...decisive],
    reachable: [...reachable],
    retractedBy: null,
  };
}

const NOBODYS = { source: null, eventId: null };
