// What a run needs beside the world, made once for each system: codec, encoders and engine of the production code.

import { join } from "node:path";
import { openLocalCodec } from "#adapters/registry/local.ts";
import type { Rules } from "#core/configuration.ts";
import type { Engine } from "#core/engine.ts";
import type { ErasureRequest } from "#core/erasure.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { Codec } from "#ports/codec.ts";
import { deadLetterTopic, nameTopics } from "#services/config/topics.ts";
import type { BundleValue, EncodeBundle } from "#services/wire/bundle.ts";
import { ERASE } from "#services/wire/privacy-ledger.ts";
import { describeRules } from "#services/wire/rules.ts";
import type { OutputEncoder } from "#services/wire/output.ts";
import { configuration, hash } from "#support/histories.ts";
import { ROOT } from "#support/source.ts";
import type { Plan } from "./plan.ts";
import type { System } from "./system.ts";

export const NAMES = nameTopics("");
export const OUTPUT_TOPICS = [
  NAMES.profileChanged,
  NAMES.segmentTransition,
  NAMES.identityChanged,
  NAMES.profileSignal,
  NAMES.profileState,
  NAMES.identityAlias,
  NAMES.profileErased,
];
const SOURCES = new Map(configuration.sources.map(({ topic, name }) => [topic, name]));
const TOPICS = new Map(configuration.sources.map(({ topic, name }) => [name, topic]));
export const CHANNEL_TOPICS = [...SOURCES.keys()];
/** What resolvers read. */
export const READ_TOPICS = [...CHANNEL_TOPICS, NAMES.rules, NAMES.privacy];
export const DEAD_LETTER_TOPICS = CHANNEL_TOPICS.map(deadLetterTopic);

const {
  rules,
  rules: { ladder },
} = configuration;
/** That come into force one after the other, and again. */
export const RULE_SETS: readonly Rules[] = [
  { ...rules, version: "fewer", ladder: ladder.filter(({ segment }) => segment !== "multi-buyer") },
  {
    ...rules,
    version: "other",
    ladder: ladder.map((rung) => (rung.segment === "prospect" ? { ...rung, segment: "lead" } : rung)),
  },
  { ...rules, version: "quiet", audiences: [{ audience: "known", when: "profile.known" }], signals: [] },
];

export interface Kit {
  readonly system: System;
  readonly codec: Codec;
  readonly encodeBundle: EncodeBundle;
  readonly encodeOutput: OutputEncoder;
  readonly encodeEvent: (event: ChannelEvent) => Uint8Array;
  readonly encodeRules: (rules: Rules) => Uint8Array;
  readonly encodeRequest: (request: Omit<ErasureRequest, "at">) => Uint8Array;
  engineFor(plan: Pick<Plan, "resolverSlots" | "firedMax">): Engine;
}

export function sourceOf(topic: string): string | null {
  return SOURCES.get(topic) ?? null;
}

export function topicOf(source: string): string {
  const topic = TOPICS.get(source);
  if (topic === undefined) throw new Error(`no source ${source}`);
  return topic;
}

const codec = await openLocalCodec({ schemasDirectory: join(ROOT, "schemas") });
const encodeBundle = (await codec.encoder(NAMES.resolved, "ResolvedBundle")) as (value: BundleValue) => Uint8Array;
const encodeRecord = await codec.encoder(NAMES.rules, "RulesRecord");
const encodePrivacy = await codec.encoder(NAMES.privacy, "PrivacyRequest");
const encodeEvent = await codec.encoder("channel", "ChannelEvent");

export async function createKit(system: System): Promise<Kit> {
  const engines = new Map<string, Engine>();
  const decode = (bytes: Uint8Array): ChannelEvent => {
    const decoded = codec.decode(bytes);
    if (!decoded.ok) throw new Error(`an event that the resolver accepted cannot be read: ${decoded.reason}`);
    return decoded.value as ChannelEvent;
  };
  return {
    system,
    codec,
    encodeBundle,
    encodeEvent,
    encodeRules: (rules) =>
      encodeRecord({ kind: "applied", ...describeRules(rules), fingerprints: {}, engine: "", author: "", reason: "" }),
    encodeRequest: (request) => encodePrivacy({ kind: ERASE, author: "", reason: "", ...request }),
    encodeOutput: await system.createOutputEncoder(codec, NAMES),
    engineFor({ resolverSlots, firedMax }) {
      const key = `${resolverSlots} ${firedMax}`;
      const options = { configuration, hash, resolverSlots, decode, ...(firedMax === undefined ? {} : { firedMax }) };
      const engine = engines.get(key) ?? system.createEngine(options);
      engines.set(key, engine);
      return engine;
    },
  };
}
