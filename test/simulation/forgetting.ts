// Somebody asks to be forgotten while everything else goes on (G1): whom it is about is read off the store as it stands,
// the request is written to its topic, and from then on every write is looked at for the marks of what was forgotten.

import { acceptEvent, type AcceptedEvent } from "#core/acceptance.ts";
import { type ErasureRequest, Erasures } from "#core/erasure.ts";
import type { Erased } from "#core/component.ts";
import { comparePositions, type Position } from "#ports/log.ts";
import { type ShardCommit, StoreBehind, StoreDamaged } from "#ports/store.ts";
import { ComponentIndex } from "#services/wire/component-index.ts";
import { draftErasure, type ErasureDraft, listErasedKeys } from "#services/wire/erasure.ts";
import { locateLife, type LookupServices } from "#services/wire/location.ts";
import { readPeople } from "#services/wire/profile-reader.ts";
import { hash } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { forget } from "#support/oracle-erasure.ts";
import { draftRequest } from "#support/subjects.ts";
import type { Broker } from "./broker.ts";
import { type Kit, NAMES } from "./kit.ts";
import { isForgotten, isOf, listMarks, markOf, registry } from "./marks.ts";
import type { ServerState } from "./state.ts";
import type { World } from "./world.ts";

const ASK_AGAIN_MS = 25;
const ASKED_MAX = 60;
const LOOK_EVERY_MS = 20;
/** Events that were sent last. */
const LATEST = 8;

type Keys = Omit<ErasureRequest, "requestId" | "at">;

interface Asked {
  readonly request: ErasureRequest;
  /** Records that stood on the channel topics before. */
  readonly fed: number;
  /** Keys of what its homes have not forgotten yet, in the lives that it ends. */
  readonly left: Set<string>;
}

interface Gone {
  readonly erased: Erased;
  /** R of each shard then: what is told from there on was made afterwards. */
  readonly since: readonly Position[];
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

export class Forgetting {
  readonly requests: ErasureRequest[] = [];
  readonly #ground: ForgettingGround;
  readonly #asked: Asked[] = [];
  readonly #gone = new Map<string, Gone>();
  readonly #marked = new Map<string, { readonly accepted: AcceptedEvent; readonly fedAt: number }>();
  #marksRead = 0;
  #waiting = 0;
  #holds = 0;

  constructor(ground: ForgettingGround) {
    this.#ground = ground;
  }

