// A consumer of the outputs as a careful customer would write it: committed records only, and it checks all the time
// what is promised about the stream (O2): nothing twice, versions without a gap, each transition where the last one led.

import { resolve } from "node:path";
import { openKafkaLog } from "#adapters/kafka/log.ts";
import { INPUT_COMPATIBILITY, openRegistryCodec } from "#adapters/registry/codec.ts";
import type { Codec } from "#ports/codec.ts";
import type { Log, LogRecord } from "#ports/log.ts";
import { topicNames } from "#services/config/topics.ts";
import type { People } from "#services/wire/profile-reader.ts";
import type { Deployment } from "./deployment.ts";

const SCHEMAS_FOLDER = resolve(import.meta.dirname, "../../schemas");

export interface ReadTransition {
  readonly kind: "transition" | "retraction";
  readonly retracts: string | null;
  readonly transitionId: string;
  readonly profileId: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string;
}

interface ReadProfileChanged {
  readonly changeId: string;
  readonly profileId: string;
  readonly version: number;
  readonly segment: string;
}

interface ReadIdentityChanged {
  readonly changeId: string;
  readonly kind: string;
  readonly profileId: string;
  readonly otherProfileId: string | null;
}

interface ReadSignal {
  readonly signalId: string;
  readonly profileId: string;
}

/** Faults that are told; more of them say nothing more. */
const FAULTS_MAX = 20;

export class LiveReader {
  readonly transitions: ReadTransition[] = [];
  readonly identityChanges: ReadIdentityChanged[] = [];
  readonly signals: ReadSignal[] = [];
  /** By profile: the newest version and the segment that came with it. */
  readonly profiles = new Map<string, ReadProfileChanged>();
  count = 0;
  readonly #faults: string[] = [];
  readonly #ids = new Set<string>();
  readonly #segments = new Map<string, string | null>();
  readonly #numbers = new Map<string, number>();
  readonly #breaks = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #log: Log;
  readonly #codec: Codec;
  readonly #deployment: Deployment;
  #reading: Promise<void> = Promise.resolve();

  private constructor(deployment: Deployment, log: Log, codec: Codec) {
    this.#deployment = deployment;
    this.#log = log;
    this.#codec = codec;
  }

  /** From the start of the topics, which must exist. */
  static async open(deployment: Deployment): Promise<LiveReader> {
    const { kafka, registry } = deployment.loaded.deployment;
    const codec = await openRegistryCodec({
      url: registry.url,
      schemasDirectory: SCHEMAS_FOLDER,
      autoRegister: false,
      compatibilityOf: () => INPUT_COMPATIBILITY,
    });
    const log = await openKafkaLog({ brokers: kafka.brokers, clientId: "live-reader" });
    const reader = new LiveReader(deployment, log, codec);
    reader.#reading = reader.#read();
    // A failure is told by close.
    reader.#reading.catch(() => {});
    return reader;
  }

  /** How often the id was given to a profile, or taken from one, that goes on under another id. */
  countRenames(profileId: string): number {
    return this.identityChanges.filter(
      (change) => change.kind === "alias" && [change.profileId, change.otherProfileId].includes(profileId),
    ).length;
  }

