// One worker: a process that runs both production programs, as `weft up` puts them together (services/cli/runtime.ts),
// over the simulated log, store, index and registry. It is killed, paused and started again under the same name.

import type { Codec } from "#ports/codec.ts";
import type { GroupOptions, Log, Membership } from "#ports/log.ts";
import { deadLetterTopic } from "#services/config/topics.ts";
import { readEntry, toItem } from "#services/wire/rules.ts";
import type { Broker } from "./broker.ts";
import type { Group } from "./group.ts";
import { SESSION_MS } from "./group.ts";
import { Incarnation } from "./incarnation.ts";
import { IDENTITY_KEY } from "./keyring.ts";
import { type Kit, NAMES, READ_TOPICS, sourceOf } from "./kit.ts";
import type { ServerState } from "./state.ts";
import { openReading } from "./reading.ts";
import { send, type World } from "./world.ts";

export interface WorkerGround {
  readonly world: World;
  readonly kit: Kit;
  readonly broker: Broker;
  readonly state: ServerState;
  readonly groups: ReadonlyMap<string, Group>;
  /** The wall clock of the simulated shells. */
  now(): number;
}

/** Of the batches in which a schema has to be asked for. */
const ASKED_SHARE = 0.1;
const RESTART_MS_MAX = 500;
/** Keys that a process holds are asked for again after 300 virtual ms. */
const KEYS_AGE = 200;

export class Worker {
  readonly name: string;
  readonly #ground: WorkerGround;
  #life: Incarnation;
  #memberships: Membership[] = [];

  constructor(ground: WorkerGround, name: string) {
    this.#ground = ground;
    this.name = name;
    this.#life = this.#beBorn();
  }

  get isUp(): boolean {
    return this.#life.isResponsive;
  }

  crash(): void {
    this.#life.crash();
  }

