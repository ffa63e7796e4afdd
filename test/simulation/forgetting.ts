// Somebody asks to be forgotten while everything else goes on (G1; asking.ts): from the moment at which her home has
// forgotten her every write is looked at for the marks of what she told.

import { acceptEvent, type AcceptedEvent } from "#core/acceptance.ts";
import { type ErasureRequest, Erasures } from "#core/erasure.ts";
import { type Component, type Erased, type Forwarder, isComponentPart } from "#core/component.ts";
import { comparePositions, type Position } from "#ports/log.ts";
import { type ShardCommit, StoreBehind, StoreDamaged } from "#ports/store.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { isErased, listErasedKeys } from "#services/wire/erasure.ts";
import { type Located, locateLife, type LookupServices } from "#services/wire/location.ts";
import type { BundleValue } from "#services/wire/bundle.ts";
import { decodePart, encodePart } from "#services/wire/part.ts";
import { hash } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { forget } from "#support/oracle-erasure.ts";
import type { Broker } from "./broker.ts";
import { Circumstances, ERASURES, nameOfLast } from "./circumstances.ts";
import { type Kit, NAMES } from "./kit.ts";
import { isForgotten, isOf, listMarks, markOf, registry } from "./marks.ts";
import type { SeenBundle } from "./observer.ts";
import { findReadable } from "./readable.ts";
import type { ServerState } from "./state.ts";
import type { World } from "./world.ts";

interface Asked {
  readonly request: ErasureRequest;
  /** Records that stood on the channel topics before. */
  readonly fed: number;
  /** Keys of identifiers that its homes have not forgotten yet, in the lives that it ends. */
  readonly left: Set<string>;
  /** Of these, what nobody could read when it was written. */
  readonly unread: Set<string>;
  readonly struck: readonly string[];
  isHeard: boolean;
}

interface Gone {
  readonly erased: Erased;
  /** R of each shard then: what is told from there on was made afterwards. */
  readonly since: readonly Position[];
}

interface Marked {
  readonly accepted: AcceptedEvent;
  readonly fedAt: number;
  /** Under the keys of its time, as of so many requests. */
  named: AcceptedEvent | null;
  requests: number;
}

export interface ForgettingGround {
  readonly world: World;
  /** Not what is under test. */
  readonly kit: Kit;
  readonly broker: Broker;
  readonly state: ServerState;
  /** What stands on the channel topics. */
  readonly recorded: readonly RecordedEvent[];
  /** Whether nothing is under way. */
  isAtRest(): boolean;
}

/** Store and index as they are at this instant. */
export function listServices({ kit, state, world }: ForgettingGround): LookupServices {
  const { plan } = world;
  const hasLost: LookupServices["store"]["hasLost"] = (shard, keys) => state.hasLost(shard, keys);
  const store = { ...state.readAll(), hasLost } as LookupServices["store"];
  return { engine: kit.engineFor(plan), index: new ComponentIndex(state.readIndex()), store, shards: plan.shards };
}

/**
 * What a home has taken in. An event that came before the hand-over which tells of the erasure waits for it as it came, and is
 * nobody's until then; at rest nothing waits (verdict.ts).
 */
function heldBy(key: string, bytes: Uint8Array): Uint8Array {
  const component = isComponentPart(key) ? (decodePart({ key, value: bytes }).value as Component | Forwarder) : null;
  if (component === null || component.forward !== undefined || component.abroad === null) return bytes;
  if (component.abroad.parked.length === 0) return bytes;
  const value = { ...component, abroad: { ...component.abroad, parked: [] } };
  return encodePart({ key, value }).value ?? bytes;
}

export class Forgetting {
  readonly requests: ErasureRequest[] = [];
  readonly #ground: ForgettingGround;
  readonly circumstances: Circumstances;
  readonly #erasures = new Erasures();
  readonly #asked: Asked[] = [];
  readonly #gone = new Map<string, Gone>();
  readonly #marked = new Map<string, Marked>();
  #marksRead = 0;
  /** Of what stands on the channel topics; null: refused. */
  readonly #accepted: (AcceptedEvent | null)[] = [];
  /** By key: how many records stood there when a request named it last. */
  readonly #lastAsked = new Map<string, number>();

  constructor(ground: ForgettingGround) {
    this.#ground = ground;
    this.circumstances = new Circumstances(ground.world, ground.state);
  }