  /** Where the last transition of each profile led; not of ids that were renamed, of which no transition tells. */
  get segments(): ReadonlyMap<string, string | null> {
    return new Map([...this.#segments].filter(([profileId]) => this.countRenames(profileId) === 0));
  }

  /** Everything that broke a promise so far. To be asked when all has been read: a rename is told on another topic. */
  findFaults(): string[] {
    const broken = [...this.#breaks]
      .filter(([profileId, breaks]) => breaks > this.countRenames(profileId))
      .map(([profileId]) => `the transitions of ${profileId} do not chain`);
    return [...this.#faults, ...broken];
  }

  /** Where what was told differs from who is in the store. */
  findDifferences(people: People): string[] {
    const differences: string[] = [];
    const living = new Set(people.profiles.map(({ profileId }) => profileId));
    const segments = this.segments;
    for (const { profileId, segment } of people.profiles) {
      const told = this.profiles.get(profileId)?.segment ?? null;
      if (told !== segment) differences.push(`${profileId} is in ${segment}, its last profile-changed says ${told}`);
      const led = segments.get(profileId) ?? null;
      if (led !== segment && this.countRenames(profileId) === 0)
        differences.push(`${profileId} is in ${segment}, its last transition led to ${led}`);
    }
    for (const [profileId, segment] of segments)
      if (segment !== null && !living.has(profileId))
        differences.push(`${profileId} is no more, its last transition led to ${segment}`);
    return differences;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
    await this.#log.close();
  }

  async #read(): Promise<void> {
    const names = topicNames(this.#deployment.loaded);
    const topics = [names.profileChanged, names.segmentTransition, names.identityChanged, names.profileSignal];
    for await (const record of this.#log.read(topics, { from: "start", follow: true, signal: this.#stop.signal })) {
      await this.#codec.prepare([record.value]);
      const decoded = this.#codec.decode(record.value);
      if (!decoded.ok) this.#fault(`${describePlace(record)}: ${decoded.reason}`);
      else this.#take(record, decoded.value);
      this.count += 1;
    }
  }

  #take(record: LogRecord, value: unknown): void {
    const names = topicNames(this.#deployment.loaded);
    const { profileId } = value as { profileId: string };
    if (record.key !== profileId) this.#fault(`${describePlace(record)}: its key is not its profileId`);
    switch (record.topic) {
      case names.profileChanged:
        return this.#takeProfileChanged(value as ReadProfileChanged);
      case names.segmentTransition:
        return this.#takeTransition(value as ReadTransition);
      case names.identityChanged:
        return this.#takeIdentityChanged(value as ReadIdentityChanged);
      default:
        this.#takeId((value as ReadSignal).signalId);
        this.signals.push(value as ReadSignal);
    }
  }

  #takeProfileChanged(changed: ReadProfileChanged): void {
    this.#takeId(changed.changeId);
    const before = this.profiles.get(changed.profileId)?.version ?? 0;
    if (changed.version !== before + 1)
      this.#fault(`profile-changed of ${changed.profileId}: version ${changed.version} after ${before}`);
    this.profiles.set(changed.profileId, changed);
  }

  #takeTransition(transition: ReadTransition): void {
    const { transitionId, profileId, from, to } = transition;
    this.#takeId(transitionId);
    this.#takeNumber(profileId, transitionId);
    if (transition.kind === "retraction") {
      if (!this.#ids.has(transition.retracts ?? "")) this.#fault(`${transitionId} retracts what was never said`);
      return;
    }
    const before = this.#segments.get(profileId) ?? null;
    // Where an id took a profile over, the segment came with it.
    if (from !== before) this.#breaks.set(profileId, (this.#breaks.get(profileId) ?? 0) + 1);
    if (from === to) this.#fault(`${transitionId}: from ${from} to itself`);
    this.#segments.set(profileId, to);
    this.transitions.push(transition);
  }

  #takeIdentityChanged(change: ReadIdentityChanged): void {
    this.#takeId(change.changeId);
    this.#takeNumber(`identity of ${change.profileId}`, change.changeId);
    this.identityChanges.push(change);
  }

  /** Ids end in a number that grows by one. */
  #takeNumber(of: string, id: string): void {
    const number = Number(/\.i?(\d+)$/.exec(id)?.[1]);
    const before = this.#numbers.get(of) ?? 0;
    if (number !== before + 1) this.#fault(`${id} after number ${before}`);
    this.#numbers.set(of, number);
  }

  #takeId(id: string): void {
    if (this.#ids.has(id)) this.#fault(`${id} came twice`);
    this.#ids.add(id);
  }

  #fault(text: string): void {
    if (this.#faults.length < FAULTS_MAX) this.#faults.push(text);
  }
}

function describePlace({ topic, partition, offset }: LogRecord): string {
  return `${topic}/${partition}@${offset}`;
}