  /** True where it was paused; it comes back when its session is over. */
  pause(ms: number): boolean {
    const life = this.#life;
    if (!life.isResponsive) return false;
    const { world } = this.#ground;
    life.pause();
    world.after(SESSION_MS, `session of ${this.name}`, () => this.#expire(life));
    world.after(ms, `resume ${this.name}`, () => life.resume());
    return true;
  }

  resume(): void {
    this.#life.resume();
  }

  /** Ends in order, as on SIGTERM. */
  async drain(): Promise<void> {
    await Promise.all(this.#memberships.map((membership) => membership.close()));
  }

  restart(): void {
    const { world } = this.#ground;
    const ended = this.#life;
    ended.end();
    // Of one that was asked to end while it started, a membership may be left.
    world.after(SESSION_MS, `session of ${this.name}`, () => this.#expire(ended));
    this.#life = this.#beBorn();
  }

  #beBorn(): Incarnation {
    const { world } = this.#ground;
    const life: Incarnation = new Incarnation(world, this.name, () => {
      world.after(SESSION_MS, `session of ${this.name}`, () => this.#expire(life));
      const name = world.number(`restart ${this.name}`);
      world.after(20 + RESTART_MS_MAX * world.draw(name), name, () => {
        if (this.#life === life) this.#life = this.#beBorn();
      });
    });
    this.#start(life).catch((error: unknown) => world.fail(`${this.name} does not start: ${String(error)}`));
    return life;
  }

  #expire(life: Incarnation): void {
    for (const group of this.#ground.groups.values()) group.expire(life);
  }

  async #start(life: Incarnation): Promise<void> {
    const { world, kit, state, groups, now } = this.#ground;
    const { system, encodeBundle, encodeOutput } = kit;
    const { plan } = world;
    const engine = kit.engineFor(plan);
    const opened = state.openIndex(life);
    const index = new system.ComponentIndex(opened);
    const codec = this.#openCodec(life);
    const shared = {
      codec,
      shards: plan.shards,
      ...(plan.sealed === true ? { keysTopic: NAMES.keys } : {}),
      resolvedTopic: NAMES.resolved,
      encodeBundle,
      transactionIntervalMs: plan.transactionIntervalMs,
      waiting: {
        onWait: (line: string) => {
          for (const [state, pattern] of SAID) if (pattern.test(line)) world.count(state);
        },
      },
    };
    const log = {
      ...openReading(this.#ground, life),
      joinGroup: async (options: GroupOptions) => (groups.get(options.group) as Group).join(life, options),
    } as Partial<Log> as Log;
    const keeper = new system.IndexKeeper({
      ...shared,
      index: opened,
      known: index,
      log,
      run: world.number(this.name),
    });
    const ofKeys = { index: opened, identityKey: IDENTITY_KEY, topic: NAMES.keys };
    const sealing =
      plan.sealed === true
        ? {
            keys: new system.PayloadKeys({
              ...ofKeys,
              now: () => world.nowMs * KEYS_AGE,
              repair: (names) => keeper.checkKeys(names),
            }),
          }
        : {};
    const resolving = await system.startResolver(
      log,
      {
        ...shared,
        ...sealing,
        registry: engine.registry,
        index,
        keeper,
        privacy: new system.PrivacyLedger(NAMES.privacy, this.#openPrivacyLog(life), codec),
        rules: {
          topic: NAMES.rules,
          readItem(record) {
            const entry = readEntry(codec, record);
            return entry === null || typeof entry === "string" ? entry : toItem(entry);
          },
        },
        tickIntervalMs: plan.tickIntervalMs,
        sourceOf,
        deadLetterTopic,
        now,
        onBatch: ({ suppressed }) => {
          if (suppressed > 0) world.count("late event of somebody erased");
        },
      },
      { topics: READ_TOPICS, slots: plan.resolverSlots, groupPrefix: "" },
    );
    const stitching = await system.startStitcher(
      log,
      {
        ...shared,
        ...sealing,
        engine,
        keeper,
        store: state.openStore(life),
        encodeOutput,
        prepareEvents: (events) => codec.prepare(events),
        findRoots: (components) => index.findRoots(components),
        join: (request) => index.join(request),
      },
      { slots: plan.stitchSlots, groupPrefix: "" },
    );
    this.#memberships = [resolving, stitching];
  }

  /** Read by whoever resolves, beside its slot. */
  #openPrivacyLog(life: Incarnation): Pick<Log, "endOffsets" | "read"> {
    const { world, kit, broker } = this.#ground;
    const partition = broker.at(NAMES.privacy, 0);
    const ask = <T>(name: string, effect: () => T): Promise<T> =>
      send(world, life, {
        name: `${name} of requests`,
        refused: "log-refused",
        lost: "log-lost",
        late: "log-late",
        effect,
        error: (why) => new kit.system.LogError("log-unavailable", why),
      });
    return {
      endOffsets: () => ask("end", () => new Map([[partition.key, partition.end]])),
      async *read(_topics, { from }) {
        const at = typeof from === "string" ? 0 : (from.get(partition.key) ?? 0);
        yield* (await ask("records", () => partition.read(at, Number.POSITIVE_INFINITY))).records;
      },
    };
  }

  /** Schemas are known; now and then one has to be asked for, and the registry is away. */
  #openCodec(life: Incarnation): Codec {
    const { world, kit } = this.#ground;
    return {
      ...kit.codec,
      prepare: async () => {
        if (world.plan.rates["registry-refused"] === 0 && world.nowMs > 0) return;
        if (world.draw(world.number("schema is known")) >= ASKED_SHARE) return;
        await send(world, life, {
          name: "registry",
          refused: "registry-refused",
          effect: async () => {},
          error: (why) => new kit.system.RegistryUnavailable(why),
        });
      },
    };
  }
}

/** States that the product tells of itself. */
const SAID: readonly (readonly [string, RegExp])[] = [
  ["store behind the log (R < K)", /the store is behind what was published/],
  ["commit refused", /commit (fenced|moved)/],
  ["slot taken over again", /taking the slot over again/],
  ["index put back", /identity index is whole again/],
  ["waited for a service", /^waiting for the/],
  ["told of an open transaction", /a producer has left a transaction open/],
];