  /** At the end: an identifier of hers that its home has not forgotten, although it was asked to. */
  async findUnforgotten(): Promise<string | null> {
    const services = listServices(this.#ground);
    for (const { requestId, own } of this.requests)
      for (const first of own) {
        const key = this.#erasures.erasedKey(hash, first, requestId);
        const located = await locateLife(services, key);
        // Of two requests about one person at once the second may end a life in which nothing happened.
        if (located === null ? key !== first : located.entry.erased?.kind === "own") continue;
        return `${key} was to be forgotten by ${requestId}, and is not (G1)`;
      }
    const ledger = {
      erasures: this.#erasures,
      find: (id: string) => this.requests.find(({ requestId }) => requestId === id) ?? null,
    };
    for (const { requestId } of this.requests)
      if (!(await isErased(services, ledger, requestId))) return `${requestId} has taken effect, and it is not said so`;
    return null;
  }

  /** At the end: the requests that were heard, by what they struck. */
  tally(): void {
    const { world, recorded } = this.#ground;
    const lastFed = new Map<string, number>();
    for (const fed of recorded.keys()) for (const { key } of this.identifiersAt(fed)) lastFed.set(key, fed);
    for (const { request, fed, isHeard, struck } of this.#asked) {
      if (!isHeard) continue;
      const isLast = request.own.every((key) => (lastFed.get(key) ?? 0) < fed);
      for (const name of [ERASURES, ...struck, nameOfLast(isLast)]) world.count(name);
    }
  }

  /** Of an event that stands on the channel topics, unless it is refused. */
  identifiersAt(fed: number): AcceptedEvent["identifiers"] {
    return this.#acceptedAt(fed)?.identifiers ?? [];
  }

  /** Whether a request that was made later names one of these, or one that nobody has heard yet. */
  isAskedFor(keys: readonly string[], fed: number): boolean {
    const isUnheard = keys.some((key) =>
      this.#asked.some(({ isHeard, request }) => !isHeard && request.own.includes(key)),
    );
    return isUnheard || keys.some((key) => (this.#lastAsked.get(key) ?? 0) > fed);
  }

  /** At the end: what is said of her and opens with a key that somebody holds. */
  findReadable(bundles: readonly SeenBundle[]): Promise<string | null> {
    const isHers = (key: string) => this.#gone.get(key)?.erased.kind === "own";
    const isMarkHers = (mark: string) => isHers(this.#nameNow(this.#eventOf(mark))?.anchor ?? "");
    return findReadable(this.#ground, bundles, { isHers, isMarkHers });
  }

  /** What was committed; a shard that is folded anew goes through what was, and is not read meanwhile. */
  async seeCommit({ shard, parts, outbox }: ShardCommit, isAnew: boolean): Promise<void> {
    if (isAnew) this.circumstances.seeRefold();
    if (this.#asked.length === 0) return;
    if (isAnew) this.#ground.world.count("folded anew after an erasure");
    else {
      for (const [key, bytes] of parts)
        if (bytes !== null) this.#look(heldBy(key, bytes), `part ${key} of shard ${shard}`);
      for (const { topic, value } of outbox) if (value !== null) this.#lookInto(topic, value);
    }
    const written = [...parts].flatMap(([key, bytes]) => [Buffer.from(key), Buffer.from(bytes ?? [])]);
    for (const asked of this.#asked) if (asked.left.size > 0) await this.#follow(asked, written);
  }

  seeOutput(topic: string, shard: number, place: Position, value: Uint8Array): void {
    const isAfter = ({ since }: Gone) => comparePositions(place, since[shard] ?? { offset: 0, step: 0 }) >= 0;
    this.#look(value, topic, isAfter);
  }

  /** Of what was sent after the request the inner log keeps nothing. */
  seeBundle(bytes: Uint8Array, bundle: BundleValue): void {
    for (const { absorb } of bundle.items) if (absorb) this.circumstances.seeMerge(absorb.component, absorb.into);
    if (this.#asked.length === 0) return;
    for (const mark of this.#revealMarks(bytes, bundle)) {
      const { accepted, fedAt } = this.#eventOf(mark);
      const known = this.#asked.filter(({ fed }) => fed <= fedAt).map(({ request }) => request);
      if (known.length === 0 || !isForgotten(accepted, known)) continue;
      this.#ground.world.fail(`${mark} came after its subject was erased, and is on the inner log (G1)`);
    }
  }

  /** What is about to be written to its topic. */
  take(request: ErasureRequest): void {
    this.requests.push(request);
    this.#erasures.add(request);
    const lived = listErasedKeys(hash, this.#erasures, { ...request, orders: [] });
    const struck: string[] = [];
    const { recorded } = this.#ground;
    this.#asked.push({
      request,
      fed: recorded.length,
      left: new Set(lived),
      unread: new Set(),
      struck,
      isHeard: false,
    });
    void this.listHomes(lived).then((homes) => struck.push(...this.circumstances.list(homes)));
  }

  /** Of what lives under these keys. */
  async listHomes(keys: readonly string[]): Promise<string[]> {
    const { index } = listServices(this.#ground);
    await index.prefetch(keys);
    return keys.flatMap((key) => index.birthOf(key) ?? []).map((birth) => index.rootOf(birth));
  }

  #look(bytes: Uint8Array, where: string, isAfter: (gone: Gone) => boolean = () => true): void {
    if (this.#gone.size === 0) return;
    for (const mark of listMarks(bytes)) {
      const named = this.#nameNow(this.#eventOf(mark));
      const gone = this.#gone.get(named?.anchor ?? "");
      if (named === null || gone === undefined || !isAfter(gone) || !isOf(named, gone.erased)) continue;
      this.#ground.world.fail(`${where} shows ${mark}, whose subject has been erased (G1)`);
    }
  }

  /**
   * Of what is on its way to the inner log all that it says, save an event that was on its way to a home which has moved: it goes
   * on as it came, under the key of her life, which nobody has any more (readable.ts).
   */
  #lookInto(topic: string, value: Uint8Array): void {
    const { kit, state } = this.#ground;
    if (this.#gone.size === 0) return;
    const decoded = topic === NAMES.resolved ? kit.codec.decode(value) : null;
    if (decoded?.ok !== true) return this.#look(value, `a record for ${topic}`);
    const bundle = decoded.value as BundleValue;
    const told = { ...bundle, items: bundle.items.filter(({ event }) => !event) };
    for (const plain of [kit.encodeBundle(told), ...state.keyring.reveal(told)])
      this.#look(plain, `a record for ${topic}`);
  }

  #revealMarks(bytes: Uint8Array, bundle: BundleValue): string[] {
    return [bytes, ...this.#ground.state.keyring.reveal(bundle)].flatMap(listMarks);
  }

  #nameNow(marked: Marked): AcceptedEvent | null {
    if (marked.requests !== this.requests.length) {
      [marked.named = null] = forget(registry, [marked.accepted], this.requests).accepted;
      marked.requests = this.requests.length;
    }
    return marked.named;
  }

  /** Whose identifiers what was written names: only then they may have been forgotten by it. */
  async #follow(asked: Asked, written: readonly Buffer[]): Promise<void> {
    const { state, world } = this.#ground;
    for (const key of asked.left) {
      if (!asked.unread.has(key) && !written.some((bytes) => bytes.includes(key))) continue;
      const located = await this.#locate(key);
      if (located === null) asked.unread.add(key);
      else asked.unread.delete(key);
      const erased = located?.entry.erased ?? null;
      if (erased === null || erased.at < asked.request.at) continue;
      asked.left.delete(key);
      asked.isHeard = true;
      const since = Array.from({ length: world.plan.shards }, (_, shard) => state.reachedBy(shard));
      this.#gone.set(key, { erased, since });
      world.count("identifier forgotten");
    }
  }

  async #locate(key: string): Promise<Located | null> {
    try {
      return await locateLife(listServices(this.#ground), key);
    } catch (error) {
      if (!(error instanceof StoreBehind || error instanceof StoreDamaged)) throw error;
      return null;
    }
  }

  #eventOf(mark: string): Marked {
    const { recorded } = this.#ground;
    for (; this.#marksRead < recorded.length; this.#marksRead += 1) {
      const accepted = this.#acceptedAt(this.#marksRead);
      const name = accepted && markOf(accepted.event);
      if (accepted === null || name === null || this.#marked.has(name)) continue;
      this.#marked.set(name, { accepted, fedAt: this.#marksRead, named: null, requests: 0 });
    }
    const found = this.#marked.get(mark);
    if (found === undefined) throw new Error(`nobody sent ${mark}`);
    return found;
  }

  #acceptedAt(fed: number): AcceptedEvent | null {
    for (let at = this.#accepted.length; at <= fed; at += 1) {
      const { source, recordedAt, event } = this.#ground.recorded[at] as RecordedEvent;
      const acceptance = acceptEvent(registry, source, recordedAt, event);
      this.#accepted.push(acceptance.ok ? acceptance.accepted : null);
    }
    return this.#accepted[fed] ?? null;
  }
}