  start(): void {
    const { world } = this.#ground;
    for (const [place, atMs] of (world.plan.erasuresAtMs ?? []).entries()) {
      this.#waiting += 1;
      world.after(atMs, `erasure ${place}`, () => void this.#ask(place, 1));
    }
  }

  /** True while nothing may be said, lest it come to the home of what she shares before the request (SPEC.md, section 9). */
  get isHolding(): boolean {
    return this.#holds > 0;
  }

  /** Everybody who asked was heard, and nothing is held back any more. */
  get isDone(): boolean {
    return this.#waiting === 0 && !this.isHolding;
  }

  /** At the end: an identifier of hers that its home has not forgotten, although it was asked to. */
  async findUnforgotten(): Promise<string | null> {
    const erasures = this.#erasures();
    for (const { requestId, own } of this.requests)
      for (const first of own) {
        const key = erasures.erasedKey(hash, first, requestId);
        const located = await locateLife(this.#services(), key);
        // Of two requests about one person at once the second may end a life in which nothing happened.
        if (located === null ? key !== first : located.entry.erased?.kind === "own") continue;
        return `${key} was to be forgotten by ${requestId}, and is not (G1)`;
      }
    return null;
  }

  /** What was committed; a shard that is folded anew goes through what was, and is not read meanwhile. */
  async seeCommit({ shard, parts, outbox }: ShardCommit, isAnew: boolean): Promise<void> {
    if (this.#asked.length === 0) return;
    if (isAnew) this.#ground.world.count("folded anew after an erasure");
    else {
      for (const [key, bytes] of parts) if (bytes !== null) this.#look(bytes, `part ${key} of shard ${shard}`);
      for (const { topic, value } of outbox) if (value !== null) this.#look(value, `a record for ${topic}`);
    }
    for (const asked of this.#asked) if (asked.left.size > 0) await this.#follow(asked);
  }

  seeOutput(topic: string, shard: number, place: Position, value: Uint8Array): void {
    const isAfter = ({ since }: Gone) => comparePositions(place, since[shard] ?? { offset: 0, step: 0 }) >= 0;
    this.#look(value, topic, isAfter);
  }

  /** Of what was sent after the request the inner log keeps nothing. */
  seeBundle(value: Uint8Array): void {
    if (this.#asked.length === 0) return;
    for (const mark of listMarks(value)) {
      const { accepted, fedAt } = this.#eventOf(mark);
      const known = this.#asked.filter(({ fed }) => fed <= fedAt).map(({ request }) => request);
      if (known.length === 0 || !isForgotten(accepted, known)) continue;
      this.#ground.world.fail(`${mark} came after its subject was erased, and is on the inner log (G1)`);
    }
  }

  #look(bytes: Uint8Array, where: string, isAfter: (gone: Gone) => boolean = () => true): void {
    if (this.#gone.size === 0) return;
    for (const mark of listMarks(bytes)) {
      const { accepted } = this.#eventOf(mark);
      const [named] = forget(registry, [accepted], this.requests).accepted;
      const gone = this.#gone.get(named?.anchor ?? "");
      if (named === undefined || gone === undefined || !isAfter(gone) || !isOf(named, gone.erased)) continue;
      this.#ground.world.fail(`${where} shows ${mark}, whose subject has been erased (G1)`);
    }
  }

  async #ask(place: number, attempt: number, isResting = false): Promise<void> {
    const { world } = this.#ground;
    const again = (ms: number, resting: boolean) =>
      world.after(ms, `erasure ${place} again`, () => void this.#ask(place, attempt + 1, resting));
    if (isResting && !this.#ground.isAtRest()) return again(LOOK_EVERY_MS, true);
    const keys = await this.#draft(place);
    if (keys === null && attempt < ASKED_MAX) return again(ASK_AGAIN_MS, isResting);
    const hasRest = keys !== null && keys.claimed.length + keys.shared.length > 0;
    if (hasRest && !isResting) {
      this.#holds += 1;
      return again(LOOK_EVERY_MS, true);
    }
    this.#waiting -= 1;
    if (keys !== null) this.#send(place, keys);
    if (hasRest) world.count("request about what she shares");
    if (isResting) this.#release(place);
  }

  #send(place: number, keys: Keys): void {
    const { world, kit, broker, recorded } = this.#ground;
    const at = Math.max(...recorded.map(({ recordedAt }) => recordedAt), ...this.requests.map((one) => one.at));
    const requestId = `erasure-${place}`;
    const request: ErasureRequest = { requestId, at, ...keys };
    this.requests.push(request);
    const left = new Set(listErasedKeys(hash, this.#erasures(), request));
    this.#asked.push({ request, fed: recorded.length, left });
    const value = kit.encodeRequest({ requestId, ...keys });
    broker.append({ topic: NAMES.privacy, partition: 0, key: requestId, value, timestampMs: at });
    world.count("request to be forgotten");
  }

  #erasures(): Erasures {
    const erasures = new Erasures();
    for (const request of this.requests) erasures.add(request);
    return erasures;
  }

  #release(place: number): void {
    const { world, isAtRest } = this.#ground;
    world.after(LOOK_EVERY_MS, `erasure ${place} at rest`, () => {
      if (isAtRest()) this.#holds -= 1;
      else this.#release(place);
    });
  }

  async #draft(place: number) {
    const pick = (what: string) => Math.floor(this.#ground.world.draw(`erasure ${place} ${what}`) * 1000);
    const asking = { whom: pick("whom"), by: pick("by") };
    const { kit, state, world } = this.#ground;
    const services = this.#services();
    const people = () => readPeople(kit.engineFor(world.plan), services.store, world.plan.shards);
    const draft = (namespace: string, value: string) => draftErasure(services, namespace, value, "FR");
    try {
      // What was lost and not noticed yet would not be asked about.
      if (!state.isWhole) return null;
      for (let shard = 0; shard < world.plan.shards; shard += 1)
        if (comparePositions(state.appliedUpTo(shard), state.reachedBy(shard)) < 0) return null;
      const hasted = place % 2 === 0 ? await this.#draftFromLatest(draft) : null;
      return hasted ?? (await draftRequest({ readPeople: people, draftErasure: draft }, asking));
    } catch (error) {
      if (!(error instanceof StoreBehind)) throw error;
      return null;
    }
  }

  /** Somebody of whom something is under way at this moment. */
  async #draftFromLatest(draft: (namespace: string, value: string) => Promise<ErasureDraft>) {
    for (const { event } of this.#ground.recorded.slice(-LATEST).toReversed())
      for (const { namespace, value } of event.identifiers) {
        const drafted = await draft(namespace, value);
        if (drafted.ok) return drafted.keys;
      }
    return null;
  }

  async #follow({ request, left }: Asked): Promise<void> {
    const { state, world } = this.#ground;
    for (const key of left) {
      let erased: Erased | null;
      try {
        erased = (await locateLife(this.#services(), key))?.entry.erased ?? null;
      } catch (error) {
        if (!(error instanceof StoreBehind || error instanceof StoreDamaged)) throw error;
        continue;
      }
      if (erased === null || erased.at < request.at) continue;
      left.delete(key);
      const since = Array.from({ length: world.plan.shards }, (_, shard) => state.reachedBy(shard));
      this.#gone.set(key, { erased, since });
      world.count("identifier forgotten");
    }
  }

  /** As it is at this instant. */
  #services(): LookupServices {
    const { kit, state, world } = this.#ground;
    const { plan } = world;
    const store = { ...state.readAll(), hasLost: async () => false } as unknown as LookupServices["store"];
    return { engine: kit.engineFor(plan), index: new ComponentIndex(state.readIndex()), store, shards: plan.shards };
  }

  #eventOf(mark: string): { readonly accepted: AcceptedEvent; readonly fedAt: number } {
    const { recorded, kit, world } = this.#ground;
    const { registry } = kit.engineFor(world.plan);
    for (; this.#marksRead < recorded.length; this.#marksRead += 1) {
      const { source, recordedAt, event } = recorded[this.#marksRead] as RecordedEvent;
      const name = markOf(event);
      const acceptance = acceptEvent(registry, source, recordedAt, event);
      if (name === null || !acceptance.ok || this.#marked.has(name)) continue;
      this.#marked.set(name, { accepted: acceptance.accepted, fedAt: this.#marksRead });
    }
    const found = this.#marked.get(mark);
    if (found === undefined) throw new Error(`nobody sent ${mark}`);
    return found;
  }
}
