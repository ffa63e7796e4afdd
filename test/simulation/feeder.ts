// The producers of the channel topics: events one after the other, over the time of the plan. Some send a record again;
// some write in transactions, which are aborted, or left open for a while, or until their time is over, and readers must wait
// for what others have written behind them.

import type { Rules } from "#core/configuration.ts";
import { configuration } from "#support/histories.ts";
import type { RecordedEvent } from "#support/oracle.ts";
import type { Broker } from "./broker.ts";
import { type Kit, NAMES, RULE_SETS, topicOf } from "./kit.ts";
import type { Arrival } from "./workload.ts";
import type { World } from "./world.ts";

const HELD_MS = 200;
/** A transaction that is open for a while is so for less than its time. */
const OPEN_MS_MIN = 50;
const OPEN_MS_MAX = 1_000;
const RULES_FROM_MS = Date.UTC(2026, 0, 5);

export class Feeder {
  /** What committed readers of the channel topics come to see. */
  readonly recorded: RecordedEvent[] = [];
  /** The last that came into force. */
  rules: Rules = configuration.rules;
  readonly #world: World;
  readonly #broker: Broker;
  readonly #kit: Kit;
  readonly #arrivals: readonly Arrival[];
  /** Held back, or sent again after that and not there yet. */
  #late = 0;
  #held: (() => void)[] = [];
  /** While it says so nothing is sent. */
  isHolding: () => boolean = () => false;

  constructor(world: World, broker: Broker, kit: Kit, arrivals: readonly Arrival[]) {
    this.#world = world;
    this.#broker = broker;
    this.#kit = kit;
    this.#arrivals = arrivals;
  }

  /** Nothing is held back. */
  get isDone(): boolean {
    return this.#late === 0;
  }

  /** Nothing is to be held back any more. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const send of held) send();
  }

  start(): void {
    for (const { atMs, event } of this.#arrivals)
      this.#world.after(atMs, `feed ${event.event.eventId}`, () => this.#send(event));
    let place = 0;
    for (const atMs of this.#world.plan.rulesAtMs ?? [])
      this.#world.after(atMs, `rules at ${atMs}`, () => this.#sendRules(place++));
  }

  #sendRules(place: number): void {
    const rules = RULE_SETS[place % RULE_SETS.length] as Rules;
    this.rules = rules;
    const timestampMs = RULES_FROM_MS + place;
    const value = this.#kit.encodeRules(rules);
    this.#broker.append({ topic: NAMES.rules, partition: 0, key: null, value, timestampMs });
  }

  #send(event: RecordedEvent): void {
    const world = this.#world;
    const name = world.number(`${event.source} ${event.event.eventId}`);
    if (world.goesWrong("input-aborted", name)) void this.#sendInVain(event, name, false);
    if (world.goesWrong("input-hanging", name)) void this.#sendInVain(event, name, true);
    if (!this.isHolding() && world.goesWrong("input-open", name)) void this.#sendBehind(event, name);
    else this.#append(event, name);
    if (world.goesWrong("duplicate", name))
      world.after(60 * world.draw(`again ${name}`), `feed again ${name}`, () => this.#append(event, name));
  }

  #append(event: RecordedEvent, name: string): void {
    if (this.isHolding()) {
      this.#late += 1;
      this.#held.push(() =>
        this.#world.after(HELD_MS * this.#world.draw(`held ${name}`), `feed held ${name}`, () => {
          this.#late -= 1;
          this.#append(event, name);
        }),
      );
      return;
    }
    this.#broker.append(this.#recordOf(event, name));
    this.recorded.push(event);
  }

  async #sendInVain(event: RecordedEvent, name: string, isLeftOpen: boolean): Promise<void> {
    const id = `channel producer ${isLeftOpen ? "that hangs" : "that aborts"} ${name}`;
    const end = await this.#open(id, ghostOf(event, name), name);
    if (!isLeftOpen) this.#world.after(30 * this.#world.draw(`abort ${name}`), `abort ${name}`, () => end("aborting"));
  }

  /** Another producer's transaction is open where it is written: of a ghost, which is aborted, or of a copy of it. */
  async #sendBehind(event: RecordedEvent, name: string): Promise<void> {
    const world = this.#world;
    const isKept = world.draw(`open is kept ${name}`) < 0.5;
    const end = await this.#open(
      `channel producer that takes long ${name}`,
      isKept ? event : ghostOf(event, name),
      name,
    );
    if (isKept) this.recorded.push(event);
    this.#append(event, name);
    const openMs = OPEN_MS_MIN + (OPEN_MS_MAX - OPEN_MS_MIN) * world.draw(`open ${name}`);
    world.after(openMs, `end ${name}`, () => end(isKept ? "committing" : "aborting"));
  }

  /** Returns what ends it. */
  async #open(id: string, event: RecordedEvent, name: string): Promise<(how: "committing" | "aborting") => void> {
    const epoch = await this.#broker.initialise(id);
    await this.#broker.addPositions(id, epoch, "nobody", new Map());
    await this.#broker.produce(id, epoch, [this.#recordOf(event, name)]);
    return (how) => {
      this.#broker.end(id, epoch, how).catch(() => {});
    };
  }

  #recordOf({ source, recordedAt, event }: RecordedEvent, name: string) {
    const { channelPartitions } = this.#world.plan;
    const partition = Math.floor(this.#world.draw(`partition ${name}`) * channelPartitions);
    return {
      topic: topicOf(source),
      partition,
      key: null,
      value: this.#kit.encodeEvent(event),
      timestampMs: recordedAt,
    };
  }
}

/** Of somebody who never was: whoever reads it makes a person too many. */
function ghostOf({ event, ...rest }: RecordedEvent, name: string): RecordedEvent {
  const identifiers = [{ namespace: "customer", value: `ghost-${name}` }];
  return { ...rest, event: { ...event, eventId: `ghost-${event.eventId}`, identifiers } };
}
