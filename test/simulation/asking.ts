// Who asks to be forgotten, and when: whom a request is about is read off the store as it stands, and is written to its
// topic, often only a while later, whatever happens in between. A request about what several people share is made at rest,
// and nothing is said until it has arrived (SPEC.md, section 9); such requests are few, and made together.

import type { ErasureRequest } from "#core/erasure.ts";
import { StoreBehind, StoreDamaged } from "#ports/store.ts";
import { draftErasure } from "#services/wire/erasure.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import { AWAITED } from "./circumstances.ts";
import { type Forgetting, type ForgettingGround, listServices } from "./forgetting.ts";
import { NAMES } from "./kit.ts";

/** Longer each time. */
const ASK_AGAIN_MS = 40;
const ASKED_MAX = 12;
const LOOK_EVERY_MS = 20;
/** Between reading and writing, where nothing is waited for. */
const HESITATION_MS_MAX = 800;
/** Events of which somebody may ask. */
const LOOKED_AT = 16;
/** Identifiers of each that may name her. */
const NAMES_TRIED = 3;
/** One of so many may be about somebody of whom another one is on its way. */
const REPEATED_EVERY = 8;

type Keys = Omit<ErasureRequest, "requestId" | "at">;

export class Asking {
  readonly #ground: ForgettingGround;
  readonly #forgetting: Forgetting;
  #waiting = 0;
  /** Read, and not written yet. */
  readonly #drafted = new Map<number, Keys>();
  /** Those who wait until nothing is under way. */
  #resting: number[] = [];
  /** Those who wait until they have asked. */
  #held: (() => void)[] = [];
  #isHolding = false;
  /** Nothing is held back any more. */
  onRelease: () => void = () => {};

  constructor(ground: ForgettingGround, forgetting: Forgetting) {
    this.#ground = ground;
    this.#forgetting = forgetting;
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
    return this.#isHolding;
  }

  /** Everybody who asked was heard, and nothing is held back any more. */
  get isDone(): boolean {
    return this.#waiting === 0 && !this.#isHolding;
  }

  async #ask(place: number, attempt: number): Promise<void> {
    const { world } = this.#ground;
    if (this.#isHolding) {
      this.#held.push(() => void this.#ask(place, attempt));
      return;
    }
    const keys = await this.#draft(place, attempt);
    if (keys === null && attempt < ASKED_MAX)
      world.after(ASK_AGAIN_MS * attempt, `erasure ${place} again`, () => void this.#ask(place, attempt + 1));
    else if (keys !== null && isShared(keys)) {
      this.#resting.push(place);
      if (this.#isHolding) return;
      this.#isHolding = true;
      this.#awaitRest();
    } else if (keys === null) this.#waiting -= 1;
    else await this.#hesitate(place, keys);
  }

  async #hesitate(place: number, keys: Keys): Promise<void> {
    const { world } = this.#ground;
    const { circumstances } = this.#forgetting;
    this.#drafted.set(place, keys);
    const write = () => {
      this.#waiting -= 1;
      this.#drafted.delete(place);
      this.#send(place, keys);
    };
    const awaited = AWAITED[place % AWAITED.length] ?? null;
    const name = `erasure ${place}`;
    if (awaited !== null) circumstances.await(awaited, await this.#forgetting.listHomes(keys.own), name, write);
    else world.after(HESITATION_MS_MAX * Math.max(0, world.draw(name) - 0.5), `${name} is written`, write);
  }

  #awaitRest(): void {
    const { world, isAtRest } = this.#ground;
    world.after(LOOK_EVERY_MS, "erasures at rest", () => {
      if (!isAtRest()) this.#awaitRest();
      else if (this.#resting.length > 0) void this.#askAtRest();
      else {
        this.#isHolding = false;
        this.onRelease();
        const held = this.#held;
        this.#held = [];
        for (const ask of held) world.after(ASK_AGAIN_MS * world.draw(world.number("held")), "erasure held", ask);
      }
    });
  }

  async #askAtRest(): Promise<void> {
    const places = this.#resting;
    this.#resting = [];
    for (const place of places) {
      const keys = await this.#draft(place, 1);
      this.#waiting -= 1;
      if (keys === null) continue;
      if (isShared(keys)) this.#ground.world.count("request about what she shares");
      this.#send(place, keys);
    }
    this.#awaitRest();
  }

  #send(place: number, keys: Keys): void {
    const { world, kit, broker, recorded } = this.#ground;
    const at = Math.max(
      ...recorded.map(({ recordedAt }) => recordedAt),
      ...this.#forgetting.requests.map((one) => one.at),
    );
    const requestId = `erasure-${place}`;
    this.#forgetting.take({ requestId, at, ...keys });
    const value = kit.encodeRequest({ requestId, ...keys });
    broker.append({ topic: NAMES.privacy, partition: 0, key: requestId, value, timestampMs: at });
    world.count("request to be forgotten");
  }

  /** Somebody of whom something is under way at this moment, or anybody. */
  async #draft(place: number, attempt: number): Promise<Keys | null> {
    const { recorded, world } = this.#ground;
    const services = listServices(this.#ground);
    if (recorded.length === 0) return null;
    const last = recorded.length - 1;
    const from = place % 2 === 0 ? last : Math.floor(world.draw(`erasure ${place} of ${attempt}`) * recorded.length);
    try {
      for (let at = from; at >= Math.max(0, from - LOOKED_AT); at -= 1) {
        if (!this.#isFree(place, at)) continue;
        for (const { namespace, value } of (recorded[at] as RecordedEvent).event.identifiers.slice(0, NAMES_TRIED)) {
          const drafted = await draftErasure(services, namespace, value, "FR");
          if (drafted.ok && this.#isTimely(place, drafted.keys)) return drafted.keys;
          if (drafted.ok) break;
        }
      }
      return null;
    } catch (error) {
      if (!(error instanceof StoreBehind || error instanceof StoreDamaged)) throw error;
      return null;
    }
  }

  /** Nobody has asked for her since the event. */
  #isFree(place: number, at: number): boolean {
    if (place % REPEATED_EVERY === 0) return true;
    const keys = this.#forgetting.identifiersAt(at).map(({ key }) => key);
    const isDrafted = [...this.#drafted.values()].some(({ own }) => own.some((key) => keys.includes(key)));
    return !isDrafted && !this.#forgetting.isAskedFor(keys, at);
  }

  #isTimely(place: number, keys: Keys): boolean {
    const { erasuresAtMs = [], sharingFromMs = 0 } = this.#ground.world.plan;
    return !isShared(keys) || (erasuresAtMs[place] ?? 0) >= sharingFromMs;
  }
}

function isShared({ claimed, shared }: Keys): boolean {
  return claimed.length + shared.length > 0;
}
