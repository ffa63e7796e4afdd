// Everything one machine needs to run Weft, put together once: adapters behind the ports, the engine, and the two
// processes that can be started over them. `up`, `resolve`, `stitch`, `demo`, `lookup` and `digest` share it.

import { randomUUID } from "node:crypto";
import { createEngine, type Engine } from "#core/engine.ts";
import type { ChannelEvent } from "#core/event.ts";
import type { LimitKind } from "#core/limit.ts";
import type { Hash } from "#core/identifier.ts";
import type { EventOutcome, Output } from "#core/effect.ts";
import type { Membership } from "#ports/log.ts";
import type { Store } from "#ports/store.ts";
import type { LoadedConfiguration } from "#services/config/configuration.ts";
import { fingerprint } from "#services/config/fingerprint.ts";
import { allTopics, channelTopics, deadLetterTopic, innerTopics, topicNames } from "#services/config/topics.ts";
import type { ResolverCounts, ResolverServices } from "#services/resolver/loop.ts";
import { createForeignReaders } from "#services/channel/foreign.ts";
import { startResolver } from "#services/resolver/main.ts";
import type { StitcherServices } from "#services/stitcher/loop.ts";
import { startStitcher } from "#services/stitcher/main.ts";
import type { BundleValue } from "#services/wire/bundle.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { IndexKeeper, isIndexWhole } from "#services/wire/index-keeper.ts";
import { createHash } from "#services/wire/hash.ts";
import { type FoldedWith, readEntry, requireRulesOfLog, toItem } from "#services/wire/rules.ts";
import { createOutputEncoder } from "#services/wire/output.ts";
import { PayloadKeys } from "#services/wire/payload-keys.ts";
import { HoldLedger, type SourceEntry } from "#services/wire/hold-ledger.ts";
import { PrivacyLedger } from "#services/wire/privacy-ledger.ts";
import { countryOfAskers } from "#services/wire/lookup.ts";
import type { LookupServices } from "#services/wire/location.ts";
import { type LoopEvent, patiently, type Waiting } from "#services/wire/patience.ts";
import packageFile from "../../package.json" with { type: "json" };
import { requirePositions, resolverOf, stitcherOf } from "./positions.ts";
import { judgeLogSafety, openState, openWires, requireRegistration, type Wires } from "./wiring.ts";

/** Between two looks whether the store's disk is due. */
const DISK_LOOK_MS = 600_000;

export interface RuntimeOptions {
  readonly embedded: boolean;
  /** As for the wires. */
  readonly isProcess?: boolean;
  /** The clock that ticks are made of. */
  readonly now?: () => number;
  onWait?(line: string): void;
  onBatch?(counts: ResolverCounts): void;
  onOutcome?(outcome: EventOutcome): void;
  onOutputs?(outputs: readonly Output[]): void;
  onLimit?(limit: LimitKind): void;
  onStopped?(shard: number, reason: string): void;
  onLoop?(event: LoopEvent): void;
  /** A source is held back or released. */
  onSource?(entry: SourceEntry): void;
}

export interface Runtime {
  readonly wires: Wires;
  readonly engine: Engine;
  readonly hash: Hash;
  readonly store: Store;
  readonly index: ComponentIndex;
  readonly lookups: LookupServices;
  /** Of what is sealed on the inner log. */
  readonly keys: PayloadKeys;
  /** How national phone numbers are read that verbs are given. */
  readonly country: string;
  createTopics(): Promise<void>;
  startResolver(): Promise<Membership>;
  startStitcher(): Promise<Membership>;
  close(): Promise<void>;
}

/** What a process of this configuration folds with. */
export function foldedWith(loaded: LoadedConfiguration): FoldedWith {
  return { rules: loaded.configuration.rules, fingerprints: fingerprint(loaded), engine: packageFile.version };
}

