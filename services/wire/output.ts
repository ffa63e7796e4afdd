// Effects of the engine to records of the output topics: plain string keys, Avro values, CloudEvents headers and the
// trace context of the cause. The record's own timestamp is when it was published, so that retention counts from there;
// when it was so stands in the value and in ce_time.

import type { Output } from "#core/effect.ts";
import { cloudEventHeaders } from "#core/headers.ts";
import type { Codec } from "#ports/codec.ts";
import type { NewRecord } from "#ports/log.ts";

export interface OutputTopics {
  readonly profileChanged: string;
  readonly segmentTransition: string;
  readonly identityChanged: string;
  readonly profileSignal: string;
  readonly profileState: string;
  readonly identityAlias: string;
  readonly profileErased: string;
}

/** Where in the inner log an output comes from: its position token. */
export interface OutputPosition {
  readonly shard: number;
  readonly offset: number;
  readonly step: number;
}

const RECORD_NAMES = {
  profileChanged: "ProfileChanged",
  segmentTransition: "SegmentTransition",
  identityChanged: "IdentityChanged",
  profileSignal: "ProfileSignal",
  profileState: "ProfileState",
  identityAlias: "IdentityAlias",
  profileErased: "ProfileErased",
} as const satisfies Record<keyof OutputTopics, string>;

export type OutputEncoder = (output: Output, position: OutputPosition) => NewRecord;

/** What all records of a topic share. */
interface Lane {
  readonly topic: string;
  readonly type: string;
  readonly dataschema: string;
  readonly encode: (value: unknown) => Uint8Array;
}

export async function createOutputEncoder(codec: Codec, topics: OutputTopics): Promise<OutputEncoder> {
  const lanes = {} as Record<keyof OutputTopics, Lane>;
  for (const name of Object.keys(RECORD_NAMES) as (keyof OutputTopics)[]) {
    const topic = topics[name];
    lanes[name] = {
      topic,
      type: `dev.weft.${topic}`,
      dataschema: `/subjects/${topic}-value`,
      encode: await codec.encoder(topic, RECORD_NAMES[name]),
    };
  }
  return (output, position) => {
    const { topic: name, key, id, timeMs, value, traceparent } = describe(output, position);
    const { topic, type, dataschema, encode } = lanes[name];
    return {
      topic,
      key,
      value: value === null ? null : encode(value),
      headers: cloudEventHeaders({ id, source: "/weft", type, timeMs, subject: key, dataschema, traceparent }),
    };
  };
}

interface Description {
  readonly topic: keyof OutputTopics;
  readonly key: string;
  readonly id: string;
  readonly timeMs: number;
  readonly value: unknown;
  readonly traceparent: string | null;
}

/** Values are made in one go, a copy first where there is one: what is added to an object name by name costs more than writing it. */
function describe(output: Output, position: OutputPosition): Description {
  const { shard, offset, step } = position;
  switch (output.kind) {
    case "profile-changed": {
      const { profileId, version, segment, changes, cause } = output;
      const id = `${profileId}.v${version}`;
      const value = {
        changeId: id,
        profileId,
        version,
        at: cause.at,
        segment,
        changes,
        causeEventId: cause.eventId,
        causeSource: cause.source,
        shard,
        offset,
        step,
      };
      return { topic: "profileChanged", key: profileId, id, timeMs: cause.at, value, traceparent: cause.traceparent };
    }
    case "profile-state": {
      const { profileId, state, cause } = output;
      const value =
        state === null
          ? null
          : { ...state, profileId, segmentSince: state.segmentSince ?? cause.at, at: cause.at, shard, offset, step };
      const id = state === null ? `${profileId}.end.${nameOf(position)}` : `${profileId}.s${state.version}`;
      return { topic: "profileState", key: profileId, id, timeMs: cause.at, value, traceparent: cause.traceparent };
    }
    case "transition":
    case "retraction": {
      const { profileId, transitionId, by } = output;
      const { eventId, source, at, occurredAt } = by;
      const value = { ...output, eventId, source, at, occurredAt, shard, offset, step };
      return {
        topic: "segmentTransition",
        key: profileId,
        id: transitionId,
        timeMs: by.at,
        value,
        traceparent: by.traceparent,
      };
    }
    case "identity-changed": {
      const { changeId, change, profileId, otherProfileId, identifiers, identifiersCount, cause } = output;
      const value = {
        changeId,
        kind: change,
        profileId,
        otherProfileId,
        at: cause.at,
        eventId: cause.eventId,
        source: cause.source,
        identifiers,
        identifiersCount,
        shard,
        offset,
        step,
      };
      return {
        topic: "identityChanged",
        key: profileId,
        id: changeId,
        timeMs: cause.at,
        value,
        traceparent: cause.traceparent,
      };
    }
    case "signal": {
      const { profileId, signalId, at } = output;
      return {
        topic: "profileSignal",
        key: profileId,
        id: signalId,
        timeMs: at,
        value: { ...output, shard, offset, step },
        traceparent: null,
      };
    }
    case "profile-erased": {
      const { profileId, requestId, cause } = output;
      const value = { profileId, requestId, at: cause.at, shard, offset, step };
      const id = `${profileId}.e.${requestId}`;
      return { topic: "profileErased", key: profileId, id, timeMs: cause.at, value, traceparent: null };
    }
    case "alias": {
      const { oldProfileId, profileId, at } = output;
      const value = profileId === null ? null : { oldProfileId, profileId, at };
      return {
        topic: "identityAlias",
        key: oldProfileId,
        id: `${oldProfileId}.a.${nameOf(position)}`,
        timeMs: at,
        value,
        traceparent: null,
      };
    }
  }
}

/** A bundle that took several steps says in which of them, the first one apart. */
function nameOf({ shard, offset, step }: OutputPosition): string {
  return step === 0 ? `${shard}.${offset}` : `${shard}.${offset}-${step}`;
}