export async function openRuntime(loaded: LoadedConfiguration, options: RuntimeOptions): Promise<Runtime> {
  const { configuration, deployment } = loaded;
  const { engine: settings } = deployment;
  const onWait = options.onWait ?? ((line: string) => process.stderr.write(`${line}\n`));
  const { isProcess = false } = options;
  const wires = await openWires(loaded, {
    embedded: options.embedded,
    isProcess,
    onWait,
    ...(options.now === undefined ? {} : { now: options.now }),
  });
  const state = await openState(loaded, wires, { onWait, isProcess });
  const hash = createHash(deployment.identityKey.bytes);
  const index = new ComponentIndex(state.index, hash);
  const decode = (bytes: Uint8Array): ChannelEvent => {
    const decoded = wires.codec.decode(bytes);
    if (!decoded.ok) throw new Error(`an event that the resolver accepted cannot be read: ${decoded.reason}`);
    return decoded.value as ChannelEvent;
  };
  const engine = createEngine({ configuration, hash, resolverSlots: settings.resolverSlots, decode });
  const names = topicNames(loaded);
  const readers = new Map(configuration.sources.map(({ topic, name }) => [topic, name]));
  const closing = new AbortController();
  const waiting: Waiting = { onWait, ...(options.onLoop === undefined ? {} : { onLoop: options.onLoop }) };
  // A registry that is away at the start is waited for like one that goes away later.
  const awaitRegistry = <T>(work: () => Promise<T>) => patiently(waiting, closing.signal, "schema registry", work);
  const encodeBundle = () =>
    awaitRegistry(
      async () => (await wires.codec.encoder(names.resolved, "ResolvedBundle")) as (value: BundleValue) => Uint8Array,
    );
  /** Events that are not forwarded as they came, under a subject of their own: no topic holds them by themselves. */
  const encodeEvent = async (): Promise<Pick<ResolverServices, "encodeEvent">> => {
    const { payloadMappings } = deployment;
    if (configuration.sources.every(({ name, legalBasisByField }) => !legalBasisByField && !payloadMappings.has(name)))
      return {};
    const topic = `${deployment.kafka.topicPrefix}weft.channel-event`;
    return { encodeEvent: await awaitRegistry(() => wires.codec.encoder(topic, "ChannelEvent")) };
  };
  const shared = {
    codec: wires.codec,
    shards: settings.shards,
    resolvedTopic: names.resolved,
    transactionIntervalMs: settings.transactionIntervalMs,
    keysTopic: names.keys,
    waiting,
  };
  const keeper = new IndexKeeper({ ...shared, index: state.index, known: index, log: wires.log, run: randomUUID() });
  const ofKeys = {
    index: state.index,
    identityKey: deployment.identityKey.bytes,
    topic: names.keys,
    now: () => performance.now(),
  };
  // Whoever only reads puts nothing back.
  const keys = new PayloadKeys({ ...ofKeys, repair: (names) => keeper.checkKeys(names) });
  const { topicPrefix } = deployment.kafka;

  async function requireSafety(): Promise<void> {
    await state.requireSafety();
    const { privacy, rules, sources, keys: keysTopic } = names;
    const topics = [...channelTopics(loaded), ...innerTopics(loaded)].map(({ name }) => name);
    for (const finding of await wires.log.findUnsafeTopics([...topics, privacy, rules, sources, keysTopic]))
      judgeLogSafety(deployment.kafka.brokers, finding, onWait, deployment.dev);
  }

  /** A store that is away is asked the next time. */
  function tendDisk(): void {
    const ask = () => void state.rewriteDisk().catch(() => {});
    ask();
    const timer = setInterval(ask, DISK_LOOK_MS).unref();
    closing.signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** What the files say must be what the log says; with the rules of before any other, which a replay begins with. */
  async function openRules() {
    return await awaitRegistry(() => requireRulesOfLog(wires, names.rules, foldedWith(loaded)));
  }

  async function startResolving(): Promise<Membership> {
    await requireSafety();
    await openRules();
    requireRegistration(loaded, await wires.log.listTopics());
    const services: ResolverServices = {
      ...shared,
      registry: engine.registry,
      index,
      keeper,
      keys,
      privacy: new PrivacyLedger(names.privacy, wires.log, wires.codec),
      holds: new HoldLedger(names.sources, wires.log, wires.codec, options.onSource),
      rules: {
        topic: names.rules,
        readItem(record) {
          const entry = readEntry(wires.codec, record);
          return entry === null || typeof entry === "string" ? entry : toItem(entry);
        },
      },
      encodeBundle: await encodeBundle(),
      ...(await encodeEvent()),
      tickIntervalMs: settings.tickIntervalMs,
      sourceOf: (topic) => readers.get(topic) ?? null,
      foreignOf: createForeignReaders(loaded, wires.codec),
      deadLetterTopic,
      now: options.now ?? Date.now,
      ...(options.onBatch === undefined ? {} : { onBatch: options.onBatch }),
    };
    const member = resolverOf(loaded);
    await requirePositions(wires.log, member);
    return startResolver(wires.log, services, {
      topics: member.reads,
      slots: settings.resolverSlots,
      groupPrefix: topicPrefix,
    });
  }

  async function startStitching(): Promise<Membership> {
    await requireSafety();
    const { first } = await openRules();
    const services: StitcherServices = {
      ...shared,
      engine: engine.under(first.rules),
      store: state.store,
      keeper,
      keys,
      encodeBundle: await encodeBundle(),
      encodeOutput: await awaitRegistry(() => createOutputEncoder(wires.codec, names)),
      prepareEvents: (events) => wires.codec.prepare(events),
      findRoots: (components) => index.findRoots(components),
      join: (request) => index.join(request),
      ...(options.onOutputs === undefined ? {} : { onOutputs: options.onOutputs }),
      ...(options.onLimit === undefined ? {} : { onLimit: options.onLimit }),
      ...(options.onStopped === undefined ? {} : { onStopped: options.onStopped }),
      ...(options.onOutcome === undefined ? {} : { onOutcome: options.onOutcome }),
    };
    await requirePositions(wires.log, stitcherOf(loaded));
    tendDisk();
    return startStitcher(wires.log, services, { slots: settings.stitchSlots, groupPrefix: topicPrefix });
  }

  return {
    wires,
    engine,
    hash,
    store: state.store,
    index,
    lookups: {
      engine,
      index,
      store: state.store,
      shards: settings.shards,
      isIndexWhole: () => isIndexWhole(state.index),
    },
    keys: new PayloadKeys(ofKeys),
    country: countryOfAskers(configuration),
    createTopics: () => wires.log.createTopics(allTopics(loaded)),
    startResolver: startResolving,
    startStitcher: startStitching,
    async close() {
      closing.abort();
      await wires.close();
      await state.close();
    },
  };
}
